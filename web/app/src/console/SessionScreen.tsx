import { type WebRTCConnectionError, type wire, wordsFor } from '@vivavoce/client';
import { useState } from 'react';
import { Chip } from './Chip.tsx';
import { useDesk, useLive } from './context.ts';
import { Exports } from './Exports.tsx';
import { Facts } from './Facts.tsx';
import { isLive } from './feed.ts';
import { Link } from './Link.tsx';
import { EndSession, EraseSession } from './SessionActs.tsx';
import { Standing } from './Standing.tsx';
import { candidateOf, labelOf, sessionStanding } from './status.ts';
import { TranscriptView } from './TranscriptView.tsx';
import { useTitle } from './title.ts';

/** One session: what is said, as it is said, and the facts beside it. */
export function SessionScreen({ id }: { readonly id: string }) {
  const { feed } = useDesk();
  return (
    <Standing live={feed.session(id)} what="session">
      {(session) => <Session session={session} />}
    </Standing>
  );
}

type Asking = 'nothing' | 'end' | 'erase';

function Session({ session }: { readonly session: wire.SessionView }) {
  const { feed } = useDesk();
  const [asking, setAsking] = useState<Asking>('nothing');
  const transcript = useLive(feed.transcript(session.sessionId));
  const live = isLive(session);
  const label = labelOf(candidateOf(session));
  useTitle(label);
  const close = () => setAsking('nothing');
  return (
    <>
      <p className="trail">
        <Link to={{ page: 'sessions', interviewId: null }}>Sessions</Link>
      </p>
      <div className="head">
        <h1 tabIndex={-1}>{label}</h1>
        <Chip standing={sessionStanding(session)} />
        <div className="row acts">
          <Exports sessionId={session.sessionId} />
          {live ? (
            <button type="button" className="danger" onClick={() => setAsking('end')}>
              End now
            </button>
          ) : (
            <button type="button" className="danger" onClick={() => setAsking('erase')}>
              Delete
            </button>
          )}
        </div>
      </div>
      <div className="split">
        <section aria-label="Transcript" className="panel">
          {transcript.value === null && transcript.error !== null ? (
            <NoTranscript error={transcript.error} />
          ) : (
            <TranscriptView
              transcript={transcript.value}
              session={session}
              isAway={transcript.isAway}
            />
          )}
        </section>
        <Facts session={session} entryCount={transcript.value?.entries.length ?? null} />
      </div>
      {asking === 'end' && <EndSession session={session} onClose={close} />}
      {asking === 'erase' && <EraseSession session={session} onClose={close} />}
    </>
  );
}

function NoTranscript({ error }: { readonly error: WebRTCConnectionError }) {
  return <p className="notice bad">{error.message || wordsFor(error.code).title}</p>;
}
