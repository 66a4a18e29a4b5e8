import { asConnectionError, type Interview, type WebRTCConnectionError } from '@vivavoce/client';
import { type FormEvent, useState } from 'react';
import { Dialog } from '../ui/Dialog.tsx';
import { Trouble } from '../ui/Notice.tsx';

const maxCharacters = 1_000;

/** What helps, and a word to the people who invited. */
export function Help(props: { readonly interview: Interview; readonly onClose: () => void }) {
  const [text, setText] = useState('');
  const [isSent, setIsSent] = useState(false);
  const [error, setError] = useState<WebRTCConnectionError | null>(null);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setError(null);
    try {
      await props.interview.tell({ type: 'accommodation_request', data: { message: text.trim() } });
      setIsSent(true);
    } catch (thrown) {
      setError(asConnectionError(thrown));
    }
  };
  return (
    <Dialog title="Help" onClose={props.onClose}>
      <ul className="points">
        <li>You did not understand: press Repeat, or say “Could you repeat that?”</li>
        <li>You need a moment: press Pause. Time of silence does not count then.</li>
        <li>You cannot or do not want to speak: press Type.</li>
        <li>You hear nothing: check the volume of this device, then load the page again.</li>
      </ul>
      {isSent ? (
        <p role="status">Sent. The people who invited you can read it now. You may go on.</p>
      ) : (
        <form onSubmit={(event) => void send(event)}>
          <label htmlFor="wish">Do you need something else to take part well?</label>
          <textarea
            id="wish"
            rows={3}
            maxLength={maxCharacters}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <p className="hint">
            The people who invited you read this, and the interviewer does not.
          </p>
          {error && <Trouble error={error} />}
          <button type="submit" className="primary" disabled={text.trim() === ''}>
            Send
          </button>
        </form>
      )}
      <button type="button" onClick={props.onClose}>
        Back to the interview
      </button>
    </Dialog>
  );
}
