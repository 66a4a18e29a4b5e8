import type {
  ClientSecret,
  EndReason,
  InterviewStartResponse,
  WebRTCConfig as SessionConfiguration,
  SessionTokenResponse,
} from './generated.ts';

export type { SessionConfiguration };

/** Of a token's life, after which it is renewed. */
export const renewAtShare = 0.8;
const unknownLifeMs = 600_000;

/** How an interview ended, as far as we were told. */
export interface Ending {
  readonly reason: EndReason | null;
  /** Whether everything that was said is stored; null if we were not told. */
  readonly transcriptComplete: boolean | null;
}

/** What `interview-start` gave, as the requirements name it in session storage. */
export interface SavedSession {
  readonly sessionId: string;
  readonly sessionToken: string;
  readonly webrtcConfig: SessionConfiguration;
  /** Of the call that connected last. */
  readonly callId?: string | null;
  /** Which control plane, and which of its interviews, it belongs to. */
  readonly baseUrl?: string;
  readonly scope?: string;
}

/** A session that stands. */
export interface Session {
  readonly id: string;
  readonly config: SessionConfiguration;
  token: string;
  /** When to renew the token, by `performance.now()`. */
  renewAt: number;
  callId: string | null;
  /** For the next call of the direct architecture; each opens one. */
  clientSecret: ClientSecret | null;
}

/** The session that `interview-start` answered with, or that was saved. */
export function sessionOf(given: SavedSession | InterviewStartResponse): Session {
  return {
    id: given.sessionId,
    config: given.webrtcConfig,
    token: given.sessionToken,
    renewAt: renewalOf(given.sessionToken),
    callId: 'callId' in given ? (given.callId ?? null) : null,
    clientSecret: given.webrtcConfig.openaiConfig.clientSecret ?? null,
  };
}

/** What to keep for coming back. The client secret opens one call, so it is not kept. */
export function savedOf(session: Session): SavedSession {
  const { clientSecret: _, ...openaiConfig } = session.config.openaiConfig;
  return {
    sessionId: session.id,
    sessionToken: session.token,
    webrtcConfig: { ...session.config, openaiConfig },
    callId: session.callId,
  };
}

/** Use a renewed token, and the client secret that may come with it. */
export function takeToken(session: Session, renewed: SessionTokenResponse): void {
  session.token = renewed.sessionToken;
  session.clientSecret = renewed.clientSecret ?? session.clientSecret;
  session.renewAt = renewalOf(renewed.sessionToken);
}

/** STUN and TURN, in the browser's form. */
export function iceServersOf(
  config: Pick<SessionConfiguration, 'stunServers' | 'turnServers'>,
): RTCIceServer[] {
  const stun = config.stunServers.length > 0 ? [{ urls: config.stunServers }] : [];
  const turn = config.turnServers.map(({ urls, username, credential }) => ({
    urls,
    ...(username == null ? {} : { username }),
    ...(credential == null ? {} : { credential }),
  }));
  return [...stun, ...turn];
}

/**
 * When to renew. The token is for the server: nothing is verified here. Counted from now by the
 * token's length of life, because the clock of this machine may be wrong.
 */
function renewalOf(token: string): number {
  return performance.now() + renewAtShare * lifeOf(token);
}

function lifeOf(token: string): number {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const { iat, exp } = JSON.parse(atob(payload));
    const life = (exp - iat) * 1000;
    return Number.isFinite(life) ? Math.max(life, 0) : unknownLifeMs;
  } catch {
    return unknownLifeMs;
  }
}
