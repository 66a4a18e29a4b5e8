import type { Tagged, wire } from '@vivavoce/client';
import type { Api } from './api.ts';
import { type Live, type Page, Poll } from './poll.ts';

/** Rows that were read so far, the newest first, and where the next ones are. */
export interface Rows<Row> {
  readonly rows: readonly Row[];
  readonly nextCursor: string | null;
}

/** A list that changes. */
export interface LiveRows<Row> extends Live<Rows<Row>> {
  /** Read older rows. Rejects with a `WebRTCConnectionError`. */
  readonly readOlder: () => Promise<void>;
}

/**
 * Everything on the recruiter's screens that changes by itself.
 *
 * It is asked for by polling; screens know only this interface, so that a feed that pushes can take
 * its place.
 */
export interface Feed {
  readonly organisation: Live<wire.OrganisationView>;
  readonly interviews: LiveRows<wire.InterviewView>;
  /** With its tag, so that a change can say what it began from. */
  readonly interview: (interviewId: string) => Live<Tagged<wire.InterviewView>>;
  readonly invitations: (interviewId: string) => LiveRows<wire.InvitationView>;
  readonly sessions: (interviewId: string | null) => LiveRows<wire.SessionView>;
  readonly session: (sessionId: string) => Live<wire.SessionView>;
  readonly transcript: (sessionId: string) => Live<wire.Transcript>;
  readonly events: (sessionId: string) => Live<wire.EventList>;
  readonly machines: (sessionId: string) => Live<wire.MachineList>;
  readonly invitation: (invitationId: string) => Live<wire.InvitationView>;
}

const pageSize = 200;
const listMs = 3000;
const slowMs = 15_000;
const sessionMs = 1000;
const transcriptMs = 700;

/** Whether a session goes on. */
export function isLive({ status }: Pick<wire.SessionView, 'status'>): boolean {
  return status !== 'ended' && status !== 'failed';
}

/** Open the feed over an API. */
export function openFeed(api: Api, page: Page = document): Feed {
  const one = <T>(
    read: (tag: string | null) => Promise<Tagged<T> | null>,
    every: (value: T) => number | null,
  ): Live<T> => new Poll<T>({ read, every }, page);

  const places = (sessionId: string) => ({ places: { sessionId } });

  return {
    organisation: one(
      (tag) => api.askUnlessKnown('showOrganisation', {}, tag),
      () => null,
    ),
    interviews: list({
      page,
      every: slowMs,
      idOf: (one) => one.interviewId,
      read: async (query, tag) => {
        const got = await api.askUnlessKnown('listInterviews', { query }, tag);
        return got && { tag: got.tag, answer: withRows(got.answer.interviews, got.answer) };
      },
    }),
    interview: kept((interviewId) =>
      one(
        async (tag) => {
          const got = await api.askUnlessKnown('showInterview', { places: { interviewId } }, tag);
          return got && { tag: got.tag, answer: got };
        },
        () => slowMs,
      ),
    ),
    invitations: kept((interviewId) =>
      list({
        page,
        every: listMs,
        idOf: (one) => one.invitationId,
        read: async (query, tag) => {
          const asked = { query, places: { interviewId } };
          const got = await api.askUnlessKnown('listInvitations', asked, tag);
          return got && { tag: got.tag, answer: withRows(got.answer.invitations, got.answer) };
        },
      }),
    ),
    sessions: kept((interviewId) =>
      list({
        page,
        every: listMs,
        idOf: (one) => one.sessionId,
        read: async (query, tag) => {
          const asked = { query: { ...query, ...(interviewId === null ? {} : { interviewId }) } };
          const got = await api.askUnlessKnown('listSessions', asked, tag);
          return got && { tag: got.tag, answer: withRows(got.answer.sessions, got.answer) };
        },
      }),
    ),
    session: kept((id) =>
      one(
        (tag) => api.askUnlessKnown('showSession', places(id), tag),
        (session) => (isLive(session) ? sessionMs : slowMs),
      ),
    ),
    transcript: kept((id) =>
      one(
        (tag) => api.askUnlessKnown('showTranscript', places(id), tag),
        ({ complete }) => (complete === null ? transcriptMs : slowMs),
      ),
    ),
    events: kept((id) =>
      one(
        (tag) => api.askUnlessKnown('listEvents', places(id), tag),
        () => listMs,
      ),
    ),
    machines: kept((id) =>
      one(
        (tag) => api.askUnlessKnown('listMachines', places(id), tag),
        () => listMs,
      ),
    ),
    invitation: kept((invitationId) =>
      one(
        (tag) => api.askUnlessKnown('showInvitation', { places: { invitationId } }, tag),
        () => slowMs,
      ),
    ),
  };
}

/** One live thing for each key, so that coming back shows at once what was seen before. */
function kept<Key, T>(make: (key: Key) => T): (key: Key) => T {
  const made = new Map<Key, T>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const one = make(key);
    made.set(key, one);
    return one;
  };
}

function withRows<Row>(rows: readonly Row[], { nextCursor }: { nextCursor: string | null }) {
  return { rows, nextCursor };
}

/** How a list is read. */
interface Listing<Row> {
  readonly page: Page;
  readonly every: number;
  readonly idOf: (row: Row) => string;
  readonly read: (
    query: Record<string, string>,
    tag: string | null,
  ) => Promise<Tagged<Rows<Row>> | null>;
}

function list<Row extends { readonly createdAt: string }>(listing: Listing<Row>): LiveRows<Row> {
  const limit = String(pageSize);
  const poll = new Poll<Rows<Row>>(
    {
      read: async (tag, before) => {
        const first = await listing.read({ limit }, tag);
        return first && { tag: first.tag, answer: grown(first.answer, before, listing.idOf) };
      },
      every: () => listing.every,
    },
    listing.page,
  );
  const readOlder = async () => {
    const cursor = poll.getSnapshot().value?.nextCursor;
    if (cursor === null || cursor === undefined) return;
    const older = await listing.read({ limit, cursor }, null);
    if (older === null) return;
    poll.learn(({ rows }) => ({
      rows: [...rows, ...older.answer.rows],
      nextCursor: older.answer.nextCursor,
    }));
  };
  return {
    getSnapshot: poll.getSnapshot,
    subscribe: poll.subscribe,
    refresh: poll.refresh,
    learn: poll.learn,
    readOlder,
  };
}

/**
 * The first page of a list, with the older rows that were read before it.
 *
 * What is missing from the page's own span of time is gone; what lies before it is kept.
 */
export function grown<Row extends { readonly createdAt: string }>(
  first: Rows<Row>,
  before: Rows<Row> | null,
  idOf: (row: Row) => string,
): Rows<Row> {
  const end = first.rows.at(-1)?.createdAt;
  if (before === null || first.nextCursor === null || end === undefined) return first;
  const inPage = new Set(first.rows.map(idOf));
  const reach = Date.parse(end);
  const older = before.rows.filter(
    (row) => Date.parse(row.createdAt) <= reach && !inPage.has(idOf(row)),
  );
  if (older.length === 0) return first;
  return { rows: [...first.rows, ...older], nextCursor: before.nextCursor };
}
