import { errorOf, WebRTCConnectionError } from './errors.ts';
import { type EdgeShapes, edges, type Problem, type TranscriptEvent } from './generated.ts';
import { within } from './tasks.ts';

/** A token, or what gives a fresh one each time it is asked. */
export type TokenSource = string | (() => Promise<string>);

const timeoutMs = 30_000;
const maxAnswerBytes = 8 * 1024 * 1024;

const codeByStatus: Readonly<Record<number, string>> = {
  401: 'AUTHENTICATION_FAILED',
  404: 'NOT_FOUND',
  429: 'RATE_LIMITED',
};

/** What is asked of an edge. */
export interface Ask<Request> {
  /** For the `Authorization` header; the edges that hand out tokens take none. */
  readonly token?: string;
  readonly body?: Request;
  /** What stands in the braces of the edge's path. */
  readonly places?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Let the request outlive the page: for what is said when leaving. */
  readonly keepalive?: boolean;
}

/** The control plane's HTTP edges, as a client sees them. Times of a request: 30 s at most. */
export class Edge {
  readonly #baseUrl: string;
  readonly #source: TokenSource;
  #token: string | null = null;

  /**
   * @param baseUrl Where the control plane is, such as `http://localhost:8000`.
   * @param token The user's access token or the invitation's, or what gives one.
   */
  constructor(baseUrl: string, token: TokenSource) {
    this.#baseUrl = baseUrl.replace(/\/+$/, '');
    this.#source = token;
  }

  /** The user's or the invitation's token. */
  async userToken(): Promise<string> {
    this.#token ??= typeof this.#source === 'string' ? this.#source : await this.#source();
    return this.#token;
  }

