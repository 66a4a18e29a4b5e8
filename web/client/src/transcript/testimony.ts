import type {
  Item,
  OutputItemDone,
  Response as RealtimeResponse,
  RealtimeServerEvent,
} from '../generated.ts';
import {
  type Account,
  addPiece,
  completePiece,
  contentOf,
  cut,
  emptyAccount,
  fail,
  rate,
  timeToText,
} from './account.ts';

/** Of one conversation; more are not kept, so that nobody can fill the page's memory. */
export const maxItems = 2_000;
const maxItemIdCharacters = 128;
/** Of an English voice at ordinary speed, about 2.5 words a second. */
const usualCharactersPerSecond = 15;
/** How much speech it takes until a voice's own speed counts for more than the usual one. */
const usualCountsForSeconds = 20;
const speechParts = new Set(['input_audio', 'output_audio', 'audio']);

/** A response between its first item and the end of its sound. */
interface Playing {
  readonly itemIds: string[];
  startedAt: string | null;
}

/** What one witness of a call tells: from its events to an account of each item. */
export class Testimony {
  /** Every item that the witness saw, or that is known to have been seen by it. */
  readonly accounts = new Map<string, Account>();
  /** Items that events have told of since the set was last cleared. */
  readonly touched = new Set<string>();
  /** Whether an item has come or found its place since the flag was last cleared. */
  moved = false;
  readonly #playing = new Map<string, Playing>();
  #tellsOfPlaying = false;
  #playedCharacters = 0;
  #playedSeconds = 0;

  /** Whether an account of this item is, or can be, kept. */
  hasRoomFor(itemId: string): boolean {
    const isFitting = itemId.length > 0 && itemId.length <= maxItemIdCharacters;
    return this.accounts.has(itemId) || (isFitting && this.accounts.size < maxItems);
  }

  /** The account of an item, allotted if need be. */
  account(itemId: string, now: string): Account {
    let account = this.accounts.get(itemId);
    if (account === undefined) {
      account = emptyAccount(now);
      if (!this.hasRoomFor(itemId)) return account; // kept by nobody
      this.accounts.set(itemId, account);
      this.moved = true;
    }
    account.live = true;
    this.touched.add(itemId);
    return account;
  }

  /** The call is gone: nothing more will be said or played. */
  settle(now: string): void {
    for (const responseId of [...this.#playing.keys()]) this.#stopPlaying(responseId, now);
    for (const [itemId, account] of this.accounts) {
      if (!account.final) this.account(itemId, now).final = true;
    }
  }

  /** Take an event. Most types say nothing about the transcript. */
  take(event: RealtimeServerEvent, now: string): void {
    switch (event.type) {
      case 'input_audio_buffer.speech_started':
        this.account(event.item_id, now);
        break;
      case 'input_audio_buffer.speech_stopped':
        this.account(event.item_id, now).stoppedAt = now;
        break;
      case 'input_audio_buffer.committed':
        this.#place(event.item_id, event.previous_item_id ?? null, now);
        break;
      case 'conversation.item.added':
      case 'conversation.item.done':
        this.#place(event.item.id ?? '', event.previous_item_id ?? null, now);
        this.#fill(event.item, now);
        break;
      case 'conversation.item.truncated': {
        const heard = this.#charactersIn((event.audio_end_ms ?? 0) / 1000);
        cut(this.account(event.item_id, now), heard, true);
        break;
      }
      case 'conversation.item.input_audio_transcription.delta':
        addPiece(this.account(event.item_id, now), event.content_index ?? 0, event.delta ?? '');
        break;
      case 'conversation.item.input_audio_transcription.completed': {
        const account = this.account(event.item_id, now);
        if (!account.final) {
          completePiece(account, event.content_index ?? 0, event.transcript ?? '');
          rate(account, event.logprobs ?? null);
          timeToText(account, now);
          account.final = true;
        }
        break;
      }
      case 'conversation.item.input_audio_transcription.failed':
        fail(this.account(event.item_id, now));
        break;
      default:
        this.#takeOutput(event, now);
    }
  }

  /** Take an event about what the interviewer says. */
  #takeOutput(event: RealtimeServerEvent, now: string): void {
    switch (event.type) {
      case 'response.output_item.added':
      case 'response.output_item.done':
        this.#takeOutputItem(event, now);
        break;
      case 'response.output_audio_transcript.delta':
      case 'response.output_text.delta': {
        const account = this.#made(event.item_id, event.response_id ?? '', now);
        addPiece(account, event.content_index ?? 0, event.delta ?? '');
        break;
      }
      case 'response.output_audio_transcript.done': {
        const account = this.#made(event.item_id, event.response_id ?? '', now);
        completePiece(account, event.content_index ?? 0, event.transcript ?? '');
        break;
      }
      case 'response.output_text.done': {
        const account = this.#made(event.item_id, event.response_id ?? '', now);
        completePiece(account, event.content_index ?? 0, event.text ?? '');
        break;
      }
      case 'response.done':
        this.#takeResponse(event.response, now);
        break;
      case 'output_audio_buffer.started':
        this.#tellsOfPlaying = true;
        this.#playingOf(event.response_id ?? '').startedAt = now;
        break;
      case 'output_audio_buffer.stopped':
        this.#takePlayed(event.response_id ?? '', now);
        break;
      case 'output_audio_buffer.cleared':
        this.#tellsOfPlaying = true;
        this.#stopPlaying(event.response_id ?? '', now);
        break;
    }
  }

  #takeOutputItem(event: Pick<OutputItemDone, 'item' | 'response_id'>, now: string): void {
    this.#made(event.item.id ?? '', event.response_id ?? '', now);
    this.#fill(event.item, now);
  }

