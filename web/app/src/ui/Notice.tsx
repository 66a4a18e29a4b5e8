import { type WebRTCConnectionError, type Words, wordsFor } from '@vivavoce/client';
import type { ReactNode } from 'react';

/** Something is on its way. */
export function Waiting(props: { readonly children: ReactNode }) {
  return (
    <p className="waiting" role="status">
      <span className="spinner" aria-hidden="true" />
      {props.children}…
    </p>
  );
}

/** What went wrong, what to do about it, and the code for support beneath. */
export function Trouble(props: {
  readonly error: WebRTCConnectionError;
  /** In the place of the words that the error's code has everywhere. */
  readonly words?: Words;
  readonly children?: ReactNode;
}) {
  const { code, details } = props.error;
  const { title, advice } = props.words ?? wordsFor(code, details.reason);
  return (
    <div className="notice bad" role="alert">
      <strong>{title}</strong>
      <p>{advice}</p>
      {props.children}
      <Code error={props.error} />
    </div>
  );
}

/** The same in the words of the service itself, for people who run it. */
export function Refusal(props: { readonly error: WebRTCConnectionError }) {
  return (
    <div className="notice bad" role="alert">
      <p>{props.error.message}</p>
      <Code error={props.error} />
    </div>
  );
}

function Code({ error }: { readonly error: WebRTCConnectionError }) {
  const { requestId } = error.details;
  return <small className="code">{requestId ? `${error.code} · ${requestId}` : error.code}</small>;
}
