import { Connection } from './connection.ts';
import { TranscriptCopy } from './copy.ts';
import { Edge, type TokenSource } from './edge.ts';
import { asConnectionError, errorOf, type WebRTCConnectionError } from './errors.ts';
import type {
  EventRequest,
  InterviewStartRequest,
  InterviewStartResponse,
  RealtimeServerEvent,
} from './generated.ts';
import { Lifeline } from './lifeline.ts';
import { Loudness } from './loudness.ts';
import { Mouth } from './mouth.ts';
import { PresenceStore, quiet } from './presence.ts';
import { cancelResponse, clearOutputAudio, createMessage, createResponse } from './realtime.ts';
import { defaultRetryConfig, type RetryConfig } from './retry.ts';
import { type Ending, type SavedSession, type Session, savedOf, sessionOf } from './session.ts';
import { Sound } from './sound.ts';
import { browserKeeper, type Keeper } from './storage.ts';
import { Store } from './store.ts';
import { Tasks } from './tasks.ts';
import { LiveTranscript } from './transcript/live.ts';
import { type Words, wordsFor } from './words.ts';

/** In which trouble with transcripts must not come back to count as over. */
const calmMs = 300;
export const maxTypedCharacters = 4_000;
const repeatRequest = 'Could you repeat the question, please?';

export interface InterviewOptions {
  /** Where the control plane is, such as `https://interviews.example.com`; this page's origin. */
  readonly baseUrl?: string;
  /** The user's access token or the invitation's, or what gives a fresh one each time. */
  readonly token?: TokenSource;
  /** What is asked of `interview-start`. */
  readonly request?: InterviewStartRequest;
  /** A session that was started elsewhere, in the place of one that is started here. */
  readonly session?: SavedSession | InterviewStartResponse;
  /**
   * What a session must belong to for this page to come back to it, such as an invitation's id. A
   * tab that is used for one interview after the other would else come back to the one before.
   */
  readonly scope?: string;
  /** Where the session may run, the preferred one first; the server's choice if left out. */
  readonly regions?: readonly string[];
  readonly retry?: Partial<RetryConfig>;
  /** Where this page keeps what it needs to come back after a reload. */
  readonly keeper?: Keeper;
  /** `optional` goes on without a microphone, for a candidate who types; `none` asks for none. */
  readonly microphone?: 'required' | 'optional' | 'none';
  /** By the browser's id of a device; whichever the browser gives if that one is gone. */
  readonly microphoneId?: string;
}

/**
 * An interview from the candidate's side, in a browser.
 *
 *     const interview = new Interview({ token });
 *     interview.transcript.subscribe(() => show(interview.transcript.getSnapshot().entries));
 *     await interview.connect();
 *
 * A page that was loaded again finds its session in session storage and comes back to it: the same
 * session, and the interviewer does not greet again.
 */