  /** Get a new token of the user's, where its source can give one. */
  async refresh(): Promise<void> {
    if (typeof this.#source !== 'string') this.#token = await this.#source();
  }

  /** Start a session; the same key gives the same session. */
  async start(request: EdgeShapes['startInterview']['request'], idempotencyKey: string) {
    const headers = { 'idempotency-key': idempotencyKey };
    return this.#ask('startInterview', { token: await this.userToken(), body: request, headers });
  }

  /** Exchange a session token for a fresh one; it may have expired by five minutes. */
  renew(sessionToken: string) {
    return this.#ask('renewSessionToken', { token: sessionToken, body: {} });
  }

  /** Get a token of a session with the user's own token. */
  async renewAsUser(sessionId: string) {
    return this.#ask('renewSessionToken', { token: await this.userToken(), body: { sessionId } });
  }

  /** Tell of a call that we made ourselves (direct architecture), so that it can be ended. */
  reportCall(sessionId: string, token: string, callId: string) {
    return this.#ask('reportCall', { token, sessionId, body: { callId } });
  }

  /** Store what we witnessed; answered after commit, and safe to repeat. */
  sendTranscript(token: string, events: TranscriptEvent[]) {
    return this.#ask('storeTranscript', { token, body: { events } });
  }

  /** Tell of a control of the room. */
  addEvent(sessionId: string, token: string, event: EdgeShapes['addEvent']['request']) {
    return this.#ask('addEvent', { token, sessionId, body: event });
  }

  /** How the session stands. */
  showSession(sessionId: string, token: string) {
    return this.#ask('showSession', { token, sessionId });
  }

  /** What was said, as it is stored. */
  showTranscript(sessionId: string, token: string) {
    return this.#ask('showTranscript', { token, sessionId });
  }

  /** End a session, completed or because the candidate leaves. One that is over is no error. */
  end(
    sessionId: string,
    token: string,
    reason: NonNullable<EdgeShapes['endSession']['request']>['reason'] = 'candidate_left',
  ) {
    return this.#ask('endSession', { token, sessionId, body: { reason }, keepalive: true });
  }

  #ask<Name extends keyof EdgeShapes>(
    name: Name,
    { sessionId, ...asked }: Ask<EdgeShapes[Name]['request']> & { readonly sessionId?: string },
  ): Promise<EdgeShapes[Name]['response']> {
    const places = sessionId === undefined ? {} : { sessionId };
    return askEdge(this.#baseUrl, name, { ...asked, places });
  }
}

/**
 * Ask one edge of the control plane.
 *
 * Rejects with a `WebRTCConnectionError`: the code of the refusal, or `UNAVAILABLE`.
 */
export async function askEdge<Name extends keyof EdgeShapes>(
  baseUrl: string,
  name: Name,
  asked: Ask<EdgeShapes[Name]['request']>,
): Promise<EdgeShapes[Name]['response']> {
  return parsed(baseUrl, await askEdgeForText(baseUrl, name, asked));
}

/** The same for an answer that is no JSON, such as an exported transcript. */
export async function askEdgeForText<Name extends keyof EdgeShapes>(
  baseUrl: string,
  name: Name,
  asked: Ask<EdgeShapes[Name]['request']>,
): Promise<string> {
  return (await request(baseUrl, name, asked)).text;
}

/** An answer, and the tag by which the next question can refer to it. */
export interface Tagged<Answer> {
  readonly answer: Answer;
  readonly tag: string | null;
}

/**
 * Ask an edge for something that the caller may have already, by the tag that came with it.
 *
 * Resolves with null if it has not changed since. Source: RFC 9110 §13.1.2.
 */
export async function askEdgeUnlessKnown<Name extends keyof EdgeShapes>(
  baseUrl: string,
  name: Name,
  asked: Ask<EdgeShapes[Name]['request']>,
  known: string | null,
): Promise<Tagged<EdgeShapes[Name]['response']> | null> {
  const headers = { ...asked.headers, ...(known === null ? {} : { 'if-none-match': known }) };
  const { response, text } = await request(baseUrl, name, { ...asked, headers });
  if (response.status === 304) return null;
  return { answer: parsed(baseUrl, text), tag: response.headers.get('etag') };
}

function parsed<Answer>(baseUrl: string, text: string): Answer {
  try {
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  } catch {
    throw errorOf('UNAVAILABLE', `${new URL(baseUrl).origin} answered with something else.`);
  }
}

async function request<Name extends keyof EdgeShapes>(
  baseUrl: string,
  name: Name,
  {
    token,
    body,
    places = {},
    query = {},
    headers,
    keepalive = false,
  }: Ask<EdgeShapes[Name]['request']>,
): Promise<{ response: Response; text: string }> {
  const { method, path } = edges[name];
  const place = path.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(places[key] ?? ''));
  const search = new URLSearchParams(query).toString();
  const isWriting = method === 'POST' || method === 'PUT';
  const answered = await send(baseUrl + place + (search && `?${search}`), {
    method,
    keepalive,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(isWriting ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    ...(isWriting ? { body: JSON.stringify(body ?? {}) } : {}),
  });
  const { response, text } = answered;
  const isKnown = response.status === 304 && headers?.['if-none-match'] !== undefined;
  if (!response.ok && !isKnown) throw refusalOf(response, text);
  return answered;
}

/** An SDP answer, and the call's id where the voice model gives one. */
export interface ModelAnswer {
  readonly sdp: string;
  readonly callId: string | null;
}

/**
 * Post an offer to the voice model with a client secret.
 *
 * Rejects with `SDP_EXCHANGE_FAILED` if it refuses or does not answer.
 * Source: OpenAI API reference, "Create call".
 */
export async function exchangeSdp(
  url: string,
  clientSecret: string,
  offer: string,
): Promise<ModelAnswer> {
  const headers = { authorization: `Bearer ${clientSecret}`, 'content-type': 'application/sdp' };
  const { response, text } = await send(url, { method: 'POST', headers, body: offer });
  if (response.status === 401 || response.status === 403) {
    throw errorOf('AUTHENTICATION_FAILED', 'The voice model does not take the client secret.');
  }
  if (response.status !== 201) {
    const message = `The voice model refused the offer (${response.status}).`;
    throw errorOf('SDP_EXCHANGE_FAILED', message);
  }
  const callId = (response.headers.get('location') ?? '').replace(/\/+$/, '').split('/').at(-1);
  return { sdp: text, callId: callId || null };
}

async function send(url: string, init: RequestInit): Promise<{ response: Response; text: string }> {
  const silent = () => errorOf('UNAVAILABLE', `${new URL(url).origin} does not answer.`);
  try {
    return await within(
      timeoutMs,
      new AbortController().signal,
      async (signal) => {
        const response = await fetch(url, {
          ...init,
          signal,
          cache: 'no-store',
          credentials: 'omit',
          redirect: 'error',
          referrerPolicy: 'no-referrer',
        });
        return { response, text: await boundedText(response) };
      },
      silent,
    );
  } catch (error) {
    throw error instanceof WebRTCConnectionError ? error : silent();
  }
}

async function boundedText(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    size += read.value.byteLength;
    if (size > maxAnswerBytes) {
      await reader?.cancel();
      throw errorOf('UNAVAILABLE', 'The answer is too large.');
    }
    text += decoder.decode(read.value, { stream: true });
  }
  return text + decoder.decode();
}

/** Read a problem document; whatever stands between us and the API may answer otherwise. */
function refusalOf(response: Response, text: string): WebRTCConnectionError {
  let problem: Partial<Problem> = {};
  try {
    problem = JSON.parse(text) ?? {};
  } catch {
    // Not ours: the status alone says what is wrong.
  }
  if (typeof problem.code !== 'string' || typeof problem.detail !== 'string') {
    const code = codeByStatus[response.status] ?? 'UNAVAILABLE';
    return errorOf(code, `The server answered with status ${response.status}.`);
  }
  return errorOf(problem.code, problem.detail, {
    ...(typeof problem.retryAfter === 'number' ? { retryAfter: problem.retryAfter * 1000 } : {}),
    ...(Array.isArray(problem.triedRegions) ? { triedRegions: problem.triedRegions } : {}),
    ...(typeof problem.reason === 'string' ? { reason: problem.reason } : {}),
    ...(typeof problem.requestId === 'string' ? { requestId: problem.requestId } : {}),
  });
}