  #takeResponse(response: RealtimeResponse, now: string): void {
    const responseId = response.id ?? '';
    for (const item of response.output ?? []) {
      const account = this.#made(item.id ?? '', responseId, now);
      this.#fill(item, now);
      account.final = true;
    }
    const playing = this.#playing.get(responseId);
    if (response.status === 'cancelled' && playing?.startedAt === null) {
      this.#stopPlaying(responseId, now);
    }
  }

  #takePlayed(responseId: string, now: string): void {
    const playing = this.#playing.get(responseId);
    this.#playing.delete(responseId);
    if (playing === undefined) return;
    const accounts = playing.itemIds.map((itemId) => this.account(itemId, now));
    for (const account of accounts) account.played = true;
    if (playing.startedAt !== null) {
      this.#playedSeconds += secondsBetween(playing.startedAt, now);
      for (const account of accounts) this.#playedCharacters += contentOf(account).length;
    }
  }

  #place(itemId: string, previousItemId: string | null, now: string): void {
    const account = this.account(itemId, now);
    if (account.placed === undefined) {
      account.placed = previousItemId;
      this.moved = true;
    }
  }

  /** The account of an item that a response makes: the interviewer's. */
  #made(itemId: string, responseId: string, now: string): Account {
    const account = this.account(itemId, now);
    account.speaker = 'ai';
    if (responseId !== '' && !account.played && this.accounts.has(itemId)) {
      const { itemIds } = this.#playingOf(responseId);
      if (!itemIds.includes(itemId)) itemIds.push(itemId);
    }
    return account;
  }

  /** Take the text that the item itself carries. */
  #fill(item: Item, now: string): void {
    const account = this.account(item.id ?? '', now);
    if ((item.type ?? 'message') !== 'message') {
      account.hidden = true;
      return;
    }
    const isOurs = account.speaker === 'ai';
    let isDone = !isOurs || item.status === 'completed' || item.status === 'incomplete';
    for (const [index, part] of (item.content ?? []).entries()) {
      const text = part.transcript ?? part.text ?? null;
      if (text === null && speechParts.has(part.type ?? '') && !isOurs) {
        isDone = false; // its transcription is still to come
      } else if (text !== null && isDone && (text !== '' || !isOurs)) {
        const held = item.status === 'incomplete' ? (account.pieces.get(index) ?? '') : '';
        completePiece(account, index, held.length > text.length ? held : text);
      }
    }
    if (isDone && item.content?.length) account.final = true;
  }

  /** The rest of a response stays unheard. A truncation may yet say how much was heard. */
  #stopPlaying(responseId: string, now: string): void {
    const playing = this.#playing.get(responseId);
    this.#playing.delete(responseId);
    if (playing === undefined || (playing.startedAt === null && !this.#tellsOfPlaying)) return;
    const heard = this.#charactersIn(secondsBetween(playing.startedAt ?? now, now));
    for (const itemId of playing.itemIds) {
      const account = this.account(itemId, now);
      if (!account.hidden) cut(account, heard, false);
    }
  }

  #playingOf(responseId: string): Playing {
    let playing = this.#playing.get(responseId);
    if (playing === undefined) {
      playing = { itemIds: [], startedAt: null };
      this.#playing.set(responseId, playing);
    }
    return playing;
  }

  /** How much this voice says in a time, going by what it has said so far. */
  #charactersIn(seconds: number): number {
    const usual = usualCharactersPerSecond * usualCountsForSeconds;
    const played = this.#playedSeconds + usualCountsForSeconds;
    return Math.trunc((seconds * (this.#playedCharacters + usual)) / played);
  }
}

function secondsBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}
