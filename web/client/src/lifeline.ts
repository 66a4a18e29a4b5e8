import { openCall, patienceMs, type VoiceCall } from './call.ts';
import type { Connection } from './connection.ts';
import { DirectWay } from './direct.ts';
import type { Edge } from './edge.ts';
import { asConnectionError, errorOf, type WebRTCConnectionError } from './errors.ts';
import type { InterviewStartRequest, RealtimeServerEvent } from './generated.ts';
import { HybridWay } from './hybrid.ts';
import { readEvent } from './realtime.ts';
import { chosenRegion, persist, type Regions, withoutFailed } from './recovery.ts';
import type { RetryConfig } from './retry.ts';
import { type Ending, iceServersOf, type Session, sessionOf, takeToken } from './session.ts';
import { Store, until } from './store.ts';
import { sleep, Tasks, within } from './tasks.ts';
import type { LiveTranscript } from './transcript/live.ts';
import type { Way, WayListener } from './way.ts';

const leaveMs = 15_000;
const renewalPauseMs = 5_000;

/** What a lifeline works on, and whom it tells. None of the functions waits. */
export interface LifelineParts {
  readonly edge: Edge;
  readonly request: InterviewStartRequest;
  readonly retry: RetryConfig;
  readonly connection: Connection;
  readonly transcript: LiveTranscript;
  /** What is sent at the moment; null for nothing. */
  readonly microphone: () => MediaStreamTrack | null;
  readonly onStream: (stream: MediaStream) => void;
  readonly onEvent: (event: RealtimeServerEvent) => void;
  /** The session is another one, or has another token or call: keep it. */
  readonly onSession: (session: Session) => void;
  readonly onDeadline: (expiresAt: Date) => void;
  /** Transcripts fail, or (null) are stored again. */
  readonly onTranscriptTrouble: (error: WebRTCConnectionError | null) => void;
  readonly onEnd: (ending: Ending) => void;
  /** The connection is lost for good, and with it this lifeline. */
  readonly onFailure: (error: WebRTCConnectionError) => void;
}

/**
 * What keeps an interview connected: its session, its way to the voice model, its call.
 *
 * A call that is lost is replaced by another one of the same session, which carries the
 * conversation on; before the first call stands, a failed session is replaced as a whole. Serves
 * for one connection: whoever connects again makes another lifeline.
 */
export class Lifeline {
  readonly #parts: LifelineParts;
  readonly #tasks: Tasks;
  readonly #isOver = new Store(false);
  readonly #trouble = new Store<'closed' | 'silent' | 'change' | null>(null);
  #regions: Regions;
  #session: Session | null;
  #key: string = crypto.randomUUID();
  #way: Way | null = null;
  #call: VoiceCall | null = null;
  #renewal: Promise<void> | null = null;

  /** @param session To come back to, in the place of a session that is started. */
  constructor(parts: LifelineParts, regions: Regions, session: Session | null) {
    this.#parts = parts;
    this.#regions = regions;
    this.#session = session;
    this.#tasks = new Tasks((error) => this.#fail(asConnectionError(error)));
  }

  /** The call that stands, if there is one. */
  get call(): VoiceCall | null {
    return this.#call;
  }

