/** React hooks and components for spoken interviews, over `@vivavoce/client`. */
export {
  type ConnectionMetrics,
  type ConnectionStatus,
  errorRecoveryMap,
  type TranscriptEntry,
  WebRTCConnectionError,
  type Words,
  wordsFor,
  wordsForEnding,
} from '@vivavoce/client';
export type { WebRTCConfig } from './config.ts';
export { useInterview } from './context.ts';
export { InterviewRoom } from './InterviewRoom.tsx';
export {
  SessionProvider,
  TranscriptProvider,
  useTranscript,
  WebRTCProvider,
} from './providers.tsx';
export { TranscriptPanel } from './TranscriptPanel.tsx';
export { type ConnectionState, useConnectionState } from './useConnectionState.ts';
export {
  type OpenAIConnectionState,
  type OpenAISessionConfig,
  useOpenAIConnection,
} from './useOpenAIConnection.ts';
export { type RetryConfig, type RetryState, useRetry } from './useRetry.ts';
export { type SDPProxyConfig, type SDPProxyState, useSDPProxy } from './useSDPProxy.ts';
export { useStore } from './useStore.ts';
export { type TranscriptState, useTranscriptManager } from './useTranscriptManager.ts';
export { useWebRTC, useWebRTCOf, type WebRTCState } from './useWebRTC.ts';
export { WebRTCManager } from './WebRTCManager.tsx';
