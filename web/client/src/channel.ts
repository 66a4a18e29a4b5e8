import type { SignallingHealth } from './connection.ts';
import { asConnectionError, errorOf, type WebRTCConnectionError } from './errors.ts';
import type { ProxyMessage, SessionData, SessionReadyData, TranscriptEntry } from './generated.ts';
import { closeCodes } from './generated.ts';
import { calculateBackoffDelay, type RetryConfig } from './retry.ts';
import type { Ending } from './session.ts';
import { errorFrom, openSocket, type ProxySocket } from './socket.ts';
import { type Readable, Store, until } from './store.ts';
import { aborting, sleep, Tasks, within } from './tasks.ts';
import type { Answer } from './way.ts';

export const heartbeatMs = 15_000;
/** For any answer of the proxy to a `session` message. */
export const readyMs = 10_000;
/** How long the proxy waits for a client that is gone. */
export const graceMs = 60_000;
export const offerMs = 20_000;
/** For the proxy to say why the session has ended, when it has drained. */
const lastWordMs = 15_000;
const comingBack: RetryConfig = {
  maxAttempts: 60,
  baseDelay: 500,
  maxDelay: 5_000,
  backoffFactor: 2,
  jitter: true,
};

/** Whose channel it is, and what to say for it. */
export interface ChannelOptions {
  /** The opaque `sdpProxyUrl`. */
  readonly url: string;
  readonly sessionId: string;
  /** The session's token, as last renewed. */
  readonly token: () => string;
  /** What we have of the transcript: item id to revision. */
  readonly known?: () => Record<string, number>;
  /** Renews the session's token, where that can be done. */
  readonly renew?: () => Promise<void>;
  /** Of a call that was made before, whose answer is nobody's any more. */
  readonly callId?: string | null;
}

/** Who hears a channel. None of them waits. */
export interface ChannelListener {
  readonly onReady?: (data: SessionReadyData) => void;
  readonly onEntries?: (entries: readonly TranscriptEntry[]) => void;
  /** Something failed; the channel goes on. */
  readonly onError?: (error: WebRTCConnectionError) => void;
  readonly onEnd?: (ending: Ending) => void;
  /** The channel is lost for good. */
  readonly onFailure?: (error: WebRTCConnectionError) => void;
}

interface Connected {
  readonly socket: ProxySocket;
  readonly closed: Promise<WebRTCConnectionError | null>;
}

const channels = new Store<ReadonlyMap<string, ProxyChannel>>(new Map());

/** The channels of this page, by URL: never more than one WebSocket to the same. */
export const openChannels: Readable<ReadonlyMap<string, ProxyChannel>> = channels;

/** The channel of this page to a proxy, if there is one. */
export function findChannel(url: string): ProxyChannel | undefined {
  return channels.getSnapshot().get(url);
}

/**
 * The way to a session's SDP proxy. Comes back whenever its WebSocket is lost, for as long as the
 * proxy waits for us.
 */
export class ProxyChannel {
  readonly health = new Store<SignallingHealth>('closed');
  readonly #options: ChannelOptions;
  readonly #listener: ChannelListener;
  readonly #tasks: Tasks;
  readonly #isOver = new Store(false);
  readonly #knownCalls: Set<string>;
  #socket: ProxySocket | null = null;
  #pending: PromiseWithResolvers<Answer> | null = null;
  #heardAt = 0;

  constructor(options: ChannelOptions, listener: ChannelListener = {}) {
    this.#options = options;
    this.#listener = listener;
    this.#tasks = new Tasks((error) => this.#fail(asConnectionError(error)));
    this.#knownCalls = new Set(options.callId ? [options.callId] : []);
  }