  /** Start or take up the session and connect its first call; rejects when all remedies failed. */
  async connect(): Promise<void> {
    await persist(() => this.#connectOnce(), {
      signal: this.#tasks.signal,
      config: this.#parts.retry,
      onRetry: (error) => this.#parts.connection.countRetry(error),
      remedies: {
        refreshToken: () => this.#refreshToken(),
        renewSession: () => this.#renewSession(),
        changeRegion: async (error) => {
          this.#regions = withoutFailed(this.#regions, error);
          this.#key = crypto.randomUUID();
        },
      },
    });
    this.#tasks.start((signal) => this.#keepCall(signal));
    this.#tasks.start((signal) => this.#keepToken(signal));
  }

  /** End the interview for good: the candidate leaves. */
  async leave(): Promise<void> {
    const leaving = async () => {
      if (this.#way !== null) await this.#way.leave();
      else if (this.#session !== null) await this.#giveUp(this.#session);
    };
    const late = () => errorOf('UNAVAILABLE', 'The server did not take our goodbye in time.');
    try {
      if (!this.#isOver.getSnapshot()) {
        await within(leaveMs, this.#tasks.signal, leaving, late);
      }
    } catch (error) {
      if (!this.#tasks.signal.aborted) this.#parts.connection.noteError(asConnectionError(error));
    }
    await this.stop();
  }

  /** Let go of everything; the session may be come back to. Nothing is left running. */
  async stop(): Promise<void> {
    this.#isOver.set(true);
    const call = this.#call;
    this.#call = null;
    await Promise.all([this.#tasks.stop(), call?.close(), this.#way?.close()]);
    this.#way = null;
  }

  async #connectOnce(): Promise<void> {
    this.#session ??= await this.#start();
    this.#way ??= await this.#openWay(this.#session);
    await this.#makeCall(this.#session, this.#way);
  }

  async #start(): Promise<Session> {
    const { edge, request, connection } = this.#parts;
    const region = chosenRegion(this.#regions);
    const began = performance.now();
    const asked = region === undefined ? request : { ...request, region };
    const started = await edge.start(asked, this.#key);
    const session = sessionOf(started);
    if (this.#tasks.signal.aborted) {
      await this.#giveUp(session); // nobody would come for it
      this.#tasks.signal.throwIfAborted();
    }
    connection.measure({ startMs: performance.now() - began });
    this.#parts.onDeadline(new Date(started.metadata.expiresAt));
    this.#parts.onSession(session);
    return session;
  }

  async #openWay(session: Session): Promise<Way> {
    const { edge, transcript, connection } = this.#parts;
    const listener: WayListener = {
      onEnd: (ending) => this.#end(ending),
      onCallLost: () => this.#trouble.set('change'),
      onError: (error) => this.#note(error),
      onFailure: (error) => this.#fail(error),
      onSignalling: (health) => connection.noteSignalling(health),
      onStored: () => this.#parts.onTranscriptTrouble(null),
      onDeadline: this.#parts.onDeadline,
    };
    const { sdpProxyUrl } = session.config;
    const way =
      sdpProxyUrl === null
        ? new DirectWay(session, edge, transcript, listener)
        : new HybridWay(session, sdpProxyUrl, edge, transcript, listener, () =>
            this.#refreshToken(),
          );
    try {
      await way.open();
    } catch (error) {
      await way.close();
      throw error;
    }
    return way;
  }

  /** Make a call, in the place of the one before if there was one; then let that one go. */
  async #makeCall(session: Session, way: Way): Promise<void> {
    const { signal } = this.#tasks;
    const replaces = session.callId;
    const call = await openCall({
      exchange: (sdp) => way.offer(sdp, replaces),
      microphone: this.#parts.microphone(),
      iceServers: iceServersOf(session.config),
      listener: {
        onMessage: (data) => this.#hear(data),
        onStream: this.#parts.onStream,
        onMetrics: (metrics) => this.#parts.connection.measure(metrics),
      },
      signal,
    });
    try {
      await way.begin(call, replaces);
      signal.throwIfAborted();
    } catch (error) {
      await call.close();
      throw error;
    }
    const before = this.#call;
    this.#call = call;
    this.#trouble.set(call.loss.getSnapshot());
    call.loss.subscribe(() => {
      if (this.#call === call) this.#trouble.set(call.loss.getSnapshot());
    });
    session.callId = call.id;
    this.#parts.connection.measure(call.metrics);
    this.#parts.connection.move('connected');
    this.#parts.onSession(session);
    await before?.close();
  }

  #hear(data: unknown): void {
    const event = readEvent(data);
    if (event === null) return;
    const changed = this.#parts.transcript.hear(event);
    this.#way?.hear(event, changed);
    this.#parts.onEvent(event);
  }

  /** Replace the call whenever it is lost, until the interview is over. */
  async #keepCall(signal: AbortSignal): Promise<void> {
    for (;;) {
      const trouble = await until(this.#trouble, (one) => one !== null, signal);
      if (trouble === 'closed') await this.#awaitEnd(signal); // a hang-up: the end may follow it
      const { connection, retry } = this.#parts;
      const session = this.#session;
      const way = this.#way;
      if (this.#isOver.getSnapshot() || session === null || way === null) return;
      this.#trouble.set(null);
      connection.move('lost');
      try {
        await persist(() => this.#makeCall(session, way), {
          signal,
          config: retry,
          onRetry: (error) => connection.countRetry(error),
          remedies: {
            refreshToken: () => this.#refreshToken(),
            changeRegion: async () => {}, // in the middle of an interview no other region helps
            renewSession: async () => {}, // the session stays; only the call is made anew
          },
        });
      } catch (thrown) {
        signal.throwIfAborted();
        const error = asConnectionError(thrown);
        if (error.code === 'SESSION_ENDED') this.#end({ reason: null, transcriptComplete: null });
        else this.#fail(error);
      }
    }
  }

  async #awaitEnd(signal: AbortSignal): Promise<void> {
    const over = (limit: AbortSignal) => until(this.#isOver, Boolean, limit);
    const late = () => new Error('no end');
    await within(patienceMs, signal, over, late).catch(() => signal.throwIfAborted());
  }

  /** Renew the session's token; by the user's own, freshly got, where it is no longer taken. */
  #refreshToken(): Promise<void> {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renew(): Promise<void> {
    const { edge } = this.#parts;
    const session = this.#session;
    if (session === null) return edge.refresh();
    try {
      takeToken(session, await edge.renew(session.token));
    } catch (error) {
      if (asConnectionError(error).code !== 'AUTHENTICATION_FAILED') throw error;
      await edge.refresh();
      takeToken(session, await edge.renewAsUser(session.id));
    }
    this.#parts.onSession(session);
    this.#way?.presentToken();
  }

  async #keepToken(signal: AbortSignal): Promise<void> {
    for (;;) {
      const renewAt = this.#session?.renewAt ?? 0;
      await sleep(Math.max(renewAt - performance.now(), 0), signal);
      try {
        await this.#refreshToken();
      } catch (error) {
        signal.throwIfAborted();
        this.#note(asConnectionError(error));
        await sleep(renewalPauseMs, signal);
      }
    }
  }

  /** Give the session up, so that the next attempt starts another. */
  async #renewSession(): Promise<void> {
    const session = this.#session;
    const way = this.#way;
    this.#session = null;
    this.#way = null;
    this.#key = crypto.randomUUID();
    await way?.close();
    if (session !== null) await this.#giveUp(session);
  }

  async #giveUp(session: Session): Promise<void> {
    await this.#parts.edge.end(session.id, session.token).catch(() => {}); // it ends by itself
  }

  #note(error: WebRTCConnectionError): void {
    if (error.recovery === 'continue_session_log_error') this.#parts.onTranscriptTrouble(error);
    this.#parts.connection.noteError(error);
  }

  #end(ending: Ending): void {
    if (this.#isOver.getSnapshot()) return;
    this.#isOver.set(true);
    this.#parts.onEnd(ending);
  }

  #fail(error: WebRTCConnectionError): void {
    if (this.#isOver.getSnapshot()) return;
    this.#isOver.set(true);
    this.#parts.onFailure(error);
  }
}
