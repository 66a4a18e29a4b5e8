import type { wire } from '@vivavoce/client';
import type { ReactNode } from 'react';
import { Link } from './Link.tsx';
import { useTitle } from './title.ts';

/** What stands above every screen of one interview. */
export function InterviewHead(props: {
  readonly interview: wire.InterviewView;
  readonly current: 'interview' | 'invitations';
  readonly children?: ReactNode;
}) {
  const { interviewId: id, title } = props.interview;
  useTitle(title);
  return (
    <>
      <p className="trail">
        <Link to={{ page: 'interviews' }}>Interviews</Link>
      </p>
      <div className="head">
        <h1 tabIndex={-1}>{title}</h1>
        <div className="row acts">{props.children}</div>
      </div>
      <nav className="tabs" aria-label="This interview">
        <Link to={{ page: 'invitations', id }} isCurrent={props.current === 'invitations'}>
          Invitations
        </Link>
        <Link to={{ page: 'interview', id }} isCurrent={props.current === 'interview'}>
          Plan
        </Link>
        <Link to={{ page: 'sessions', interviewId: id }}>Sessions</Link>
      </nav>
    </>
  );
}