  /** Connect; rejects if that does not get as far as the first `session_ready`. */
  async open(): Promise<void> {
    const { url } = this.#options;
    findChannel(url)?.yieldToAnother();
    channels.set(new Map([...channels.getSnapshot(), [url, this]]));
    try {
      const connected = await this.#connect(this.#tasks.signal);
      this.#tasks.start((signal) => this.#keep(connected, signal));
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** Send an offer and wait for the answer; rejects with what the proxy has against it. */
  async offer(sdp: string, replaces: string | null): Promise<Answer> {
    const pending = Promise.withResolvers<Answer>();
    this.#pending = pending;
    const silent = () =>
      errorOf('SDP_EXCHANGE_FAILED', "The session's machine did not answer the offer.");
    try {
      return await within(
        offerMs,
        this.#tasks.signal,
        async (signal) => {
          await until(this.health, (health) => health === 'open', signal);
          this.#send({ type: 'offer', data: replaces === null ? { sdp } : { sdp, replaces } });
          return pending.promise;
        },
        silent,
      );
    } catch (error) {
      if (asConnectionError(error).code === 'SESSION_ENDED') await this.untilOver();
      throw error;
    } finally {
      this.#pending = null;
      pending.promise.catch(() => {}); // settled too late: nobody waits any more
    }
  }

  /** Bind the connection, tell what we have; also renews the token, and is the heartbeat. */
  sendSession(token?: string): void {
    const known = this.#options.known?.();
    const data: SessionData = {
      ...(token === undefined ? {} : { token }),
      ...(known === undefined ? {} : { known }),
    };
    this.#send({ type: 'session', data });
  }

  /** Leave for good: the session ends now, not after a grace. */
  async leave(): Promise<void> {
    await this.#close(closeCodes.LEFT);
  }

  /** Let go; the session's grace begins. */
  async close(): Promise<void> {
    await this.#close(closeCodes.NORMAL);
  }

  /** Another owner in this page connects to the same proxy. */
  yieldToAnother(): void {
    this.#fail(errorOf('CONFLICT', 'The interview goes on elsewhere in this page.'));
    void this.close();
  }

  async #close(code: number): Promise<void> {
    this.#socket?.close(code);
    this.#socket = null;
    this.#isOver.set(true);
    this.#forget();
    await this.#tasks.stop();
    this.health.set('closed');
  }

  #forget(): void {
    if (findChannel(this.#options.url) !== this) return;
    const others = [...channels.getSnapshot()].filter(([url]) => url !== this.#options.url);
    channels.set(new Map(others));
  }

  async #connect(signal: AbortSignal): Promise<Connected> {
    const lost = () => errorOf('SDP_EXCHANGE_FAILED', 'The connection was lost.');
    const closed = Promise.withResolvers<WebRTCConnectionError | null>();
    const ready = Promise.withResolvers<void>();
    ready.promise.catch(() => {}); // told below, unless the attempt was given up
    let isReady = false;
    const onMessage = (message: ProxyMessage) => {
      this.#heardAt = performance.now();
      if (message.type === 'error' && !isReady) {
        ready.reject(errorFrom(message.data));
        return;
      }
      isReady ||= message.type === 'session_ready' || message.type === 'session_ended';
      this.#take(message);
      if (isReady) ready.resolve();
    };
    const onClosed = (error: WebRTCConnectionError | null) => {
      ready.reject(error ?? lost());
      closed.resolve(error);
    };
    const { url, token } = this.#options;
    const socket = await openSocket(url, token(), { onMessage, onClosed }, signal);
    this.#socket = socket;
    try {
      this.sendSession();
      const silent = () => errorOf('SDP_EXCHANGE_FAILED', "The session's machine does not answer.");
      await within(readyMs, signal, () => ready.promise, silent);
    } catch (error) {
      this.#socket = null;
      socket.close();
      throw error;
    }
    if (!this.#isOver.getSnapshot()) this.health.set('open');
    return { socket, closed: closed.promise };
  }

  async #keep(first: Connected, signal: AbortSignal): Promise<void> {
    let connected: Connected | null = first;
    while (connected !== null) {
      const error: WebRTCConnectionError | null = await this.#untilLost(connected, signal);
      if (this.#isOver.getSnapshot()) return;
      this.health.set('lost');
      this.#pending?.reject(error ?? errorOf('SDP_EXCHANGE_FAILED', 'The connection was lost.'));
      connected = (await this.#canComeBack(error)) ? await this.#comeBack(signal) : null;
    }
  }

  async #untilLost(
    { socket, closed }: Connected,
    signal: AbortSignal,
  ): Promise<WebRTCConnectionError | null> {
    const stop = new AbortController();
    const silent = this.#beat(AbortSignal.any([signal, stop.signal]));
    try {
      return await aborting(Promise.race([closed, silent]), signal);
    } finally {
      stop.abort();
      this.#socket = null;
      socket.close();
    }
  }

  /** The heartbeat; ends, with null, when the other side does not answer it. */
  async #beat(signal: AbortSignal): Promise<null> {
    await sleep(heartbeatMs, signal);
    for (;;) {
      const askedAt = performance.now();
      this.sendSession();
      await sleep(readyMs, signal);
      if (this.#heardAt < askedAt) return null;
      await sleep(heartbeatMs - readyMs, signal);
    }
  }

  async #canComeBack(error: WebRTCConnectionError | null): Promise<boolean> {
    switch (error?.recovery) {
      case undefined:
      case 'retry_with_backoff':
        return true;
      case 'refresh_token_and_retry':
        try {
          await this.#options.renew?.();
          return this.#options.renew !== undefined;
        } catch {
          this.#fail(error as WebRTCConnectionError);
          return false;
        }
      default:
        if (error?.code === 'SESSION_ENDED') this.#end({ reason: null, transcriptComplete: null });
        else this.#fail(error as WebRTCConnectionError);
        return false;
    }
  }

  /** Connect again, as long as the proxy waits for us; null once there is no use in it. */
  async #comeBack(signal: AbortSignal): Promise<Connected | null> {
    const lostAt = performance.now();
    let error = errorOf('SDP_EXCHANGE_FAILED', 'The connection was lost.');
    for (let attempt = 0; attempt < comingBack.maxAttempts; attempt += 1) {
      await sleep(calculateBackoffDelay(attempt, comingBack), signal);
      try {
        return await this.#connect(signal);
      } catch (failure) {
        signal.throwIfAborted();
        error = asConnectionError(failure);
      }
      if (!(await this.#canComeBack(error))) return null;
      if (performance.now() - lostAt > graceMs) break;
    }
    this.#fail(error);
    return null;
  }

  #take(message: ProxyMessage): void {
    switch (message.type) {
      case 'session_ready': {
        const { answer, callId } = message.data;
        if (answer !== null && this.#pending !== null && !this.#knownCalls.has(callId ?? '')) {
          if (callId !== null) this.#knownCalls.add(callId);
          this.#pending.resolve({ sdp: answer.sdp, callId });
        }
        this.#listener.onReady?.(message.data);
        break;
      }
      case 'transcript':
        this.#listener.onEntries?.(message.data.entries);
        break;
      case 'error': {
        const error = errorFrom(message.data);
        if (this.#pending !== null && error.code !== 'TRANSCRIPT_PROCESSING_FAILED') {
          this.#pending.reject(error);
        } else this.#listener.onError?.(error);
        break;
      }
      case 'session_ended':
        this.#end(message.data);
        break;
    }
  }

  #send(message: { type: 'session'; data: SessionData } | { type: 'offer'; data: OfferFields }) {
    this.#socket?.send({ ...message, sessionId: this.#options.sessionId });
  }

  /** Wait for the proxy's last word, for a limited time. */
  async untilOver(): Promise<void> {
    if (this.#socket === null) return;
    const late = () => errorOf('SESSION_ENDED', 'The interview is over.');
    const over = (signal: AbortSignal) => until(this.#isOver, Boolean, signal);
    await within(lastWordMs, this.#tasks.signal, over, late).catch(() => {});
  }

  #end(ending: Ending): void {
    if (this.#isOver.getSnapshot()) return;
    this.#isOver.set(true);
    this.health.set('closed');
    this.#listener.onEnd?.(ending);
  }

  #fail(error: WebRTCConnectionError): void {
    if (this.#isOver.getSnapshot()) return;
    this.#isOver.set(true);
    this.health.set('closed');
    this.#listener.onFailure?.(error);
  }
}

interface OfferFields {
  readonly sdp: string;
  readonly replaces?: string;
}
