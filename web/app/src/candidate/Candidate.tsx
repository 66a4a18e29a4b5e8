import './candidate.css';
import type { WebRTCConnectionError, wire } from '@vivavoce/client';
import { useEffect, useState } from 'react';
import { Heading } from '../ui/Heading.tsx';
import { Trouble, Waiting } from '../ui/Notice.tsx';
import { dress } from '../ui/theme.ts';
import { Consent } from './Consent.tsx';
import { DeviceCheck } from './DeviceCheck.tsx';
import { Over } from './End.tsx';
import { type Invitation, readLink, useInvitation, wasInRoom } from './invitation.ts';
import { InvitedRoom } from './Room.tsx';
import { afterWelcome, firstStep, type Step } from './steps.ts';
import { Welcome } from './Welcome.tsx';
import { type Choice, keepChoice, keptChoice } from './way.ts';

const link = readLink(location);
const retryMs = 5_000;

/** Everything behind an invitation's link. */
export default function Candidate() {
  const invitation = useInvitation(link);
  const { invited } = invitation;
  if (invited.status === 'loading') return <Waiting>Opening your invitation</Waiting>;
  if (invited.status === 'failed') {
    return <Closed error={invited.error} onAgain={invitation.reload} />;
  }
  return <Steps invitation={invitation} welcome={invited.welcome} />;
}

/** The link opens nothing, or nothing yet: a service that is away is asked again by itself. */
function Closed(props: {
  readonly error: WebRTCConnectionError;
  readonly onAgain: (isQuiet: boolean) => void;
}) {
  const { error, onAgain } = props;
  const mayComeBack = error.code === 'UNAVAILABLE';
  useEffect(() => {
    if (!mayComeBack) return;
    const timer = setInterval(() => onAgain(true), retryMs);
    return () => clearInterval(timer);
  }, [mayComeBack, onAgain]);
  return (
    <main className="page narrow">
      <Heading>Your interview</Heading>
      <Trouble error={error}>
        {mayComeBack && (
          <button type="button" onClick={() => onAgain(false)}>
            Try again
          </button>
        )}
      </Trouble>
      <p className="hint">
        {mayComeBack
          ? 'An interview that has begun goes on from where it was: nothing that you said is lost.'
          : 'Your microphone is off, and nothing was recorded.'}
      </p>
    </main>
  );
}

function Steps(props: {
  readonly invitation: Invitation;
  readonly welcome: wire.InvitationWelcome;
}) {
  const { invitation, welcome } = props;
  const [step, setStep] = useState<Step>(() => firstStep(welcome, wasInRoom(welcome.invitationId)));
  const [hasAgreed, setHasAgreed] = useState(welcome.consent.agreedAt !== null);
  const [choice, setChoice] = useState<Choice>(keptChoice);
  useEffect(() => {
    document.title = `${welcome.title} · Interview`;
    dress(welcome.theme);
  }, [welcome]);
  const agree = async () => {
    await invitation.agree(welcome.consent);
    setHasAgreed(true);
    setStep('check');
  };
  const enter = (chosen: Choice) => {
    keepChoice(chosen);
    setChoice(chosen);
    setStep('room');
  };
  switch (step) {
    case 'welcome':
      return <Welcome welcome={welcome} onNext={() => setStep(afterWelcome(hasAgreed))} />;
    case 'consent':
      return <Consent welcome={welcome} agree={agree} onBack={() => setStep('welcome')} />;
    case 'check':
      return <DeviceCheck token={invitation.token} onNext={enter} />;
    case 'room':
      return <InvitedRoom welcome={welcome} token={invitation.token} choice={choice} />;
    case 'over':
      return <Over welcome={welcome} />;
  }
}
