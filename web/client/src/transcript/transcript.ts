import type { RealtimeServerEvent, TranscriptEntry, Witness } from '../generated.ts';
import { type Account, accountOf, contentOf, precedes } from './account.ts';
import { chainOrder, type Link } from './chain.ts';
import { Testimony } from './testimony.ts';

const witnesses: readonly Witness[] = ['sideband', 'client'];

/**
 * From the events of a call to transcript entries: no loss, no duplicate, right order.
 *
 * An item's place is allotted when the item appears, its text is filled in when it comes. Two
 * witnesses can tell of the same item: the machine over the sideband, and this client. What the
 * sideband saw is never overwritten by what a client says. The same rules as the server's.
 */
export class Transcript {
  readonly #testimonies: Readonly<Record<Witness, Testimony>> = {
    sideband: new Testimony(),
    client: new Testimony(),
  };
  readonly #told = new Map<string, TranscriptEntry>();
  readonly #published = new Map<string, TranscriptEntry>();
  #order: readonly string[] = [];

  /** Take an event of our own call; the entries that it changed come back, in order. */
  apply(event: RealtimeServerEvent, now: string): TranscriptEntry[] {
    const isItem =
      event.type === 'conversation.item.added' || event.type === 'conversation.item.done';
    // Put into another call by us, to go on where the old one was: no new testimony.
    if (isItem && this.#isOnlyTold(event.item.id ?? '')) return [];
    this.#testimonies.client.take(event, now);
    return this.#publish();
  }

  /** Take what is known from elsewhere, in any order, any number of times. */
  merge(entries: readonly TranscriptEntry[]): TranscriptEntry[] {
    for (const entry of entries) {
      const testimony = this.#testimonies[entry.witness];
      const told = this.#told.get(keyOf(entry.itemId, entry.witness));
      const held = testimony.accounts.get(entry.itemId);
      if (told !== undefined && !precedes(entry, told)) continue;
      if (held?.live && (held.final || !entry.final)) continue;
      if (testimony.hasRoomFor(entry.itemId)) {
        this.#told.set(keyOf(entry.itemId, entry.witness), entry);
        testimony.accounts.set(entry.itemId, accountOf(entry));
        testimony.touched.add(entry.itemId);
        testimony.moved = true;
      }
    }
    return this.#publish();
  }

  /** Note how loud an item of our own call was, 0 to 1; told with its text. */
  noteLevel(itemId: string, audioLevel: number): void {
    const account = this.#testimonies.client.accounts.get(itemId);
    if (account !== undefined) account.metadata = { ...account.metadata, audioLevel };
  }

  /** Close what is open, because the call is gone: keep what was heard. */
  settle(now: string): TranscriptEntry[] {
    this.#testimonies.client.settle(now);
    return this.#publish();
  }

  /** The transcript in the order of the conversation. */
  entries(): TranscriptEntry[] {
    return this.#order
      .map((itemId) => this.#published.get(itemId))
      .filter((entry) => entry !== undefined)
      .filter((entry) => entry.content !== '');
  }

  /**
   * What to tell the machine that we have: item id to revision. Revisions count what the sideband
   * saw. What only we saw stands as 0, so that the sideband's word for it is always sent.
   */
  known(): Record<string, number> {
    return Object.fromEntries(
      this.entries().map(({ itemId, revision, witness }) => [
        itemId,
        witness === 'sideband' ? revision : 0,
      ]),
    );
  }

  /** Our own copy of what was said, in order; of these items, or of all. */
  witnessed(itemIds?: ReadonlySet<string>): TranscriptEntry[] {
    const { accounts } = this.#testimonies.client;
    return this.#order.flatMap((itemId) => {
      const account = accounts.get(itemId);
      if (account === undefined || account.hidden || contentOf(account) === '') return [];
      if (itemIds !== undefined && !itemIds.has(itemId)) return [];
      const link = this.#published.get(itemId)?.previousItemId ?? null;
      return [entryOf(itemId, 'client', account, link)];
    });
  }

  /** All there is about an item, the sideband's account first. */
  #accountsOf(itemId: string): [Witness, Account][] {
    return witnesses.flatMap((witness): [Witness, Account][] => {
      const account = this.#testimonies[witness].accounts.get(itemId);
      return account === undefined ? [] : [[witness, account]];
    });
  }

  /**
   * The account that counts: the sideband's, unless it has nothing to say yet.
   *
   * While an item is being spoken we go by our own ears where they have heard more: a machine that
   * took over in the middle of it has not heard the beginning.
   */
  #best(itemId: string): [Witness, Account] | undefined {
    const accounts = this.#accountsOf(itemId);
    const sideband = this.#testimonies.sideband.accounts.get(itemId);
    const client = this.#testimonies.client.accounts.get(itemId);
    if (sideband === undefined || client === undefined) return accounts[0];
    const told = contentOf(sideband);
    const isBehind = client.live && contentOf(client).length > told.length;
    return sideband.final || sideband.hidden || (told !== '' && !isBehind)
      ? ['sideband', sideband]
      : ['client', client];
  }

  #isOnlyTold(itemId: string): boolean {
    return (
      !this.#testimonies.client.accounts.has(itemId) &&
      witnesses.some((witness) => this.#told.has(keyOf(itemId, witness)))
    );
  }

  /** Order the items anew; of a place, too, the sideband's word counts first. */
  #sort(): void {
    const links = new Map<string, Link>();
    for (const witness of witnesses) {
      for (const itemId of this.#testimonies[witness].accounts.keys()) {
        const accounts = this.#accountsOf(itemId).map(([, account]) => account);
        const placed = accounts.find((account) => account.placed !== undefined)?.placed ?? null;
        links.set(itemId, { previousItemId: placed, timestamp: accounts[0]?.timestamp ?? '' });
      }
    }
    this.#order = chainOrder(links);
  }

  /** Bring the published entries up to date; return those that changed. */
  #publish(): TranscriptEntry[] {
    const testimonies = witnesses.map((witness) => this.#testimonies[witness]);
    if (testimonies.some((testimony) => testimony.moved)) this.#sort();
    const changed: TranscriptEntry[] = [];
    let previous: string | null = null;
    for (const itemId of this.#order) {
      const best = this.#best(itemId);
      if (best === undefined) continue;
      const [witness, account] = best;
      const held = this.#published.get(itemId);
      const content = contentOf(account);
      if (held !== undefined || (content !== '' && !account.hidden)) {
        const link = this.#link(account, previous);
        const isTouched = testimonies.some((testimony) => testimony.touched.has(itemId));
        if (isTouched || (held !== undefined && held.previousItemId !== link)) {
          const entry = this.#revised(itemId, witness, account, link);
          if (isNews(entry, held)) changed.push(entry);
        }
      }
      if (!account.hidden && !(account.final && content === '')) previous = itemId;
    }
    for (const testimony of testimonies) {
      testimony.touched.clear();
      testimony.moved = false;
    }
    return changed;
  }

  /** The item before it that has or may yet have text; one that is not here keeps its name. */
  #link(account: Account, previous: string | null): string | null {
    const named = account.placed ?? null;
    return named === null || this.#accountsOf(named).length > 0 ? previous : named;
  }

  /** Publish an item as it stands; what events have told gets a greater revision. */
  #revised(
    itemId: string,
    witness: Witness,
    account: Account,
    link: string | null,
  ): TranscriptEntry {
    const held = this.#published.get(itemId);
    let entry = entryOf(itemId, witness, account, link);
    if (account.live && !(held !== undefined && isSame(entry, held))) {
      account.revision = Math.max(account.revision, held?.revision ?? 0) + 1;
      entry = { ...entry, revision: account.revision };
    }
    this.#published.set(itemId, entry);
    return entry;
  }
}

const keyOf = (itemId: string, witness: Witness) => `${witness} ${itemId}`;

function entryOf(
  itemId: string,
  witness: Witness,
  account: Account,
  link: string | null,
): TranscriptEntry {
  return {
    itemId,
    revision: account.revision,
    previousItemId: link,
    speaker: account.speaker,
    content: contentOf(account),
    timestamp: account.timestamp,
    final: account.final,
    truncated: account.truncated,
    witness,
    confidence: account.confidence,
    metadata: account.metadata,
  };
}

function isSame(entry: TranscriptEntry, held: TranscriptEntry): boolean {
  const { revision: _, metadata, ...fields } = entry;
  return (
    Object.entries(fields).every(
      ([name, value]) => held[name as keyof TranscriptEntry] === value,
    ) &&
    metadata?.processingLatency === held.metadata?.processingLatency &&
    metadata?.audioLevel === held.metadata?.audioLevel
  );
}

/** Whether others must be told. A change of place alone is told with a revision, or not. */
function isNews(entry: TranscriptEntry, held: TranscriptEntry | undefined): boolean {
  return (
    held === undefined ||
    entry.revision !== held.revision ||
    entry.witness !== held.witness ||
    entry.content !== held.content
  );
}
