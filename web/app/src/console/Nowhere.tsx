import { Link } from './Link.tsx';
import { useTitle } from './title.ts';

/** An address that leads nowhere, or to something that is not this recruiter's. */
export function Nowhere({ what = 'page' }: { readonly what?: string }) {
  useTitle('Not found');
  return (
    <>
      <h1 tabIndex={-1}>There is no such {what}</h1>
      <p className="lead">
        It was deleted, it belongs to another organisation, or the address is not whole.
      </p>
      <p className="row">
        <Link to={{ page: 'interviews' }} className="button">
          To the interviews
        </Link>
        <Link to={{ page: 'sessions', interviewId: null }} className="button">
          To the sessions
        </Link>
      </p>
    </>
  );
}
