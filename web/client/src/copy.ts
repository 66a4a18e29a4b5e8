import type { Edge } from './edge.ts';
import type { Session } from './session.ts';
import type { Keeper } from './storage.ts';
import type { LiveTranscript } from './transcript/live.ts';
import { sendPersistently } from './upload.ts';

/** Between a change of the transcript and its copy in the browser. */
const keepMs = 1_000;

/**
 * The browser's copy of a transcript: made soon after each change and when the page is left, and
 * gone once the server has all of it.
 */
export class TranscriptCopy {
  readonly #transcript: LiveTranscript;
  readonly #keeper: Keeper;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sessionId: string | null = null;
  #unwatch: (() => void) | null = null;

  constructor(transcript: LiveTranscript, keeper: Keeper) {
    this.#transcript = transcript;
    this.#keeper = keeper;
  }

  /** Keep what is said in this session from here on. */
  begin(sessionId: string): void {
    if (this.#sessionId === sessionId && this.#unwatch !== null) return;
    this.end();
    this.#sessionId = sessionId;
    const unsubscribe = this.#transcript.subscribe(() => {
      this.#timer ??= setTimeout(this.#keep, keepMs);
    });
    globalThis.addEventListener?.('pagehide', this.#keep);
    this.#unwatch = () => {
      unsubscribe();
      globalThis.removeEventListener?.('pagehide', this.#keep);
    };
  }

  /** Keep what there is, and nothing more after it. No timer is left. */
  end(): void {
    if (this.#unwatch === null) return;
    this.#unwatch();
    this.#unwatch = null;
    this.#transcript.flush();
    this.#keep();
  }

  /** The server has all of it, or the person has left: nothing is kept. */
  forget(sessionId: string): void {
    this.end();
    this.#keeper.forgetTranscript(sessionId);
  }

  /**
   * Send our own account of an interview at whose end the store lacked something, until it is
   * acknowledged; then the copy can go. Rejects if the store stays out of reach.
   */
  async deliver(edge: Edge, session: Session, signal: AbortSignal): Promise<void> {
    await sendPersistently(edge, session, this.#transcript.own(), signal);
    this.forget(session.id);
  }

  readonly #keep = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#sessionId !== null) {
      this.#keeper.saveTranscript(this.#sessionId, this.#transcript.kept);
    }
  };
}
