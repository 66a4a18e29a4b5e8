import type { ReactNode } from 'react';
import { Refusal, Waiting } from '../ui/Notice.tsx';
import { useDesk, useLive } from './context.ts';
import { Nowhere } from './Nowhere.tsx';
import type { Live } from './poll.ts';

/** Something live: waited for, shown, or why it cannot be. */
export function Standing<T>(props: {
  readonly live: Live<T>;
  /** What it is called in a sentence, such as `session`. */
  readonly what: string;
  readonly children: (value: T) => ReactNode;
}) {
  const { value, error, isAway } = useLive(props.live);
  const isAllAway = useLive(useDesk().feed.sessions(null)).isAway;
  if (value !== null) {
    return (
      <>
        <Away isAway={isAway && !isAllAway} />
        {props.children(value)}
      </>
    );
  }
  if (error === null) return <Waiting>Loading</Waiting>;
  if (error.code === 'NOT_FOUND') return <Nowhere what={props.what} />;
  return (
    <>
      <h1 tabIndex={-1}>This cannot be shown</h1>
      <Refusal error={error} />
      <button type="button" onClick={props.live.refresh}>
        Try again
      </button>
    </>
  );
}

/** A line that says that what is shown may be old; one for all of it where all of it is. */
export function Away({ isAway }: { readonly isAway: boolean }) {
  return (
    <p className="away" role="status" data-away={isAway}>
      {isAway && 'The service does not answer. What you see may be old; we keep trying.'}
    </p>
  );
}
