import type { EntryMetadata, LogProbability, Speaker, TranscriptEntry } from '../generated.ts';

const maxContentCharacters = 16_384;
const unstorable = /[\0\ud800-\udfff]/gu;

/**
 * One witness's knowledge of one item of the conversation; it only ever grows.
 *
 * `placed` is undefined until its place is known; null there means first. `pieces` hold the text
 * by content index, and `whole` the indexes whose text is complete. `live` says whether it comes,
 * or goes on, from events rather than from an entry alone.
 */
export interface Account {
  timestamp: string;
  placed: string | null | undefined;
  speaker: Speaker;
  /** Whether it is no message at all (a function call). */
  hidden: boolean;
  pieces: Map<number, string>;
  whole: Set<number>;
  final: boolean;
  truncated: boolean;
  /** How much of the text was played, if the interviewer was cut off. */
  heardCharacters: number | null;
  stoppedAt: string | null;
  confidence: number | null;
  metadata: EntryMetadata | null;
  revision: number;
  /** Whether the interviewer's words were played to their end. */
  played: boolean;
  live: boolean;
}

export function emptyAccount(timestamp: string): Account {
  return {
    timestamp,
    placed: undefined,
    speaker: 'candidate',
    hidden: false,
    pieces: new Map(),
    whole: new Set(),
    final: false,
    truncated: false,
    heardCharacters: null,
    stoppedAt: null,
    confidence: null,
    metadata: null,
    revision: 0,
    played: false,
    live: false,
  };
}

/** Rebuild an account from an entry. */
export function accountOf(entry: TranscriptEntry): Account {
  return {
    ...emptyAccount(entry.timestamp),
    placed: entry.previousItemId,
    speaker: entry.speaker,
    pieces: new Map(entry.content ? [[0, entry.content]] : []),
    final: entry.final,
    truncated: entry.truncated,
    confidence: entry.confidence,
    metadata: entry.metadata,
    revision: entry.revision,
  };
}

/** What was said, and heard; empty for silence and for noise. */
export function contentOf(account: Account): string {
  const indexes = [...account.pieces.keys()].sort((one, other) => one - other);
  let text = indexes
    .map((index) => (account.pieces.get(index) ?? '').trim())
    .join(' ')
    .trim();
  if (account.heardCharacters !== null) text = heardPart(text, account.heardCharacters);
  return account.speaker === 'candidate' && !/[\p{L}\p{N}]/u.test(text) ? '' : text;
}

/** Append a piece of text as it is spoken. */
export function addPiece(account: Account, index: number, text: string): void {
  if (!account.final && !account.whole.has(index)) {
    account.pieces.set(index, fitted((account.pieces.get(index) ?? '') + text));
  }
}

/** Set the whole text of a part. A witness says so once: later tellings change nothing. */
export function completePiece(account: Account, index: number, text: string): void {
  if (!account.final && !account.whole.has(index)) {
    account.pieces.set(index, fitted(text));
    account.whole.add(index);
  }
}

/** The text is lost; what came of it so far is not to be trusted. */
export function fail(account: Account): void {
  if (!account.final) {
    account.pieces.clear();
    account.final = true;
  }
}

/** The interviewer was cut off after this much. The voice model's word beats an estimate. */
export function cut(account: Account, heardCharacters: number, isExact: boolean): void {
  if (!isExact && (account.truncated || account.played)) return;
  account.truncated = true;
  account.heardCharacters = Math.max(0, heardCharacters);
}

/** Derive the confidence: the geometric mean of the tokens' probabilities. */
export function rate(account: Account, logprobs: readonly LogProbability[] | null): void {
  if (logprobs === null || logprobs.length === 0) return;
  const sum = logprobs.reduce((total, token) => total + (token.logprob ?? 0), 0);
  account.confidence = rounded(Math.min(1, Math.exp(Math.min(sum / logprobs.length, 0))), 4);
}

/** Note how long the text took to come after the speech. */
export function timeToText(account: Account, now: string): void {
  if (account.stoppedAt === null || account.metadata?.processingLatency != null) return;
  const seconds = Math.max(0, (Date.parse(now) - Date.parse(account.stoppedAt)) / 1000);
  account.metadata = { ...account.metadata, processingLatency: rounded(seconds, 3) };
}

type Precedence = readonly (number | string)[];

/** Of two tellings of the same witness the greater one is kept, in whatever order they come. */
function precedence(entry: TranscriptEntry): Precedence {
  return [
    entry.revision,
    Number(entry.final),
    Number(entry.truncated),
    entry.content,
    entry.previousItemId ?? '',
    Number(entry.speaker === 'ai'),
    Date.parse(entry.timestamp),
  ];
}

export function precedes(entry: TranscriptEntry, other: TranscriptEntry): boolean {
  const others = precedence(other);
  for (const [index, mine] of precedence(entry).entries()) {
    const theirs = others[index] as typeof mine;
    if (mine !== theirs) return mine > theirs;
  }
  return false;
}

function fitted(text: string): string {
  return text.slice(0, maxContentCharacters).replace(unstorable, '');
}

/** Cut a text to the words that were spoken whole. */
function heardPart(text: string, characters: number): string {
  if (characters >= text.length) return text;
  const end = /\s/.test(text.charAt(characters))
    ? characters
    : Math.max(text.lastIndexOf(' ', characters - 1), 0);
  return text.slice(0, end).trimEnd();
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
