import type { wire } from '@vivavoce/client';
import { Heading } from '../ui/Heading.tsx';
import { atStart, count, day, inMinutes } from '../ui/words.ts';
import { StepLine } from './Steps.tsx';

/** Who invites, to what, and what happens next. */
export function Welcome(props: {
  readonly welcome: wire.InvitationWelcome;
  readonly onNext: () => void;
}) {
  const { candidateName } = props.welcome;
  return (
    <main className="page narrow">
      <StepLine current="welcome" />
      <Heading>{candidateName ? `Hello ${candidateName}` : 'Hello'}</Heading>
      <WelcomeText {...props} />
    </main>
  );
}

/** The same without its heading, as a recruiter's preview has it too. */
export function WelcomeText(props: {
  readonly welcome: wire.InvitationWelcome;
  readonly onNext: () => void;
}) {
  const { welcome } = props;
  const { organisation, title, role, state } = welcome;
  const goesOn = state === 'in_progress';
  return (
    <>
      <p className="lead">
        {atStart(organisation)} invites you to an interview{role ? ` for the role ${role}` : ''}.
      </p>
      <dl className="facts">
        <div>
          <dt>Interview</dt>
          <dd>{title}</dd>
        </div>
        <div>
          <dt>Length</dt>
          <dd>
            Up to {inMinutes(welcome.maxDuration)}, {count(welcome.questionCount, 'question')}
          </dd>
        </div>
        <div>
          <dt>Link is good until</dt>
          <dd>{day(welcome.expiresAt)}</dd>
        </div>
      </dl>
      <WhatToKnow welcome={welcome} />
      <button type="button" className="primary" onClick={props.onNext}>
        {goesOn ? 'Go back to your interview' : 'Continue'}
      </button>
      <p className="hint">
        {goesOn
          ? 'Your interview has begun. You come back to where you were.'
          : 'Nothing is recorded or sent yet, and your microphone is off.'}
      </p>
    </>
  );
}

function WhatToKnow({ welcome }: { readonly welcome: wire.InvitationWelcome }) {
  const { organisation, retentionDays } = welcome;
  const kept =
    retentionDays === null
      ? `until ${organisation} deletes it`
      : `for ${count(retentionDays, 'day')}`;
  return (
    <ul className="points">
      <li>
        <b>You talk with a machine.</b> It asks by voice, listens, and asks again where it did not
        understand.
      </li>
      <li>
        <b>People read it.</b> What is said is written down. {atStart(organisation)} reads it and
        keeps it {kept}.
      </li>
      <li>
        <b>Your pace.</b> You can pause, have a question repeated, or leave. If the connection is
        lost, open this link again.
      </li>
      <li>
        <b>You may type.</b> Answer in writing at any time, with or without a microphone. If you
        need something else to take part well, ask for it under “Help” in the interview.
      </li>
    </ul>
  );
}
