/** Wait; rejects when aborted. No timer stays behind. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const done = () => {
      signal.removeEventListener('abort', abort);
      resolve();
    };
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', abort, { once: true });
  });
}

/** Run an act for a limited time; `late` says what is thrown after it. */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<T>,
  late: () => Error,
): Promise<T> {
  const limit = new AbortController();
  const abort = () => limit.abort(signal.reason);
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  const timer = setTimeout(() => limit.abort(late()), ms);
  try {
    return await aborting(act(limit.signal), limit.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** The outcome of `act`, or the reason of the abort if that comes first. */
export function aborting<T>(act: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    act.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Owns what runs in the background: all of it has ended when `stop` has. */
export class Tasks {
  readonly #control = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #onFault: (error: unknown) => void;

  /** @param onFault Told what a task throws, unless it was stopped. */
  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  get signal(): AbortSignal {
    return this.#control.signal;
  }

  start(act: (signal: AbortSignal) => Promise<void>): void {
    const task = (async () => {
      try {
        this.signal.throwIfAborted();
        await act(this.signal);
      } catch (error) {
        if (!this.signal.aborted) this.#onFault(error);
      }
    })();
    this.#running.add(task);
    void task.finally(() => this.#running.delete(task));
  }

  /** Abort everything, and wait until it has ended. */
  async stop(): Promise<void> {
    this.#control.abort(new DOMException('The interview was closed.', 'AbortError'));
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
