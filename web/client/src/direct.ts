import type { VoiceCall } from './call.ts';
import { type Edge, exchangeSdp } from './edge.ts';
import { asConnectionError, errorOf, type WebRTCConnectionError } from './errors.ts';
import type {
  FunctionCallArgumentsDone,
  RealtimeServerEvent,
  TranscriptEntry,
} from './generated.ts';
import { endInterviewTool } from './generated.ts';
import { createFunctionOutput, createMessage, createResponse } from './realtime.ts';
import { type Session, takeToken } from './session.ts';
import { Store, until } from './store.ts';
import { sleep, Tasks, within } from './tasks.ts';
import type { LiveTranscript } from './transcript/live.ts';
import { sendPersistently } from './upload.ts';
import type { Answer, Way, WayListener } from './way.ts';

const batchMs = 100;
const lastWordsMs = 15_000;
const flushMs = 10_000;
/** Between two series of attempts to store. */
const retryMs = 5_000;
const endReasons = ['completed', 'candidate_left'] as const;
type Reason = (typeof endReasons)[number];

/**
 * The direct architecture: the client offers to the voice model itself, and is the only witness.
 *
 * There is no machine. The control plane is told of the call, so that it can end it; transcripts
 * are sent by us, and stand in the store as the client's word.
 */
export class DirectWay implements Way {
  readonly #session: Session;
  readonly #edge: Edge;
  readonly #transcript: LiveTranscript;
  readonly #listener: WayListener;
  readonly #tasks: Tasks;
  readonly #unsent = new Store<ReadonlyMap<string, TranscriptEntry>>(new Map());
  readonly #isSending = new Store(false);
  readonly #isSilent = new Store(true);
  readonly #goodbye = new Store<FunctionCallArgumentsDone | null>(null);
  #call: VoiceCall | null = null;

  constructor(session: Session, edge: Edge, transcript: LiveTranscript, listener: WayListener) {
    this.#session = session;
    this.#edge = edge;
    this.#transcript = transcript;
    this.#listener = listener;
    this.#tasks = new Tasks((error) => listener.onError(asConnectionError(error)));
  }

  async open(): Promise<void> {
    await this.#recall();
    this.#listener.onSignalling('open');
    this.#tasks.start((signal) => this.#upload(signal));
    this.#tasks.start((signal) => this.#endAfterGoodbye(signal));
  }

  /** Post the offer with a client secret that was not used before, and report the call. */
  async offer(sdp: string, _replaces: string | null): Promise<Answer> {
    const session = this.#session;
    if (session.clientSecret === null) takeToken(session, await this.#edge.renew(session.token));
    const secret = session.clientSecret;
    if (secret === null) {
      throw errorOf('AUTHENTICATION_FAILED', 'The server gave no key for the voice model.');
    }
    session.clientSecret = null;
    const answer = await exchangeSdp(session.config.openaiConfig.url, secret.value, sdp);
    if (answer.callId !== null) {
      await this.#edge.reportCall(session.id, session.token, answer.callId);
    }
    return answer;
  }

  /** Let the interviewer begin; where something was said before, tell it that first. */
  async begin(call: VoiceCall, _replaces: string | null): Promise<void> {
    this.#call = call;
    this.#transcript.confirm();
    for (const { itemId, speaker, content } of this.#transcript.entries) {
      await call.send(createMessage(speaker === 'ai' ? 'assistant' : 'user', content, itemId));
    }
    await call.send(createResponse());
  }

  /** Queue what changed, and note the interviewer's goodbye. */
  hear(event: RealtimeServerEvent, changed: readonly TranscriptEntry[]): void {
    if (changed.length > 0) {
      const entries = changed.map((entry): [string, TranscriptEntry] => [entry.itemId, entry]);
      this.#unsent.set(new Map([...this.#unsent.getSnapshot(), ...entries]));
    }
    if (event.type === 'output_audio_buffer.started') this.#isSilent.set(false);
    if (event.type === 'output_audio_buffer.stopped') this.#isSilent.set(true);
    if (event.type === 'output_audio_buffer.cleared') this.#isSilent.set(true);
    if (event.type === 'response.function_call_arguments.done' && event.name === endInterviewTool) {
      this.#goodbye.set(event);
    }
  }

  presentToken(): void {
    // Nobody needs it before the next request.
  }

  /** Send what is left, then end the session at the control plane. */
  async leave(): Promise<void> {
    if (this.#goodbye.getSnapshot() === null) {
      await this.#finish('candidate_left', this.#tasks.signal);
    }
  }

  async close(): Promise<void> {
    await this.#tasks.stop();
    this.#listener.onSignalling('closed');
  }

  /** Learn what is stored already: the session may have begun in another browser. */
  async #recall(): Promise<void> {
    try {
      const { entries } = await this.#edge.showTranscript(this.#session.id, this.#session.token);
      this.#transcript.merge(entries);
    } catch (error) {
      if (asConnectionError(error).recovery !== 'retry_with_backoff') throw error;
      this.#warn(asConnectionError(error)); // the interview goes on without
    }
  }

