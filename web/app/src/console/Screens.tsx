import { useStore } from '@vivavoce/react';
import { type ReactNode, useEffect, useRef } from 'react';
import { dress } from '../ui/theme.ts';
import { atStart } from '../ui/words.ts';
import { useDesk, useLive } from './context.ts';
import { InterviewScreen, NewInterviewScreen } from './InterviewScreen.tsx';
import { InterviewsScreen } from './InterviewsScreen.tsx';
import { InvitationsScreen } from './InvitationsScreen.tsx';
import { Link } from './Link.tsx';
import { Nowhere } from './Nowhere.tsx';
import { addressOf, type Place } from './router.ts';
import { SessionScreen } from './SessionScreen.tsx';
import { SessionsScreen } from './SessionsScreen.tsx';
import { Away } from './Standing.tsx';
import { isTalking } from './status.ts';

/** The frame of the console, with the screen of the present place in it. */
export function Screens({ onLeave }: { readonly onLeave: () => void }) {
  const { feed, router } = useDesk();
  const place = useStore(router.place);
  const { isAway } = useLive(feed.sessions(null));
  const address = addressOf(place);
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each place
  useEffect(() => {
    // The page that was opened has the focus already; one that was gone to takes it.
    if (!isFirst.current) (main.current?.querySelector('h1') ?? main.current)?.focus();
    isFirst.current = false;
  }, [address]);
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <Header place={place} onLeave={onLeave} />
      <main id="main" ref={main} className="page wide" tabIndex={-1} key={address}>
        <Away isAway={isAway} />
        {screenOf(place)}
      </main>
    </>
  );
}

function screenOf(place: Place): ReactNode {
  switch (place.page) {
    case 'sessions':
      return <SessionsScreen interviewId={place.interviewId} />;
    case 'interviews':
      return <InterviewsScreen />;
    case 'draft':
      return <NewInterviewScreen />;
    case 'interview':
      return <InterviewScreen id={place.id} />;
    case 'invitations':
      return <InvitationsScreen id={place.id} />;
    case 'session':
      return <SessionScreen id={place.id} />;
    case 'nowhere':
      return <Nowhere />;
  }
}

const ofInterviews: readonly Place['page'][] = ['interviews', 'draft', 'interview', 'invitations'];

function Header(props: { readonly place: Place; readonly onLeave: () => void }) {
  const { feed, router } = useDesk();
  const { page } = props.place;
  const { value } = useLive(feed.sessions(null));
  const organisation = useLive(feed.organisation).value;
  useEffect(() => dress(organisation?.theme ?? null), [organisation]);
  const live = value?.rows.filter(({ status }) => isTalking(status)).length ?? 0;
  return (
    <header className="top">
      <b className="brand">Vivavoce</b>
      <nav aria-label="Console">
        <Link to={{ page: 'interviews' }} isCurrent={ofInterviews.includes(page)}>
          Interviews
        </Link>
        <Link
          to={{ page: 'sessions', interviewId: null }}
          isCurrent={page === 'sessions' || page === 'session'}
        >
          Sessions
          {live > 0 && <span className="badge">{live} live</span>}
        </Link>
      </nav>
      {/* At the end of the row: nothing moves when it comes. */}
      <span className="organisation">{atStart(organisation?.name ?? '')}</span>
      <button type="button" className="plain" onClick={() => router.mayLeave() && props.onLeave()}>
        Sign out
      </button>
    </header>
  );
}
