import type { TranscriptEntry, wire } from '@vivavoce/client';
import { type KeyboardEvent, useEffect, useMemo, useState } from 'react';
import { Waiting } from '../ui/Notice.tsx';
import { clock } from '../ui/words.ts';
import { isLive } from './feed.ts';
import { find, type Piece } from './search.ts';
import { useFollowing } from './useFollowing.ts';

/** What was said so far, searched and followed. */
export function TranscriptView(props: {
  readonly transcript: wire.Transcript | null;
  readonly session: wire.SessionView;
  /** Whether it cannot be read at the moment. */
  readonly isAway: boolean;
}) {
  const { transcript, session, isAway } = props;
  const [query, setQuery] = useState('');
  const [current, setCurrent] = useState(0);
  const entries = transcript?.entries ?? [];
  const found = useMemo(
    () =>
      find(
        entries.map(({ content }) => content),
        query,
      ),
    [entries, query],
  );
  const at = found.count === 0 ? -1 : Math.min(current, found.count - 1);
  const { list, isFollowing, unseen, onScroll, jump } = useFollowing(entries.length, entries);
  useEffect(() => {
    if (at < 0 || query === '') return;
    list.current?.querySelector(`mark[data-match="${at}"]`)?.scrollIntoView({ block: 'center' });
  }, [at, query, list]);
  const step = (by: number) => {
    if (found.count > 0) setCurrent((at + by + found.count) % found.count);
  };
  const live = isLive(session);
  if (transcript === null) return <Waiting>Loading the transcript</Waiting>;
  return (
    <>
      <Search
        query={query}
        place={at}
        count={found.count}
        onQuery={(text) => {
          setQuery(text);
          setCurrent(0);
        }}
        onStep={step}
      />
      <div
        className="said"
        ref={list}
        onScroll={onScroll}
        role="log"
        aria-label="Said"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scroller needs the keyboard
        tabIndex={0}
      >
        {entries.length === 0 && <Silence isLive={live} />}
        <ol>
          {entries.map((entry, line) => (
            <Line
              key={entry.itemId}
              entry={entry}
              begun={startOf(session)}
              pieces={found.lines[line] ?? []}
              current={at}
            />
          ))}
        </ol>
      </div>
      <div className="below">
        {isAway && (
          <p className="problem" role="status">
            The transcript cannot be read at the moment. We keep trying.
          </p>
        )}
        {live && isFollowing && !isAway && <p className="hint">Shown as it is spoken.</p>}
        {!isFollowing && (
          <button type="button" className="primary" onClick={jump}>
            {live ? 'Jump to live' : 'Jump to the end'}
            {unseen > 0 && ` · ${unseen} new`}
          </button>
        )}
        {transcript.complete === false && <p className="hint">This transcript may lack entries.</p>}
      </div>
    </>
  );
}

function Silence({ isLive: live }: { readonly isLive: boolean }) {
  return (
    <p className="empty">
      {live ? 'Nothing was said yet. Words appear here as they are spoken.' : 'Nothing was said.'}
    </p>
  );
}

function startOf({ activeAt, createdAt }: wire.SessionView): number {
  return Date.parse(activeAt ?? createdAt);
}

function Search(props: {
  readonly query: string;
  readonly place: number;
  readonly count: number;
  readonly onQuery: (text: string) => void;
  readonly onStep: (by: number) => void;
}) {
  const { query, place, count, onStep } = props;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    onStep(event.shiftKey ? -1 : 1);
  };
  return (
    <search className="search">
      <label>
        <span className="hidden">Search in the transcript</span>
        <input
          type="search"
          placeholder="Search in the transcript"
          value={query}
          onChange={({ target }) => props.onQuery(target.value)}
          onKeyDown={onKeyDown}
        />
      </label>
      <output>{query.trim() !== '' && (count === 0 ? 'None' : `${place + 1} of ${count}`)}</output>
      <button type="button" disabled={count === 0} onClick={() => onStep(-1)}>
        <span aria-hidden="true">↑</span>
        <span className="hidden">Previous match</span>
      </button>
      <button type="button" disabled={count === 0} onClick={() => onStep(1)}>
        <span aria-hidden="true">↓</span>
        <span className="hidden">Next match</span>
      </button>
    </search>
  );
}

function Line(props: {
  readonly entry: TranscriptEntry;
  readonly begun: number;
  readonly pieces: readonly Piece[];
  readonly current: number;
}) {
  const { entry, begun, pieces, current } = props;
  const { speaker, timestamp, final, truncated, witness } = entry;
  return (
    <li data-speaker={speaker} data-final={final}>
      <time dateTime={timestamp}>{clock(Date.parse(timestamp) - begun)}</time>
      <div>
        <b>{speaker === 'ai' ? 'Interviewer' : 'Candidate'}</b>
        {truncated && <small className="mark">cut off</small>}
        {speaker === 'ai' && witness === 'client' && (
          <small className="mark" title="Only the candidate's own browser says so.">
            unverified
          </small>
        )}
        {!final && <small className="mark">being spoken</small>}
        <p>
          {pieces.map(({ text, match }, index) =>
            match === null ? (
              <span key={index}>{text}</span>
            ) : (
              <mark key={`m${match}`} data-match={match} data-current={match === current}>
                {text}
              </mark>
            ),
          )}
        </p>
      </div>
    </li>
  );
}
