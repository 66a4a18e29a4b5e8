import { asConnectionError, type WebRTCConnectionError, type wire } from '@vivavoce/client';
import { type FormEvent, useRef, useState } from 'react';
import { Dialog } from '../ui/Dialog.tsx';
import { Refusal } from '../ui/Notice.tsx';
import { day } from '../ui/words.ts';
import { useDesk } from './context.ts';
import { Field } from './Field.tsx';

const secondsOfDay = 86_400;

/** Invite one candidate; the link is shown once. */
export function Invite(props: {
  readonly interview: wire.InterviewView;
  readonly onClose: () => void;
}) {
  const [made, setMade] = useState<wire.InvitationCreated | null>(null);
  return (
    <Dialog title={made ? 'The link is ready' : 'Invite somebody'} onClose={props.onClose}>
      {made ? (
        <Made made={made} onClose={props.onClose} />
      ) : (
        <Asked interview={props.interview} onMade={setMade} onClose={props.onClose} />
      )}
    </Dialog>
  );
}

const empty = { name: '', email: '', externalId: '', days: '14', uses: '1' };

function Asked(props: {
  readonly interview: wire.InterviewView;
  readonly onMade: (made: wire.InvitationCreated) => void;
  readonly onClose: () => void;
}) {
  const { api, feed } = useDesk();
  const { interviewId } = props.interview;
  const [asked, setAsked] = useState(empty);
  const [isSending, setIsSending] = useState(false);
  const [error, setError] = useState<WebRTCConnectionError | null>(null);
  const set = (change: Partial<typeof empty>) => setAsked((before) => ({ ...before, ...change }));
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setIsSending(true);
    setError(null);
    try {
      const asking = { places: { interviewId }, body: requestOf(asked) };
      const made = await api.ask('createInvitation', asking);
      feed.invitations(interviewId).refresh();
      props.onMade(made);
    } catch (thrown) {
      setError(asConnectionError(thrown));
      setIsSending(false);
    }
  };
  return (
    <form onSubmit={(event) => void send(event)}>
      <p className="hint">Say as much of the candidate as you need to know them by.</p>
      <Field label="Name" hint="The candidate is greeted by it.">
        {(input) => (
          <input
            {...input}
            maxLength={200}
            value={asked.name}
            onChange={({ target }) => set({ name: target.value })}
          />
        )}
      </Field>
      <Field label="E-mail" hint="For you; nothing is sent there.">
        {(input) => (
          <input
            {...input}
            type="email"
            maxLength={320}
            value={asked.email}
            onChange={({ target }) => set({ email: target.value })}
          />
        )}
      </Field>
      <Field label="Your own id" hint="Such as of your applicant system.">
        {(input) => (
          <input
            {...input}
            maxLength={200}
            value={asked.externalId}
            onChange={({ target }) => set({ externalId: target.value })}
          />
        )}
      </Field>
      <div className="group">
        <Field label="Good for days">
          {(input) => (
            <input
              {...input}
              type="number"
              min={1}
              max={366}
              required
              value={asked.days}
              onChange={({ target }) => set({ days: target.value })}
            />
          )}
        </Field>
        <Field label="Interviews it may hold">
          {(input) => (
            <input
              {...input}
              type="number"
              min={1}
              max={20}
              required
              value={asked.uses}
              onChange={({ target }) => set({ uses: target.value })}
            />
          )}
        </Field>
      </div>
      {error && <Refusal error={error} />}
      <div className="row">
        <button type="submit" className="primary" disabled={isSending}>
          {isSending ? 'Making the link…' : 'Make the link'}
        </button>
        <button type="button" onClick={props.onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function requestOf(asked: typeof empty): wire.InvitationRequest {
  const orNull = (text: string) => text.trim() || null;
  const candidate = {
    name: orNull(asked.name),
    email: orNull(asked.email),
    externalId: orNull(asked.externalId),
  };
  const isNamed = Object.values(candidate).some((one) => one !== null);
  return {
    candidate: isNamed ? candidate : null,
    expiresIn: Math.round(Number(asked.days) * secondsOfDay),
    maxUses: Number(asked.uses),
  };
}

function Made(props: { readonly made: wire.InvitationCreated; readonly onClose: () => void }) {
  const { url, invitation } = props.made;
  const field = useRef<HTMLInputElement>(null);
  const [copied, setCopied] = useState<'no' | 'yes' | 'by_hand'>('no');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(url);
      setCopied('yes');
    } catch {
      // No leave, or a page without TLS: the person can still do it.
      field.current?.select();
      setCopied('by_hand');
    }
  };
  return (
    <>
      <p>
        This is the only time that you see it: send it to the candidate before you close. It is good
        until {day(invitation.expiresAt)}.
      </p>
      <Field label="Link for the candidate">
        {(input) => (
          <input
            {...input}
            ref={field}
            readOnly
            value={url}
            onFocus={({ target }) => target.select()}
          />
        )}
      </Field>
      <p className="hint" role="status">
        {copied === 'yes' && 'Copied.'}
        {copied === 'by_hand' && 'Your browser lets us not copy. It is selected: copy it by hand.'}
      </p>
      <div className="row">
        <button type="button" className="primary" onClick={() => void copy()}>
          Copy the link
        </button>
        <button type="button" onClick={props.onClose}>
          Close
        </button>
      </div>
    </>
  );
}
