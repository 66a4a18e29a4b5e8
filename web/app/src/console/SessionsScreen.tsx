import type { wire } from '@vivavoce/client';
import { useState } from 'react';
import { clock, moment } from '../ui/words.ts';
import { Chip } from './Chip.tsx';
import { useDesk, useLive } from './context.ts';
import { FilterRow } from './FilterRow.tsx';
import { isLive, type Rows } from './feed.ts';
import { Link } from './Link.tsx';
import { Older } from './Older.tsx';
import { matches } from './rows.ts';
import { Standing } from './Standing.tsx';
import { candidateOf, endingOf, labelOf, sessionStanding } from './status.ts';
import { type ShownColumn, Table } from './Table.tsx';
import { useTitle } from './title.ts';
import { useNow } from './useNow.ts';

/** All sessions, or those of one interview. */
export function SessionsScreen({ interviewId }: { readonly interviewId: string | null }) {
  const { feed } = useDesk();
  useTitle('Sessions');
  const sessions = feed.sessions(interviewId);
  const interviews = useLive(feed.interviews).value?.rows ?? [];
  const titles = new Map(interviews.map((one) => [one.interviewId, one.title]));
  const title = interviewId === null ? undefined : titles.get(interviewId);
  return (
    <>
      <div className="head">
        <h1 tabIndex={-1}>{title ? `Sessions of “${title}”` : 'Sessions'}</h1>
        {interviewId !== null && (
          <Link to={{ page: 'sessions', interviewId: null }}>Show those of all interviews</Link>
        )}
      </div>
      <Standing live={sessions} what="list">
        {(seen) => <Sessions seen={seen} titles={titles} readOlder={sessions.readOlder} />}
      </Standing>
    </>
  );
}

type Which = 'all' | 'live' | 'over' | 'failed';

function Sessions(props: {
  readonly seen: Rows<wire.SessionView>;
  readonly titles: ReadonlyMap<string, string>;
  readonly readOlder: () => Promise<void>;
}) {
  const { rows, nextCursor } = props.seen;
  const [filter, setFilter] = useState('');
  const [which, setWhich] = useState<Which>('all');
  const now = useNow(rows.some(isLive));
  const titleOf = ({ interviewId }: wire.SessionView) =>
    interviewId === null ? 'No plan' : (props.titles.get(interviewId) ?? 'Interview');
  const textOf = (row: wire.SessionView) => {
    const { name, email, externalId } = candidateOf(row);
    return [name, email, externalId, titleOf(row), sessionStanding(row).word, row.sessionId].join(
      ' ',
    );
  };
  const shown = rows.filter((row) => isOf(row, which) && matches(filter, textOf(row)));
  if (rows.length === 0) {
    return (
      <div className="empty">
        <h2>No session yet</h2>
        <p>A session begins when a candidate opens an invitation and starts the interview.</p>
        <Link to={{ page: 'interviews' }} className="button">
          Choose an interview and invite somebody
        </Link>
      </div>
    );
  }
  return (
    <>
      <FilterRow
        filter={filter}
        onFilter={setFilter}
        within="Candidate, interview or id"
        shown={shown.length}
        all={rows.length}
      >
        <label>
          Status
          <select value={which} onChange={({ target }) => setWhich(target.value as Which)}>
            <option value="all">All</option>
            <option value="live">Going on</option>
            <option value="over">Ended</option>
            <option value="failed">Failed</option>
          </select>
        </label>
      </FilterRow>
      <Table
        caption="Sessions"
        columns={columnsOf(titleOf, now)}
        rows={shown}
        idOf={(row) => row.sessionId}
        initially={{ key: 'begun', isDescending: true }}
      />
      <Older isThere={nextCursor !== null} read={props.readOlder} />
    </>
  );
}

function isOf(session: wire.SessionView, which: Which): boolean {
  if (which === 'all') return true;
  if (which === 'live') return isLive(session);
  return session.status === (which === 'failed' ? 'failed' : 'ended');
}

function columnsOf(
  titleOf: (row: wire.SessionView) => string,
  now: number,
): readonly ShownColumn<wire.SessionView>[] {
  const lengthOf = ({ activeAt, endedAt }: wire.SessionView) =>
    activeAt === null ? -1 : (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(activeAt);
  return [
    {
      key: 'candidate',
      title: 'Candidate',
      sortBy: (row) => labelOf(candidateOf(row)),
      show: (row) => (
        <Link to={{ page: 'session', id: row.sessionId }}>{labelOf(candidateOf(row))}</Link>
      ),
    },
    { key: 'interview', title: 'Interview', sortBy: titleOf, show: titleOf, isSpare: true },
    {
      key: 'status',
      title: 'Status',
      sortBy: (row) => sessionStanding(row).word,
      show: (row) => <Chip standing={sessionStanding(row)} />,
    },
    {
      key: 'ending',
      title: 'Ending',
      sortBy: (row) => endingOf(row) ?? '',
      show: (row) => endingOf(row) ?? '',
      isSpare: true,
    },
    {
      key: 'begun',
      title: 'Begun',
      sortBy: (row) => Date.parse(row.createdAt),
      show: (row) => <time dateTime={row.createdAt}>{moment(row.createdAt)}</time>,
      isSpare: true,
    },
    {
      key: 'length',
      title: 'Length',
      sortBy: lengthOf,
      show: (row) => (row.activeAt === null ? '–' : clock(lengthOf(row))),
    },
    {
      key: 'transcript',
      title: 'Transcript',
      sortBy: (row) => String(row.transcriptComplete),
      show: (row) => completenessOf(row),
      isSpare: true,
    },
  ];
}

function completenessOf(session: wire.SessionView): string {
  if (session.transcriptComplete === null) return isLive(session) ? 'Being written' : '–';
  return session.transcriptComplete ? 'Complete' : 'May lack entries';
}
