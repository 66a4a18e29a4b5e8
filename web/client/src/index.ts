/** A spoken interview from the candidate's browser: connection, recovery, transcript. */
export { type CallListener, type CallOptions, openCall, type VoiceCall } from './call.ts';
export {
  type ChannelListener,
  type ChannelOptions,
  findChannel,
  openChannels,
  ProxyChannel,
} from './channel.ts';
export {
  advance,
  Connection,
  type ConnectionMetrics,
  type ConnectionState,
  type SignallingHealth,
} from './connection.ts';
export {
  type Ask,
  askEdge,
  askEdgeForText,
  askEdgeUnlessKnown,
  Edge,
  exchangeSdp,
  type Tagged,
  type TokenSource,
} from './edge.ts';
export {
  asConnectionError,
  type DeviceCode,
  type ErrorDetails,
  errorOf,
  isErrorCode,
  isRetriableError,
  WebRTCConnectionError,
} from './errors.ts';
export type * as wire from './generated.ts';
export {
  type ConnectionEvent,
  type ConnectionStatus,
  type EdgeShapes,
  type EndReason,
  type ErrorCode,
  errorRecoveryMap,
  type InterviewStartRequest,
  type InterviewStartResponse,
  type OpenAIConfig,
  type OpenAIVoiceConfig,
  type Recovery,
  type Speaker,
  type TranscriptEntry,
  type TranscriptEvent,
  type TurnServerConfig,
  transitions,
  type Witness,
} from './generated.ts';
export { Interview, type InterviewOptions, maxTypedCharacters } from './interview.ts';
export { openMicrophone } from './microphone.ts';
export type { InterviewerActivity, Presence } from './presence.ts';
export { readEvent } from './realtime.ts';
export { type Persistence, persist, type Remedies } from './recovery.ts';
export { calculateBackoffDelay, defaultRetryConfig, type RetryConfig } from './retry.ts';
export {
  type Ending,
  iceServersOf,
  type SavedSession,
  type SessionConfiguration,
} from './session.ts';
export { type Levels, Sound } from './sound.ts';
export { browserKeeper, type Keeper, noKeeper, sessionKey, transcriptKey } from './storage.ts';
export { type Readable, Store } from './store.ts';
export { LiveTranscript, type TranscriptView } from './transcript/live.ts';
export { Transcript } from './transcript/transcript.ts';
export { type ShownCode, type Words, wordsFor, wordsForEnding } from './words.ts';