  /** Answer the goodbye, let it play, store everything, end the session. */
  async #endAfterGoodbye(signal: AbortSignal): Promise<void> {
    const goodbye = await until(this.#goodbye, (event) => event !== null, signal);
    if (goodbye === null) return;
    await this.#call
      ?.send(createFunctionOutput(goodbye.call_id ?? '', '{"ok": true}'))
      .catch(() => {}); // then the call is gone, as it is to be
    const silent = (limit: AbortSignal) => until(this.#isSilent, Boolean, limit);
    await within(lastWordsMs, signal, silent, tooLate).catch(() => {});
    signal.throwIfAborted();
    const reason = reasonOf(goodbye);
    const transcriptComplete = await this.#finish(reason, signal);
    this.#listener.onEnd({ reason, transcriptComplete });
  }

  /** Store what is left and end the session; say whether everything was stored. */
  async #finish(reason: Reason, signal: AbortSignal): Promise<boolean> {
    const flushed = async (limit: AbortSignal) => {
      await until(this.#unsent, ({ size }) => size === 0, limit);
      await until(this.#isSending, (isSending) => !isSending, limit);
    };
    const isComplete = await within(flushMs, signal, flushed, tooLate).then(
      () => true,
      () => false,
    );
    try {
      await this.#edge.end(this.#session.id, this.#session.token, reason);
    } catch (error) {
      this.#listener.onError(asConnectionError(error));
    }
    return isComplete;
  }

  async #upload(signal: AbortSignal): Promise<void> {
    for (;;) {
      await until(this.#unsent, ({ size }) => size > 0, signal);
      await sleep(batchMs, signal);
      const batch = this.#unsent.getSnapshot();
      this.#isSending.set(true);
      this.#unsent.set(new Map());
      try {
        const entries = [...batch.values()];
        await sendPersistently(this.#edge, this.#session, entries, signal, (error) =>
          this.#warn(error),
        );
        this.#listener.onStored();
      } catch (error) {
        signal.throwIfAborted();
        const failure = asConnectionError(error);
        if (failure.code === 'SESSION_ENDED') {
          this.#listener.onEnd({ reason: null, transcriptComplete: null });
        }
        this.#warn(failure);
        this.#unsent.set(new Map([...batch, ...this.#unsent.getSnapshot()]));
        await sleep(retryMs, signal);
      } finally {
        this.#isSending.set(false);
      }
    }
  }

  #warn({ message }: WebRTCConnectionError): void {
    this.#listener.onError(errorOf('TRANSCRIPT_PROCESSING_FAILED', message));
  }
}

const tooLate = () => errorOf('UNAVAILABLE', 'It took too long.');

function reasonOf(goodbye: FunctionCallArgumentsDone): Reason {
  try {
    const { reason } = JSON.parse(goodbye.arguments ?? '{}');
    return endReasons.includes(reason) ? reason : 'completed';
  } catch {
    return 'completed';
  }
}
