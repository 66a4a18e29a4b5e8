import { asConnectionError, type wire } from '@vivavoce/client';
import { Confirm } from './Confirm.tsx';
import { useDesk } from './context.ts';
import { candidateOf, labelOf } from './status.ts';

interface Props {
  readonly session: wire.SessionView;
  readonly onClose: () => void;
}

/** End a session that goes on. */
export function EndSession({ session, onClose }: Props) {
  const { api, feed } = useDesk();
  const { sessionId } = session;
  const run = async () => {
    const ended = await api.ask('endSession', { places: { sessionId } });
    feed.session(sessionId).learn(() => ended);
    onClose();
  };
  return (
    <Confirm
      title="End this interview now?"
      act="End the interview"
      acting="Ending…"
      run={run}
      onClose={onClose}
    >
      <p>
        The call with {labelOf(candidateOf(session))} is hung up, and nothing more can be said. The
        candidate reads that you ended it. What was said so far stays.
      </p>
    </Confirm>
  );
}

/** Erase a session that is over. */
export function EraseSession({ session, onClose }: Props) {
  const { api, feed, router } = useDesk();
  const { sessionId } = session;
  const run = async () => {
    await whenCleanedUp(() => api.ask('eraseSession', { places: { sessionId } }));
    feed.sessions(null).learn(({ rows, nextCursor }) => ({
      rows: rows.filter((row) => row.sessionId !== sessionId),
      nextCursor,
    }));
    router.go({ page: 'sessions', interviewId: null }, { replace: true });
  };
  return (
    <Confirm
      title="Delete this session?"
      act="Delete for ever"
      acting="Deleting…"
      run={run}
      onClose={onClose}
    >
      <p>This cannot be undone. Gone will be:</p>
      <ul className="points">
        <li>the transcript, with all that was said</li>
        <li>who was interviewed, and the invitation that they came with</li>
        <li>what happened in the session, such as pauses and wishes</li>
      </ul>
      <p className="hint">
        That the candidate agreed, and that you deleted this, stays in the audit log without a word
        of what was said. Download the transcript first if you need it.
      </p>
    </Confirm>
  );
}

const triesWhileCleaning = 15;

/** A session that has just ended is cleaned up for a moment before it can be erased. */
async function whenCleanedUp(act: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await act();
      return;
    } catch (thrown) {
      const { retryAfter } = asConnectionError(thrown).details;
      if (retryAfter === undefined || tries === triesWhileCleaning) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, retryAfter));
    }
  }
}
