import type {
  ConnectionState,
  Ending,
  Interview,
  Presence,
  TranscriptEntry,
  Words,
} from '@vivavoce/client';
import type { WebRTCConfig } from './config.ts';
import { useConnectionOf } from './useConnectionState.ts';
import { useOwnInterview } from './useOwnInterview.ts';
import { useStore } from './useStore.ts';
import { useTranscriptOf } from './useTranscriptManager.ts';

/** An interview, as a component shows and steers it. */
export interface WebRTCState extends ConnectionState {
  /** Connect, or try again; never rejects: `status` and `error` say how it went. */
  readonly connect: () => Promise<void>;
  /** Leave for good: the interview ends. */
  readonly disconnect: () => Promise<void>;
  readonly transcript: readonly TranscriptEntry[];
  /** Whether the transcript is this browser's copy, shown until we are in touch again. */
  readonly isCached: boolean;
  /** What to say while transcripts fail; the interview goes on. */
  readonly warning: Words | null;
  readonly presence: Presence;
  readonly ending: Ending | null;
  readonly sessionId: string | null;
  /** When the session ends at the latest. */
  readonly deadline: Date | null;
  readonly isMuted: boolean;
  readonly isPaused: boolean;
  /** Whether the browser wants a touch before it plays sound: call `interview.sound.unblock()`. */
  readonly isSoundBlocked: boolean;
  /** Whether there is a session of this page to come back to. */
  readonly canResume: boolean;
  /** All else: mute, say, repeat, pause, levels. */
  readonly interview: Interview;
}

/** An interview of this component: let go of when it unmounts. */
export function useWebRTC(config: WebRTCConfig): WebRTCState {
  return useWebRTCOf(useOwnInterview(config));
}

/** An interview that somebody else owns. */
export function useWebRTCOf(interview: Interview): WebRTCState {
  const connection = useConnectionOf(interview);
  const sessionId = useStore(interview.sessionId);
  const { transcript, isCached, warning } = useTranscriptOf(interview, sessionId);
  return {
    ...connection,
    transcript,
    isCached,
    warning,
    sessionId,
    presence: useStore(interview.presence),
    ending: useStore(interview.ending),
    deadline: useStore(interview.deadline),
    isMuted: useStore(interview.isMuted),
    isPaused: useStore(interview.isPaused),
    isSoundBlocked: useStore(interview.sound.isBlocked),
    canResume: interview.canResume,
    interview,
  };
}
