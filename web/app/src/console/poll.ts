import {
  asConnectionError,
  calculateBackoffDelay,
  type Readable,
  Store,
  type Tagged,
  type WebRTCConnectionError,
} from '@vivavoce/client';

/** What a screen knows of something that changes. */
export interface Seen<T> {
  /** The latest; it stays while the API is away. */
  readonly value: T | null;
  /** Why there is nothing newer; null while all is well. */
  readonly error: WebRTCConnectionError | null;
  /** Whether we go on asking in spite of the error. */
  readonly isAway: boolean;
}

/** Something that changes, for as long as somebody watches it. */
export interface Live<T> extends Readable<Seen<T>> {
  /** Look at once, such as after a change of one's own. */
  readonly refresh: () => void;
  /** Take what the caller learned from the API by itself. */
  readonly learn: (change: (value: T) => T) => void;
}

/** How a poll asks. */
export interface Question<T> {
  /** Null if what the tag names is still the latest. `before` is what was seen last. */
  readonly read: (tag: string | null, before: T | null) => Promise<Tagged<T> | null>;
  /** Milliseconds until the next look; null: it cannot change any more. */
  readonly every: (value: T) => number | null;
}

/** Whether anybody can see the page. */
export type Page = Pick<Document, 'hidden' | 'addEventListener' | 'removeEventListener'>;

const patience = { maxAttempts: 0, baseDelay: 1000, maxDelay: 15_000, backoffFactor: 2 } as const;

/**
 * Ask again and again while somebody watches and the page is seen; more and more rarely while
 * nobody answers. An error that asking again cannot mend ends it.
 */
export class Poll<T> implements Live<T> {
  readonly #question: Question<T>;
  readonly #page: Page;
  readonly #seen = new Store<Seen<T>>({ value: null, error: null, isAway: false });
  #tag: string | null = null;
  #watchers = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  #isWanted = false;

  constructor(question: Question<T>, page: Page = document) {
    this.#question = question;
    this.#page = page;
  }

  readonly getSnapshot = (): Seen<T> => this.#seen.getSnapshot();

  readonly subscribe = (listener: () => void): (() => void) => {
    const unsubscribe = this.#seen.subscribe(listener);
    this.#watchers += 1;
    if (this.#watchers === 1) {
      this.#page.addEventListener('visibilitychange', this.#onVisibility);
      this.refresh();
    }
    return () => {
      unsubscribe();
      this.#watchers -= 1;
      if (this.#watchers > 0) return;
      this.#page.removeEventListener('visibilitychange', this.#onVisibility);
      clearTimeout(this.#timer);
    };
  };

  readonly refresh = (): void => {
    clearTimeout(this.#timer);
    if (this.#isAsking) this.#isWanted = true;
    else void this.#ask();
  };

  readonly learn = (change: (value: T) => T): void => {
    const { value } = this.getSnapshot();
    if (value === null) return;
    this.#seen.set({ value: change(value), error: null, isAway: false });
    this.#tag = null;
    this.refresh();
  };

  readonly #onVisibility = (): void => {
    if (this.#page.hidden) clearTimeout(this.#timer);
    else this.refresh();
  };

  async #ask(): Promise<void> {
    this.#isAsking = true;
    this.#isWanted = false;
    try {
      const { value } = this.getSnapshot();
      const tagged = await this.#question.read(this.#tag, value);
      this.#failures = 0;
      if (tagged !== null && !this.#isWanted) {
        this.#tag = tagged.tag;
        this.#seen.set({ value: tagged.answer, error: null, isAway: false });
      } else if (this.getSnapshot().error !== null) {
        this.#seen.set({ value, error: null, isAway: false });
      }
    } catch (thrown) {
      this.#failures += 1;
      const error = asConnectionError(thrown);
      const { value } = this.getSnapshot();
      this.#seen.set({ value: error.retryable ? value : null, error, isAway: error.retryable });
    } finally {
      this.#isAsking = false;
      this.#schedule();
    }
  }

  #schedule(): void {
    if (this.#watchers === 0) return;
    if (this.#isWanted) void this.#ask();
    else {
      const wait = this.#wait();
      if (wait !== null && !this.#page.hidden) this.#timer = setTimeout(this.refresh, wait);
    }
  }

  #wait(): number | null {
    const { value, error, isAway } = this.getSnapshot();
    if (error !== null) {
      if (!isAway) return null;
      const pause = calculateBackoffDelay(this.#failures - 1, { ...patience, jitter: false });
      return Math.max(pause, error.details.retryAfter ?? 0);
    }
    return value === null ? null : this.#question.every(value);
  }
}
