import './candidate.css';
import type { wire } from '@vivavoce/client';
import { useEffect, useState } from 'react';
import { Trouble, Waiting } from '../ui/Notice.tsx';
import { Consent } from './Consent.tsx';
import { DeviceCheck, type Way } from './DeviceCheck.tsx';
import { Over } from './End.tsx';
import { type Invitation, readLink, useInvitation, wasInRoom } from './invitation.ts';
import { InvitedRoom } from './Room.tsx';
import { afterWelcome, firstStep, type Step } from './steps.ts';
import { Welcome } from './Welcome.tsx';

const link = readLink(location);
const wayKey = 'vivavoce-way';

/** Everything behind an invitation's link. */
export default function Candidate() {
  const invitation = useInvitation(link);
  const { invited, reload } = invitation;
  if (invited.status === 'loading') return <Waiting>Opening your invitation</Waiting>;
  if (invited.status === 'failed') {
    return (
      <main className="page narrow">
        <h1>Your interview</h1>
        <Trouble error={invited.error}>
          <button type="button" onClick={reload}>
            Try again
          </button>
        </Trouble>
      </main>
    );
  }
  return <Steps invitation={invitation} welcome={invited.welcome} />;
}

function Steps(props: {
  readonly invitation: Invitation;
  readonly welcome: wire.InvitationWelcome;
}) {
  const { invitation, welcome } = props;
  const [step, setStep] = useState<Step>(() => firstStep(welcome, wasInRoom(welcome.invitationId)));
  const [hasAgreed, setHasAgreed] = useState(welcome.consent.agreedAt !== null);
  useEffect(() => {
    document.title = `${welcome.title} · ${welcome.organisation}`;
  }, [welcome]);
  useEffect(() => {
    if (step !== 'welcome') document.querySelector('h1')?.focus();
  }, [step]);
  const agree = async () => {
    await invitation.agree(welcome.consent);
    setHasAgreed(true);
    setStep('check');
  };
  const enter = (way: Way) => {
    sessionStorage.setItem(wayKey, way);
    setStep('room');
  };
  switch (step) {
    case 'welcome':
      return <Welcome welcome={welcome} onNext={() => setStep(afterWelcome(hasAgreed))} />;
    case 'consent':
      return <Consent welcome={welcome} agree={agree} onBack={() => setStep('welcome')} />;
    case 'check':
      return <DeviceCheck token={invitation.token} onNext={enter} />;
    case 'room': {
      const way = sessionStorage.getItem(wayKey) === 'typing' ? 'typing' : 'speaking';
      return <InvitedRoom welcome={welcome} token={invitation.token} way={way} />;
    }
    case 'over':
      return <Over welcome={welcome} />;
  }
}
