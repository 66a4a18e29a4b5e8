import type { VoiceCall } from './call.ts';
import { type ChannelListener, ProxyChannel } from './channel.ts';
import type { Edge } from './edge.ts';
import { asConnectionError, errorOf } from './errors.ts';
import type { SessionReadyData } from './generated.ts';
import type { Session } from './session.ts';
import { Store, until } from './store.ts';
import { Tasks } from './tasks.ts';
import type { LiveTranscript } from './transcript/live.ts';
import { sendPersistently } from './upload.ts';
import type { Answer, Way, WayListener } from './way.ts';

const lostCall = new Set(['WEBRTC_CONNECTION_FAILED', 'SDP_EXCHANGE_FAILED']);

/** The hybrid architecture: offers go through the session's SDP proxy, over its WebSocket. */
export class HybridWay implements Way {
  readonly #session: Session;
  readonly #edge: Edge;
  readonly #transcript: LiveTranscript;
  readonly #listener: WayListener;
  readonly #channel: ProxyChannel;
  readonly #tasks: Tasks;
  readonly #missing = new Store<ReadonlySet<string>>(new Set());
  readonly #unsubscribe: () => void;
  #hasCall = false;
  #isOffering = false;

  /** @param renew Renews the session's token. */
  constructor(
    session: Session,
    url: string,
    edge: Edge,
    transcript: LiveTranscript,
    listener: WayListener,
    renew: () => Promise<void>,
  ) {
    this.#session = session;
    this.#edge = edge;
    this.#transcript = transcript;
    this.#listener = listener;
    this.#tasks = new Tasks((error) => listener.onError(asConnectionError(error)));
    const options = {
      url,
      sessionId: session.id,
      token: () => session.token,
      known: () => transcript.known,
      renew,
      callId: session.callId,
    };
    const heard: ChannelListener = {
      onReady: (data) => this.#take(data),
      onEntries: (entries) => transcript.merge(entries),
      onError: (error) =>
        lostCall.has(error.code) ? listener.onCallLost() : listener.onError(error),
      onEnd: listener.onEnd,
      onFailure: listener.onFailure,
    };
    this.#channel = new ProxyChannel(options, heard);
    const { health } = this.#channel;
    this.#unsubscribe = health.subscribe(() => listener.onSignalling(health.getSnapshot()));
  }

  async open(): Promise<void> {
    await this.#channel.open();
    this.#tasks.start((signal) => this.#lend(signal));
  }

  async offer(sdp: string, replaces: string | null): Promise<Answer> {
    this.#isOffering = true;
    try {
      return await this.#channel.offer(sdp, replaces);
    } finally {
      this.#isOffering = false;
    }
  }

  /** Tell the proxy that audio flows: the interviewer begins to speak on it. */
  async begin(_call: VoiceCall, _replaces: string | null): Promise<void> {
    this.#hasCall = true;
    this.#channel.sendSession();
  }

  hear(): void {
    // The proxy has its own account, and asks for what it misses.
  }

  presentToken(): void {
    this.#channel.sendSession(this.#session.token);
  }

  /**
   * End the session at the control plane, and stay until the proxy has stored everything and says
   * so; where the control plane is away, the close code says that we leave.
   */
  async leave(): Promise<void> {
    try {
      await this.#edge.end(this.#session.id, this.#session.token);
      await this.#channel.untilOver();
    } finally {
      await this.#channel.leave();
    }
  }

  async close(): Promise<void> {
    await this.#channel.close();
    await this.#tasks.stop();
    this.#unsubscribe();
  }

  #take({ missing, callId, answer, expiresAt }: SessionReadyData): void {
    this.#listener.onDeadline(new Date(expiresAt));
    this.#listener.onStored();
    this.#transcript.confirm();
    if (missing.length > 0) {
      this.#missing.set(new Set([...this.#missing.getSnapshot(), ...missing]));
    }
    if (answer === null && callId === null && this.#hasCall && !this.#isOffering) {
      this.#hasCall = false;
      this.#listener.onCallLost();
    }
  }

  /** Send the proxy's missing items, from our own account, to the transcript processor. */
  async #lend(signal: AbortSignal): Promise<void> {
    for (;;) {
      const wanted = await until(this.#missing, ({ size }) => size > 0, signal);
      this.#missing.set(new Set());
      try {
        const entries = this.#transcript.own(wanted);
        await sendPersistently(this.#edge, this.#session, entries, signal);
      } catch (error) {
        signal.throwIfAborted();
        const { message } = asConnectionError(error);
        this.#listener.onError(errorOf('TRANSCRIPT_PROCESSING_FAILED', message));
      }
    }
  }
}
