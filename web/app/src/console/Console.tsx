import './console.css';
import './plan.css';
import './session.css';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Refusal, Waiting } from '../ui/Notice.tsx';
import {
  type Access,
  type Entry,
  enter,
  keepAccess,
  leave,
  type Outside as Why,
} from './access.ts';
import { Api } from './api.ts';
import { DeskContext } from './context.ts';
import { openFeed } from './feed.ts';
import { Outside } from './Outside.tsx';
import { Router } from './router.ts';
import { Screens } from './Screens.tsx';

/** The recruiter's console: the door, and everything behind it. */
export default function Console() {
  const [entry, setEntry] = useState<Entry>({ status: 'entering' });
  const [tries, setTries] = useState(0);
  const entering = useRef<{ readonly tries: number; readonly entered: Promise<Entry> }>(null);
  useEffect(() => {
    let isHere = true;
    setEntry({ status: 'entering' });
    // A link is good for one use: it is used once however often this page is set up.
    if (entering.current?.tries !== tries) {
      const entered = enter({ location, history, storage: sessionStorage });
      entering.current = { tries, entered };
    }
    void entering.current.entered.then((entered) => {
      if (isHere) setEntry(entered);
    });
    return () => {
      isHere = false;
    };
  }, [tries]);
  switch (entry.status) {
    case 'entering':
      return <Waiting>Opening the console</Waiting>;
    case 'outside':
      return <Outside why={entry.why} />;
    case 'failed':
      return (
        <main className="page narrow">
          <h1>The console cannot be opened at the moment</h1>
          <Refusal error={entry.error} />
          <p>Your link is not used up. Try again in a moment.</p>
          <button type="button" className="primary" onClick={() => setTries(tries + 1)}>
            Try again
          </button>
        </main>
      );
    case 'inside':
      return (
        <Inside
          access={entry.access}
          onLeave={(why) => {
            keepAccess(sessionStorage, null);
            setEntry({ status: 'outside', why });
          }}
        />
      );
  }
}

function Inside(props: { readonly access: Access; readonly onLeave: (why: Why) => void }) {
  const { access, onLeave } = props;
  const [isRefused, setIsRefused] = useState(false);
  const [isLeaving, setIsLeaving] = useState(false);
  const desk = useMemo(() => {
    const api = new Api(location.origin, access.accessToken, () => setIsRefused(true));
    return { api, feed: openFeed(api), router: new Router() };
  }, [access]);
  useEffect(() => desk.router.follow(), [desk]);
  useEffect(() => {
    // What was asked before somebody left is refused after it: that is no surprise.
    if (isRefused && !isLeaving) onLeave('expired');
  }, [isRefused, isLeaving, onLeave]);
  const signOut = () => {
    setIsLeaving(true);
    void leave({ location, storage: sessionStorage }, access).then(onLeave);
  };
  if (isLeaving) return <Waiting>Signing out</Waiting>;
  return (
    <DeskContext value={desk}>
      <Screens onLeave={signOut} />
    </DeskContext>
  );
}