export class Interview {
  readonly connection = new Connection();
  readonly transcript = new LiveTranscript();
  readonly presence = new PresenceStore();
  readonly sound = new Sound();
  /** How it ended; null while it goes on. */
  readonly ending = new Store<Ending | null>(null);
  /** What the candidate should know while the interview goes on; null if all is well. */
  readonly warning = new Store<Words | null>(null);
  /** When the session ends at the latest, once we know. */
  readonly deadline = new Store<Date | null>(null);
  readonly sessionId = new Store<string | null>(null);
  readonly #mouth = new Mouth({
    onTrack: (track) => {
      this.sound.listenTo(track);
      void this.#lifeline?.call?.switchMicrophone(track).catch(() => {}); // then it is closed
    },
    onSending: (isSending) => this.connection.noteMicrophone(isSending),
    onLost: (error) => this.connection.noteError(asConnectionError(error)),
  });
  readonly isMuted = this.#mouth.isMuted;
  readonly isPaused = this.#mouth.isPaused;
  readonly #options: InterviewOptions;
  readonly #loudness = new Loudness(
    () => this.sound.levels().candidate,
    (itemId, level) => this.transcript.noteLevel(itemId, level),
  );
  readonly #baseUrl: string;
  readonly #edge: Edge;
  readonly #keeper: Keeper;
  readonly #copy: TranscriptCopy;
  #session: Session | null = null;
  #lifeline: Lifeline | null = null;
  #connecting: Promise<void> | null = null;
  #closings = 0;
  #closing: Promise<void> = Promise.resolve();
  #calmTimer: ReturnType<typeof setTimeout> | undefined;
  #delivery = new Tasks(() => {}); // what could not be delivered stays in the browser

  constructor(options: InterviewOptions) {
    this.#options = options;
    this.#keeper = options.keeper ?? browserKeeper;
    this.#copy = new TranscriptCopy(this.transcript, this.#keeper);
    const token = options.token ?? options.session?.sessionToken ?? '';
    this.#baseUrl = options.baseUrl ?? globalThis.location?.origin ?? '';
    this.#edge = new Edge(this.#baseUrl, token);
    this.#session = this.#savedSession();
    if (this.#session !== null) {
      this.sessionId.set(this.#session.id);
      this.transcript.restore(this.#keeper.loadTranscript(this.#session.id));
    }
  }

  /** Whether there is a session of this page to come back to. */
  get canResume(): boolean {
    return this.#session !== null;
  }

  /**
   * Connect, with retries by the recovery map; comes back to the session that this page was in.
   * Rejects with a `WebRTCConnectionError` when that fails for good.
   */
  connect(): Promise<void> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  /** Leave for good: the interview ends. Nothing is left running. */
  async disconnect(): Promise<void> {
    const isOpen = this.connection.move('disconnect');
    this.#closings += 1;
    this.#mouth.close();
    await this.#lifeline?.leave();
    if (isOpen && this.ending.getSnapshot() === null) {
      this.ending.set({ reason: 'candidate_left', transcriptComplete: null });
    }
    this.#forget();
    await this.#close();
    if (isOpen) this.connection.move('closed');
  }

  /** Let go without ending: for a page that goes away. Nothing is left running. */
  async release(): Promise<void> {
    const isOpen = this.connection.move('disconnect');
    await Promise.all([this.#close(), this.#delivery.stop()]);
    if (isOpen) this.connection.move('closed');
  }

  /** Stop sending the microphone, or send it again. */
  mute(isMuted: boolean): void {
    this.#mouth.mute(isMuted);
  }

  /** Use this microphone, or whichever the browser gives; asks the person where it must. */
  async switchMicrophone(deviceId?: string): Promise<void> {
    await this.#mouth.use(deviceId);
  }

  /** Answer in writing; stored like speech. At most 4,000 characters. */
  async say(text: string): Promise<void> {
    const call = this.#lifeline?.call;
    const said = text.trim().slice(0, maxTypedCharacters);
    if (said === '') return;
    if (!call) throw errorOf('WEBRTC_CONNECTION_FAILED', 'There is no call at the moment; wait.');
    await this.#interrupt();
    await call.send(createMessage('user', said));
    await call.send(createResponse());
  }

  /** Ask the interviewer to say the question again. */
  repeat(): Promise<void> {
    return this.say(repeatRequest);
  }

  /** Pause: nothing is sent, and the time of silence does not count. */
  async pause(): Promise<void> {
    await this.tell({ type: 'pause' });
    this.#mouth.pause(true);
    await this.#interrupt();
  }

  async resume(): Promise<void> {
    await this.tell({ type: 'resume' });
    this.#mouth.pause(false);
  }

  /** Tell the people who invited about something, such as a request for an accommodation. */
  async tell(event: EventRequest): Promise<void> {
    if (this.#session === null) throw errorOf('NOT_FOUND', 'There is no session yet.');
    await this.#edge.addEvent(this.#session.id, this.#session.token, event);
  }

  async #connect(): Promise<void> {
    const closings = this.#closings;
    const stay = () => {
      if (closings !== this.#closings) throw overtaken();
    };
    try {
      await this.#closing;
      stay();
      if (this.#lifeline !== null) return;
      this.#begin();
      await this.#openMouth();
      stay();
      this.#lifeline = this.#makeLifeline();
      await this.#lifeline.connect();
    } catch (thrown) {
      if (isAbort(thrown)) {
        const { status, error } = this.connection.getSnapshot();
        throw status === 'error' && error
          ? error // lost for good while it was connecting
          : errorOf('SESSION_ENDED', 'The interview was left.');
      }
      await this.#giveIn(asConnectionError(thrown));
    }
  }

  #begin(): void {
    const { status } = this.connection;
    this.#session ??= this.#savedSession();
    const isResumed = this.#session !== null && status === 'idle';
    this.connection.move(isResumed ? 'resume' : status === 'error' ? 'retry' : 'connect');
    this.ending.set(null);
    this.#delivery = new Tasks(() => {});
  }

  /** A first connection failed for good, or found that there is nothing to come back to. */
  async #giveIn(error: WebRTCConnectionError): Promise<void> {
    if (error.code === 'SESSION_ENDED' && this.connection.status === 'reconnecting') {
      this.#end({ reason: null, transcriptComplete: null });
      return;
    }
    if (['SESSION_ENDED', 'NOT_FOUND', 'FORBIDDEN'].includes(error.code)) this.#forget();
    this.connection.move('failed', error);
    await this.#close();
    throw error;
  }

  #makeLifeline(): Lifeline {
    const { regions = [], retry, request = {} } = this.#options;
    const parts = {
      edge: this.#edge,
      request,
      retry: { ...defaultRetryConfig, ...retry },
      connection: this.connection,
      transcript: this.transcript,
      microphone: () => this.#mouth.track,
      onStream: (stream: MediaStream) => this.sound.play(stream),
      onEvent: (event: RealtimeServerEvent) => {
        this.presence.hear(event);
        this.#loudness.hear(event);
      },
      onSession: (session: Session) => this.#keepSession(session),
      onDeadline: (expiresAt: Date) => this.#noteDeadline(expiresAt),
      onTranscriptTrouble: (error: WebRTCConnectionError | null) => this.#warn(error),
      onEnd: (ending: Ending) => this.#end(ending),
      onFailure: (error: WebRTCConnectionError) => {
        this.connection.move('failed', error);
        void this.#close();
      },
    };
    return new Lifeline(parts, { names: regions, tried: new Set() }, this.#session);
  }

  #savedSession(): Session | null {
    const { session, scope } = this.#options;
    const found = this.#keeper.loadSession();
    const isOurs = found?.baseUrl === this.#baseUrl && found.scope === scope;
    const saved = isOurs ? found : null;
    if (session === undefined) return saved === null ? null : sessionOf(saved);
    return sessionOf(saved?.sessionId === session.sessionId ? saved : session);
  }

  #keepSession(session: Session): void {
    const before = this.sessionId.getSnapshot();
    if (before !== session.id) {
      if (before !== null) this.transcript.clear();
      this.#keeper.forgetOtherTranscripts(session.id);
    }
    this.#session = session;
    this.sessionId.set(session.id);
    this.#copy.begin(session.id);
    const { scope } = this.#options;
    this.#keeper.saveSession({
      ...savedOf(session),
      baseUrl: this.#baseUrl,
      ...(scope === undefined ? {} : { scope }),
    });
  }

  #noteDeadline(expiresAt: Date): void {
    const known = this.deadline.getSnapshot();
    const differs = known === null || Math.abs(known.getTime() - expiresAt.getTime()) > 1_000;
    if (differs) this.deadline.set(expiresAt);
  }

  #warn(error: WebRTCConnectionError | null): void {
    clearTimeout(this.#calmTimer);
    if (error !== null) this.warning.set(wordsFor(error.code));
    else if (this.warning.getSnapshot() !== null) {
      this.#calmTimer = setTimeout(() => {
        this.warning.set(null);
        this.connection.clearError('TRANSCRIPT_PROCESSING_FAILED');
      }, calmMs);
    }
  }

  #end(ending: Ending): void {
    const session = this.#session;
    this.ending.set(ending);
    this.connection.move('ended');
    this.#keeper.forgetSession();
    this.#session = null;
    this.#copy.end();
    if (session !== null && ending.transcriptComplete === true) this.#copy.forget(session.id);
    else if (session !== null) {
      this.#delivery.start((signal) => this.#copy.deliver(this.#edge, session, signal));
    }
    void this.#close();
  }

  /** The session is none of this page's any more. */
  #forget(): void {
    this.#keeper.forgetSession();
    if (this.#session !== null) this.#copy.forget(this.#session.id);
    this.#session = null;
  }

  async #openMouth(): Promise<void> {
    const wish = this.#options.microphone ?? 'required';
    if (wish === 'none') return;
    try {
      await this.#mouth.open(this.#options.microphoneId);
    } catch (error) {
      if (wish === 'required' || isAbort(error)) throw error;
      this.connection.noteError(asConnectionError(error));
    }
  }

  async #interrupt(): Promise<void> {
    const call = this.#lifeline?.call;
    if (!call || !this.presence.getSnapshot().isReplying) return;
    await call.send(cancelResponse());
    await call.send(clearOutputAudio());
  }

  /** Everything that runs or is held is let go of; waits for what is being closed already. */
  #close(): Promise<void> {
    const lifeline = this.#lifeline;
    this.#lifeline = null;
    this.#closings += 1;
    this.#closing = this.#closing.then(async () => {
      await lifeline?.stop();
      this.#mouth.close();
      this.#loudness.stop();
      this.#copy.end();
      this.transcript.flush();
      clearTimeout(this.#calmTimer);
      this.warning.set(null);
      this.presence.set(quiet);
      this.#mouth.pause(false);
      await this.sound.close();
    });
    return this.#closing;
  }
}

/** Somebody has left in the meantime. */
const overtaken = () => new DOMException('The interview was left.', 'AbortError');

function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError';
}
