import type {
  InterviewOptions,
  InterviewStartRequest,
  Keeper,
  OpenAIConfig,
  RetryConfig,
  TokenSource,
  TurnServerConfig,
} from '@vivavoce/client';

/**
 * How to connect: what is to be asked of `interview-start`, or what it has answered.
 *
 * With `sessionId` and `sessionToken` the session is one that was started elsewhere, by a server of
 * yours perhaps; `proxyUrl`, `openaiConfig` and the servers are then those of its `webrtcConfig`.
 */
export interface WebRTCConfig {
  /** Where the control plane is; this page's own origin if left out. */
  readonly baseUrl?: string;
  /** The user's access token or the invitation's, or what gives a fresh one each time. */
  readonly token?: TokenSource;
  /** What is asked of `interview-start`. */
  readonly request?: InterviewStartRequest;
  readonly sessionId?: string;
  readonly sessionToken?: string;
  /** The session's `sdpProxyUrl`; null in the direct architecture. */
  readonly proxyUrl?: string | null;
  readonly openaiConfig?: OpenAIConfig;
  readonly stunServers?: string[];
  readonly turnServers?: TurnServerConfig[];
  /** What a session must belong to for a page to come back to it, such as an invitation's id. */
  readonly scope?: string;
  /** Where the session may run, the preferred one first. */
  readonly regions?: readonly string[];
  readonly retry?: Partial<RetryConfig>;
  readonly microphone?: 'required' | 'optional' | 'none';
  /** By the browser's id of a device; whichever the browser gives if that one is gone. */
  readonly microphoneId?: string;
  /** Where this page keeps what it needs to come back; the browser's storage if left out. */
  readonly keeper?: Keeper;
}

/** The client's options for a configuration. */
export function optionsOf(config: WebRTCConfig): InterviewOptions {
  const { sessionId, sessionToken, proxyUrl, openaiConfig, stunServers, turnServers, ...rest } =
    config;
  if (sessionId === undefined || sessionToken === undefined || openaiConfig === undefined) {
    return rest;
  }
  const webrtcConfig = {
    sdpProxyUrl: proxyUrl ?? null,
    openaiConfig,
    stunServers: stunServers ?? [],
    turnServers: turnServers ?? [],
  };
  return { ...rest, session: { sessionId, sessionToken, webrtcConfig } };
}
