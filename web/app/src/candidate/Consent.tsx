import { asConnectionError, type WebRTCConnectionError, type wire } from '@vivavoce/client';
import { type FormEvent, useState } from 'react';
import { Heading } from '../ui/Heading.tsx';
import { Trouble } from '../ui/Notice.tsx';
import { StepLine } from './Steps.tsx';

/** What a candidate agrees to; stored before the microphone is opened. */
export function Consent(props: {
  readonly welcome: wire.InvitationWelcome;
  readonly agree: () => Promise<void>;
  readonly onBack: () => void;
}) {
  const { consent } = props.welcome;
  const [agreed, setAgreed] = useState<ReadonlySet<string>>(new Set());
  const [isSending, setIsSending] = useState(false);
  const [error, setError] = useState<WebRTCConnectionError | null>(null);
  const isComplete = consent.statements.every(({ id }) => agreed.has(id));
  const toggle = (id: string) =>
    setAgreed((before) => {
      const after = new Set(before);
      if (!after.delete(id)) after.add(id);
      return after;
    });
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setIsSending(true);
    setError(null);
    try {
      await props.agree();
    } catch (thrown) {
      setError(asConnectionError(thrown));
      setIsSending(false);
    }
  };
  return (
    <main className="page narrow">
      <StepLine current="consent" />
      <Heading>Do you agree?</Heading>
      <p className="lead">The interview can only begin if you agree to all of this.</p>
      <form onSubmit={(event) => void send(event)}>
        <div className="statements">
          {consent.statements.map(({ id, text }) => (
            <label key={id} className="statement">
              <input type="checkbox" checked={agreed.has(id)} onChange={() => toggle(id)} />
              <span>{text}</span>
            </label>
          ))}
        </div>
        {error && <Trouble error={error} />}
        <div className="row">
          <button type="submit" className="primary" disabled={!isComplete || isSending}>
            {isSending ? 'Storing…' : 'I agree'}
          </button>
          <button type="button" onClick={props.onBack}>
            Back
          </button>
        </div>
      </form>
      <p className="hint">
        Version {consent.version} of this text. The time of your agreement is stored with it. If you
        do not agree, close this page: nothing was recorded.
      </p>
    </main>
  );
}
