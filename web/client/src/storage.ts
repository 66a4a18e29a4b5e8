import type { TranscriptEntry } from './generated.ts';
import type { SavedSession } from './session.ts';

export const sessionKey = 'webrtc-session';
export const transcriptKey = (sessionId: string) => `transcript-${sessionId}`;
const maxCharacters = 2_000_000;

/**
 * Where a page keeps what it needs to come back: the session until the tab is closed, the
 * transcript until the server says that it has all of it.
 *
 * A browser may refuse to keep anything (private window, full disk): then a reload starts anew,
 * and nothing else changes.
 */
export interface Keeper {
  readonly loadSession: () => SavedSession | null;
  readonly saveSession: (session: SavedSession) => void;
  readonly forgetSession: () => void;
  readonly loadTranscript: (sessionId: string) => TranscriptEntry[];
  readonly saveTranscript: (sessionId: string, entries: readonly TranscriptEntry[]) => void;
  readonly forgetTranscript: (sessionId: string) => void;
  /** Forget the transcripts of all sessions but this one. */
  readonly forgetOtherTranscripts: (sessionId: string) => void;
}

/** The browser's own storage. */
export const browserKeeper: Keeper = {
  loadSession: () => {
    const found = read(() => sessionStorage, sessionKey);
    return isSavedSession(found) ? found : null;
  },
  saveSession: (session) => write(() => sessionStorage, sessionKey, session),
  forgetSession: () => remove(() => sessionStorage, sessionKey),
  loadTranscript: (sessionId) => {
    const found = read(() => localStorage, transcriptKey(sessionId));
    return Array.isArray(found) ? found.filter(isEntry) : [];
  },
  saveTranscript: (sessionId, entries) =>
    write(() => localStorage, transcriptKey(sessionId), entries),
  forgetTranscript: (sessionId) => remove(() => localStorage, transcriptKey(sessionId)),
  forgetOtherTranscripts: (sessionId) => {
    const others = keysOf(() => localStorage).filter(
      (key) => key.startsWith(transcriptKey('')) && key !== transcriptKey(sessionId),
    );
    for (const key of others) remove(() => localStorage, key);
  },
};

/** Keeps nothing: a reload starts anew. */
export const noKeeper: Keeper = {
  loadSession: () => null,
  saveSession: () => {},
  forgetSession: () => {},
  loadTranscript: () => [],
  saveTranscript: () => {},
  forgetTranscript: () => {},
  forgetOtherTranscripts: () => {},
};

function read(storage: () => Storage, key: string): unknown {
  try {
    const text = storage().getItem(key);
    return text === null || text.length > maxCharacters ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function write(storage: () => Storage, key: string, value: unknown): void {
  const text = JSON.stringify(value);
  if (text.length > maxCharacters) return;
  try {
    storage().setItem(key, text);
  } catch {
    // Refused or full: the interview goes on without.
  }
}

function remove(storage: () => Storage, key: string): void {
  try {
    storage().removeItem(key);
  } catch {
    // Refused: then nothing was kept either.
  }
}

function keysOf(storage: () => Storage): string[] {
  try {
    return Object.keys(storage());
  } catch {
    return [];
  }
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSavedSession(value: unknown): value is SavedSession {
  if (!isObject(value) || !isObject(value.webrtcConfig)) return false;
  const { sdpProxyUrl, openaiConfig, stunServers, turnServers } = value.webrtcConfig;
  return (
    typeof value.sessionId === 'string' &&
    typeof value.sessionToken === 'string' &&
    (sdpProxyUrl === null || typeof sdpProxyUrl === 'string') &&
    isObject(openaiConfig) &&
    Array.isArray(stunServers) &&
    Array.isArray(turnServers)
  );
}

function isEntry(value: unknown): value is TranscriptEntry {
  return (
    isObject(value) &&
    typeof value.itemId === 'string' &&
    typeof value.revision === 'number' &&
    typeof value.content === 'string' &&
    typeof value.timestamp === 'string' &&
    typeof value.final === 'boolean' &&
    (value.previousItemId === null || typeof value.previousItemId === 'string') &&
    (value.speaker === 'ai' || value.speaker === 'candidate') &&
    (value.witness === 'sideband' || value.witness === 'client')
  );
}
