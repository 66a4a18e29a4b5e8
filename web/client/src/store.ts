export type Listener = () => void;

/** A value that can be watched, in the form that `useSyncExternalStore` takes. */
export interface Readable<T> {
  readonly getSnapshot: () => T;
  /** Calls `listener` after every change; returns what stops it. */
  readonly subscribe: (listener: Listener) => () => void;
}

/** A value with its watchers. Only its owner sets it. */
export class Store<T> implements Readable<T> {
  #value: T;
  readonly #listeners = new Set<Listener>();

  constructor(value: T) {
    this.#value = value;
  }

  readonly getSnapshot = (): T => this.#value;

  readonly subscribe = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  /** Replace the value; watchers hear of it only if it is another one. */
  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }

  /** How many watch; none may be left when all is over. */
  get watchers(): number {
    return this.#listeners.size;
  }
}

/** Wait until a watched value is as wanted; rejects when aborted. */
export function until<T>(
  store: Readable<T>,
  isWanted: (value: T) => boolean,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const check = () => {
      const value = store.getSnapshot();
      if (!isWanted(value)) return;
      stop();
      resolve(value);
    };
    const abort = () => {
      stop();
      reject(signal.reason);
    };
    const unsubscribe = store.subscribe(check);
    const stop = () => {
      unsubscribe();
      signal.removeEventListener('abort', abort);
    };
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    else check();
  });
}
