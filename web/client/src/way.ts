import type { VoiceCall } from './call.ts';
import type { SignallingHealth } from './connection.ts';
import type { WebRTCConnectionError } from './errors.ts';
import type { RealtimeServerEvent, TranscriptEntry } from './generated.ts';
import type { Ending } from './session.ts';

/** The other side's half of a call. */
export interface Answer {
  readonly sdp: string;
  readonly callId: string | null;
}

/** What a way tells the interview. None of them waits. */
export interface WayListener {
  /** The interview is over. */
  readonly onEnd: (ending: Ending) => void;
  /** The other side says that the call is gone. */
  readonly onCallLost: () => void;
  /** Something failed; the interview goes on. */
  readonly onError: (error: WebRTCConnectionError) => void;
  /** The way is lost for good. */
  readonly onFailure: (error: WebRTCConnectionError) => void;
  readonly onSignalling: (health: SignallingHealth) => void;
  /** Transcripts are stored again after trouble, or were never in trouble. */
  readonly onStored: () => void;
  /** When the session ends at the latest. */
  readonly onDeadline: (expiresAt: Date) => void;
}

/** What the two architectures have in common: how an offer becomes a call, and who is told. */
export interface Way {
  /** Open it; resolves once offers can be made. Runs on until it is closed. */
  open(): Promise<void>;
  /** Exchange an offer for an answer. */
  offer(sdp: string, replaces: string | null): Promise<Answer>;
  /** Do what a call needs once it stands. */
  begin(call: VoiceCall, replaces: string | null): Promise<void>;
  /** Take an event of the data channel, and what it changed in the transcript. */
  hear(event: RealtimeServerEvent, changed: readonly TranscriptEntry[]): void;
  /** Show the session's renewed token to whoever needs it. */
  presentToken(): void;
  /** End the session for good: the candidate leaves. */
  leave(): Promise<void>;
  /** Let go of everything; the session itself may be come back to. */
  close(): Promise<void>;
}
