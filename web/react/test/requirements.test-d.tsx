/** The requirements' names, parameters and results; checked by the compiler. */
import { expectTypeOf, test } from 'vitest';
import {
  type ConnectionMetrics,
  errorRecoveryMap,
  InterviewRoom,
  SessionProvider,
  TranscriptPanel,
  TranscriptProvider,
  useConnectionState,
  useOpenAIConnection,
  useRetry,
  useSDPProxy,
  useTranscriptManager,
  useWebRTC,
  type WebRTCConfig,
  WebRTCConnectionError,
  WebRTCManager,
  WebRTCProvider,
} from '../src/index.ts';

type ConnectionStatus =
  | 'idle'
  | 'connecting'
  | 'connected'
  | 'disconnecting'
  | 'disconnected'
  | 'error'
  | 'reconnecting';

/** As the requirements write it down. */
interface RequiredConnectionState {
  status: ConnectionStatus;
  error?: Error;
  retryCount: number;
  lastConnected?: Date;
  metrics: ConnectionMetrics;
}

interface RequiredEntry {
  speaker: 'ai' | 'candidate';
  content: string;
  timestamp: string;
}

/** The orchestration of the requirements' example, with their names. */
export function useExample(config: WebRTCConfig) {
  const connectionState = useConnectionState();
  const retry = useRetry({ maxAttempts: 3, backoff: 'exponential' });
  const sdpProxy = useSDPProxy(config.proxyUrl ?? null);
  const openaiConnection = useOpenAIConnection(
    config.openaiConfig ?? { url: '', model: '', voice: '', instructions: '' },
  );
  const transcriptManager = useTranscriptManager(config.sessionId);
  return {
    connect: connectionState.connect,
    disconnect: connectionState.disconnect,
    status: connectionState.status,
    transcript: transcriptManager.transcript,
    error: connectionState.error || retry.error,
    sdpProxy,
    openaiConnection,
  };
}

/** The tree of the requirements' example. */
export const tree = (sessionId: string, webrtcConfig: WebRTCConfig) => (
  <SessionProvider sessionId={sessionId}>
    <WebRTCProvider config={webrtcConfig}>
      <TranscriptProvider>
        <InterviewRoom />
        <WebRTCManager />
        <TranscriptPanel />
      </TranscriptProvider>
    </WebRTCProvider>
  </SessionProvider>
);

test('the hooks give what is required', () => {
  expectTypeOf(useWebRTC).parameter(0).toEqualTypeOf<WebRTCConfig>();
  expectTypeOf<ReturnType<typeof useWebRTC>>().toExtend<{
    connect: () => Promise<void>;
    disconnect: () => Promise<void>;
    status: ConnectionStatus;
    transcript: readonly RequiredEntry[];
    error?: Error;
  }>();
  expectTypeOf(useConnectionState).parameters.toEqualTypeOf<[]>();
  expectTypeOf<ReturnType<typeof useConnectionState>>().toExtend<RequiredConnectionState>();
  expectTypeOf<ReturnType<typeof useConnectionState>['status']>().toEqualTypeOf<ConnectionStatus>();
  expectTypeOf<ReturnType<typeof useTranscriptManager>['transcript']>().toExtend<
    readonly RequiredEntry[]
  >();
  expectTypeOf(useRetry).parameter(0).toExtend<
    | {
        maxAttempts?: number;
        baseDelay?: number;
        maxDelay?: number;
        backoffFactor?: number;
        jitter?: boolean;
      }
    | undefined
  >();
});

test('the error carries what is required', () => {
  expectTypeOf(WebRTCConnectionError).toBeConstructibleWith('message', 'CODE');
  expectTypeOf(WebRTCConnectionError).toBeConstructibleWith('message', 'CODE', true);
  expectTypeOf<WebRTCConnectionError>().toExtend<
    Error & { readonly code: string; readonly retryable: boolean }
  >();
  expectTypeOf(errorRecoveryMap).toExtend<{
    readonly SDP_EXCHANGE_FAILED: 'retry_with_backoff';
    readonly WEBRTC_CONNECTION_FAILED: 'retry_with_new_session';
    readonly AUTHENTICATION_FAILED: 'refresh_token_and_retry';
    readonly VM_PROVISIONING_FAILED: 'retry_with_different_region';
    readonly TRANSCRIPT_PROCESSING_FAILED: 'continue_session_log_error';
  }>();
});
