import type { RealtimeServerEvent, TranscriptEntry, TranscriptEvent } from '../generated.ts';
import { type Readable, Store } from '../store.ts';
import { Transcript } from './transcript.ts';

/** Between a change and what watchers see of it: many changes, one picture. */
export const flushInterval = 100;

/** The conversation as a page shows it. */
export interface TranscriptView {
  readonly entries: readonly TranscriptEntry[];
  /** Whether it comes from this browser's storage alone, and the machine has not spoken yet. */
  readonly isCached: boolean;
}

/**
 * The conversation as a client sees it: its own account, and the one that the machine sends.
 *
 * The machine's account (from the sideband) is the better one where both tell of an item; our own,
 * from the data channel, is what we have before, and what we can lend to a machine that missed
 * something. Watchers are told in batches of at most 100 ms.
 */
export class LiveTranscript implements Readable<TranscriptView> {
  #transcript = new Transcript();
  readonly #view = new Store<TranscriptView>({ entries: [], isCached: false });
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly getSnapshot = this.#view.getSnapshot;
  readonly subscribe = this.#view.subscribe;

  /** Everything said so far, in the order of the conversation, as of this moment. */
  get entries(): TranscriptEntry[] {
    return this.#transcript.entries();
  }

  get known(): Record<string, number> {
    return this.#transcript.known();
  }

  /** What we ourselves heard, in order; of all items unless some are named. */
  own(itemIds?: ReadonlySet<string>): TranscriptEntry[] {
    return this.#transcript.witnessed(itemIds);
  }

  /** What to keep in this browser: what is shown, and our own copy where it is another one. */
  get kept(): TranscriptEntry[] {
    const own = new Map(this.own().map((entry) => [entry.itemId, entry]));
    return this.entries.flatMap((entry) => {
      const copy = own.get(entry.itemId);
      return copy === undefined || entry.witness === 'client' ? [entry] : [entry, copy];
    });
  }

  /** Take what this browser has kept; shown at once, as what it is. */
  restore(entries: readonly TranscriptEntry[]): void {
    if (entries.length === 0) return;
    this.#transcript.merge(entries);
    this.#view.set({ entries: this.entries, isCached: true });
  }

  /** Begin with nothing: another session. */
  clear(): void {
    this.#transcript = new Transcript();
    this.flush();
  }

  /** Take an event of our data channel; give what changed. */
  hear(event: RealtimeServerEvent): TranscriptEntry[] {
    return this.#tell(this.#transcript.apply(event, new Date().toISOString()));
  }

  /** Take what the machine tells; give what changed. */
  merge(entries: readonly TranscriptEntry[]): TranscriptEntry[] {
    return this.#tell(this.#transcript.merge(entries));
  }

  /** Note how loud a turn of the candidate was. */
  noteLevel(itemId: string, audioLevel: number): void {
    this.#transcript.noteLevel(itemId, audioLevel);
  }

  /** Close what is open: the call is gone. */
  settle(): TranscriptEntry[] {
    return this.#tell(this.#transcript.settle(new Date().toISOString()));
  }

  /** Say that we are in touch again: what is shown is what there is. */
  confirm(): void {
    if (this.getSnapshot().isCached) this.flush();
  }

  /** Show what there is now. Leaves no timer behind. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#view.set({ entries: this.entries, isCached: false });
  }

  #tell(changed: TranscriptEntry[]): TranscriptEntry[] {
    if (changed.length > 0) this.#timer ??= setTimeout(() => this.flush(), flushInterval);
    return changed;
  }
}

/** An entry in the form that the transcript processor takes. */
export function eventOf(sessionId: string, entry: TranscriptEntry): TranscriptEvent {
  const { witness: _, ...fields } = entry;
  return { ...fields, sessionId };
}
