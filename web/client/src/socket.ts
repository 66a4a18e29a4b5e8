import { errorOf, type WebRTCConnectionError } from './errors.ts';
import { type ClientMessage, closeCodes, type ErrorData, type ProxyMessage } from './generated.ts';
import { within } from './tasks.ts';

const openMs = 10_000;
const maxMessageCharacters = 4 * 1024 * 1024;

/** Who hears a socket. */
export interface SocketListener {
  readonly onMessage: (message: ProxyMessage) => void;
  /** It is gone; `error` says why, where coming back needs something first or makes no sense. */
  readonly onClosed: (error: WebRTCConnectionError | null) => void;
}

/**
 * One WebSocket to a session's SDP proxy. Messages are sent if it is open, and lost if not:
 * whoever comes back says everything anew.
 */
export interface ProxySocket {
  readonly send: (message: ClientMessage) => void;
  readonly close: (code?: number) => void;
}

/**
 * Connect to a proxy. The token travels as a subprotocol, because URLs end up in logs.
 *
 * Rejects with `SDP_EXCHANGE_FAILED` if the proxy cannot be reached within 10 s. What the proxy has
 * against us comes as a message and a close code: a page sees neither the status nor the body of a
 * refused handshake.
 */
export function openSocket(
  url: string,
  token: string,
  listener: SocketListener,
  signal: AbortSignal,
): Promise<ProxySocket> {
  const unreachable = () =>
    errorOf('SDP_EXCHANGE_FAILED', "The session's machine cannot be reached.");
  let socket: WebSocket;
  try {
    socket = new WebSocket(url, ['viva.v1', `bearer.${token}`]);
  } catch {
    return Promise.reject(unreachable());
  }
  const opened = new Promise<ProxySocket>((resolve, reject) => {
    socket.onopen = () => {
      listen(socket, listener);
      resolve({ send: (message) => sendIfOpen(socket, message), close: closerOf(socket) });
    };
    socket.onerror = () => reject(unreachable());
    socket.onclose = ({ code }) => reject(reasonOf(code) ?? unreachable());
  });
  return within(openMs, signal, () => opened, unreachable).catch((error: unknown) => {
    closerOf(socket)();
    throw error;
  });
}

function listen(socket: WebSocket, { onMessage, onClosed }: SocketListener): void {
  let refusal: WebRTCConnectionError | null = null;
  socket.onerror = null;
  socket.onmessage = ({ data }) => {
    const message = readMessage(data);
    if (message === null) {
      refusal = errorOf('SDP_EXCHANGE_FAILED', "The session's machine speaks another language.");
      socket.close();
      return;
    }
    onMessage(message);
  };
  socket.onclose = ({ code }) => onClosed(reasonOf(code) ?? refusal);
}

function closerOf(socket: WebSocket): (code?: number) => void {
  return (code) => {
    socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
    socket.close(code);
  };
}

function sendIfOpen(socket: WebSocket, message: ClientMessage): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function readMessage(data: unknown): ProxyMessage | null {
  if (typeof data !== 'string' || data.length > maxMessageCharacters) return null;
  try {
    const message = JSON.parse(data);
    const isOurs = typeof message?.type === 'string' && typeof message.data === 'object';
    return isOurs && message.data !== null ? message : null;
  } catch {
    return null;
  }
}

/** What a close code means for coming back; null where it is worth trying at once. */
function reasonOf(code: number): WebRTCConnectionError | null {
  switch (code) {
    case closeCodes.AUTHENTICATION:
      return errorOf('AUTHENTICATION_FAILED', 'The session token is no longer taken.');
    case closeCodes.FORBIDDEN:
      return errorOf('FORBIDDEN', 'The session belongs to somebody else.');
    case closeCodes.TAKEN_OVER:
      return errorOf('CONFLICT', 'The interview goes on in another window.');
    case closeCodes.SESSION_ENDED:
      return errorOf('SESSION_ENDED', 'The interview is over.');
    default:
      return null;
  }
}

/** The error that an `error` message tells of. */
export function errorFrom(data: ErrorData): WebRTCConnectionError {
  const { retryAfter, triedRegions } = data.details;
  return errorOf(data.code, data.message, {
    ...(typeof retryAfter === 'number' ? { retryAfter: retryAfter * 1000 } : {}),
    ...(Array.isArray(triedRegions) ? { triedRegions: triedRegions.map(String) } : {}),
    ...(data.requestId == null ? {} : { requestId: data.requestId }),
  });
}
