import type { WebRTCConnectionError } from './errors.ts';
import {
  type ConnectionEvent,
  type ConnectionStatus,
  initialStatus,
  transitions,
} from './generated.ts';
import { type Readable, Store } from './store.ts';

/** How the way to the control plane is doing; the audio call does not depend on it. */
export type SignallingHealth = 'closed' | 'open' | 'lost';

/** What was measured so far; a field is missing until it has happened. */
export interface ConnectionMetrics {
  /** From the request for a session to its answer. */
  readonly startMs?: number;
  /** From sending the SDP offer to having the answer. */
  readonly offerAnswerMs?: number;
  /** From sending the offer to the connected call. */
  readonly connectedMs?: number;
  /** From sending the offer to the first sound of the interviewer. */
  readonly firstAudioMs?: number;
  /** Of the media path. */
  readonly roundTripMs?: number;
  /** Share of the packets lost on the way here, 0 to 1. */
  readonly loss?: number;
  /** Of the packets on the way here (RFC 3550 §6.4.1). */
  readonly jitterMs?: number;
}

/** All that can be said of the connection at one moment. */
export interface ConnectionState {
  /** Follows the audio call. */
  readonly status: ConnectionStatus;
  /** Why the status is `error`, or the last error that was recovered from. */
  readonly error?: WebRTCConnectionError;
  /** Attempts since the call last stood. */
  readonly retryCount: number;
  readonly lastConnected?: Date;
  readonly metrics: ConnectionMetrics;
  readonly signalling: SignallingHealth;
  /** Whether the microphone is being sent. Audio is never stored. */
  readonly isRecording: boolean;
}

type Changes = { [Field in keyof ConnectionState]?: ConnectionState[Field] | undefined };

const initialState: ConnectionState = {
  status: initialStatus,
  retryCount: 0,
  metrics: {},
  signalling: 'closed',
  isRecording: false,
};

/** The state after `event`, or undefined if the table has no such move. */
export function advance(
  status: ConnectionStatus,
  event: ConnectionEvent,
): ConnectionStatus | undefined {
  const moves: Readonly<Partial<Record<ConnectionEvent, ConnectionStatus>>> = transitions[status];
  return moves[event];
}

/** Holds the state of a connection; `protocol/connection.json` says how it moves. */
export class Connection implements Readable<ConnectionState> {
  readonly #store = new Store<ConnectionState>(initialState);
  #hasMicrophone = false;

  readonly getSnapshot = this.#store.getSnapshot;
  readonly subscribe = this.#store.subscribe;

  get status(): ConnectionStatus {
    return this.getSnapshot().status;
  }

  /** Follow the table where it has this move; say whether it had. */
  move(event: ConnectionEvent, error?: WebRTCConnectionError): boolean {
    const status = advance(this.status, event);
    if (status === undefined) return false;
    this.#change({
      status,
      ...(status === 'connected'
        ? { lastConnected: new Date(), retryCount: 0, error: undefined }
        : {}),
      ...(event === 'connect' || event === 'resume' || event === 'retry'
        ? { error: undefined, retryCount: 0 }
        : {}),
      ...(error === undefined ? {} : { error }),
    });
    return true;
  }

  /** Note that another attempt is made because of `error`. */
  countRetry(error: WebRTCConnectionError): void {
    this.#change({ error, retryCount: this.getSnapshot().retryCount + 1 });
  }

  /** Note an error that ends nothing. */
  noteError(error: WebRTCConnectionError): void {
    this.#change({ error });
  }

  /** An error of this code is over. */
  clearError(code: string): void {
    if (this.getSnapshot().error?.code === code) this.#change({ error: undefined });
  }

  noteSignalling(signalling: SignallingHealth): void {
    if (signalling !== this.getSnapshot().signalling) this.#change({ signalling });
  }

  /** Note whether there is a microphone that is not muted. */
  noteMicrophone(hasMicrophone: boolean): void {
    this.#hasMicrophone = hasMicrophone;
    this.#change({});
  }

  measure(metrics: ConnectionMetrics): void {
    this.#change({ metrics: { ...this.getSnapshot().metrics, ...metrics } });
  }

  #change(changes: Changes): void {
    const next = { ...this.getSnapshot(), ...changes };
    next.isRecording = next.status === 'connected' && this.#hasMicrophone;
    const kept = Object.entries(next).filter(([, value]) => value !== undefined);
    this.#store.set(Object.fromEntries(kept) as unknown as ConnectionState);
  }
}
