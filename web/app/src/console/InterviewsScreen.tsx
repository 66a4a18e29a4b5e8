import type { wire } from '@vivavoce/client';
import { useState } from 'react';
import { inMinutes, moment } from '../ui/words.ts';
import { useDesk } from './context.ts';
import { FilterRow } from './FilterRow.tsx';
import type { Rows } from './feed.ts';
import { Link } from './Link.tsx';
import { Older } from './Older.tsx';
import { matches } from './rows.ts';
import { Standing } from './Standing.tsx';
import { type ShownColumn, Table } from './Table.tsx';
import { useTitle } from './title.ts';

/** All interviews that were planned. */
export function InterviewsScreen() {
  const { feed } = useDesk();
  useTitle('Interviews');
  return (
    <>
      <div className="head">
        <h1 tabIndex={-1}>Interviews</h1>
        <div className="acts">
          <Link to={{ page: 'draft' }} className="button primary">
            Plan an interview
          </Link>
        </div>
      </div>
      <Standing live={feed.interviews} what="list">
        {(seen) => <Interviews seen={seen} readOlder={feed.interviews.readOlder} />}
      </Standing>
    </>
  );
}

const columns: readonly ShownColumn<wire.InterviewView>[] = [
  {
    key: 'title',
    title: 'Title',
    sortBy: ({ title }) => title,
    show: ({ interviewId, title }) => (
      <Link to={{ page: 'invitations', id: interviewId }}>{title}</Link>
    ),
  },
  { key: 'role', title: 'Role', sortBy: ({ role }) => role, show: ({ role }) => role },
  {
    key: 'questions',
    title: 'Questions',
    sortBy: ({ questions }) => questions.length,
    show: ({ questions }) => questions.length,
    isSpare: true,
  },
  {
    key: 'limit',
    title: 'Time limit',
    sortBy: ({ maxDuration }) => maxDuration,
    show: ({ maxDuration }) => inMinutes(maxDuration),
    isSpare: true,
  },
  {
    key: 'changed',
    title: 'Changed',
    sortBy: ({ updatedAt }) => Date.parse(updatedAt),
    show: ({ updatedAt }) => <time dateTime={updatedAt}>{moment(updatedAt)}</time>,
    isSpare: true,
  },
  {
    key: 'sessions',
    title: 'Sessions',
    show: ({ interviewId, title }) => (
      <Link to={{ page: 'sessions', interviewId }}>
        Sessions<span className="hidden"> of {title}</span>
      </Link>
    ),
  },
];

function Interviews(props: {
  readonly seen: Rows<wire.InterviewView>;
  readonly readOlder: () => Promise<void>;
}) {
  const { rows, nextCursor } = props.seen;
  const [filter, setFilter] = useState('');
  const shown = rows.filter(({ title, role }) => matches(filter, `${title} ${role}`));
  if (rows.length === 0) {
    return (
      <div className="empty">
        <h2>No interview yet</h2>
        <p>An interview is a list of questions. Plan one, then invite candidates to it.</p>
        <Link to={{ page: 'draft' }} className="button primary">
          Plan the first one
        </Link>
      </div>
    );
  }
  return (
    <>
      <FilterRow
        filter={filter}
        onFilter={setFilter}
        within="Title or role"
        shown={shown.length}
        all={rows.length}
      />
      <Table
        caption="Interviews"
        columns={columns}
        rows={shown}
        idOf={({ interviewId }) => interviewId}
        initially={{ key: 'changed', isDescending: true }}
      />
      <Older isThere={nextCursor !== null} read={props.readOlder} />
    </>
  );
}
