import type { wire } from '@vivavoce/client';
import type { ReactNode } from 'react';
import { clock, moment } from '../ui/words.ts';
import { useDesk, useLive } from './context.ts';
import { eventWords } from './events.ts';
import { isLive } from './feed.ts';
import { Link } from './Link.tsx';
import { isolationWords, machineWords } from './machine.ts';
import { candidateOf, endingOf } from './status.ts';
import { useNow } from './useNow.ts';

/** What is known of a session besides what was said. */
export function Facts(props: {
  readonly session: wire.SessionView;
  readonly entryCount: number | null;
}) {
  const { session } = props;
  const { activeAt, endedAt } = session;
  const now = useNow(isLive(session) && activeAt !== null);
  const ending = endingOf(session);
  const { email, externalId } = candidateOf(session);
  return (
    <aside aria-label="Facts" className="aside">
      <dl>
        {email !== null && <Fact name="E-mail">{email}</Fact>}
        {externalId !== null && <Fact name="Your id">{externalId}</Fact>}
        <InterviewFact interviewId={session.interviewId} />
        <Fact name="Begun">{moment(session.createdAt)}</Fact>
        <Fact name="Length">
          {activeAt === null
            ? 'No call yet'
            : clock((endedAt === null ? now : Date.parse(endedAt)) - Date.parse(activeAt))}
        </Fact>
        {ending !== null && <Fact name="Ending">{ending}</Fact>}
        <Fact name="Transcript">{completeness(session, props.entryCount)}</Fact>
        <ConsentFact invitationId={session.invitationId} />
      </dl>
      <Happenings sessionId={session.sessionId} />
      <dl>
        <Fact name="Way">
          {session.architecture === 'direct'
            ? 'Direct: browser to voice model; the browser tells what was said'
            : 'Hybrid: browser to voice model; a machine of its own writes down'}
        </Fact>
        <MachineFacts session={session} />
        <Fact name="Session">
          <code>{session.sessionId}</code>
        </Fact>
      </dl>
    </aside>
  );
}

function Fact(props: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function completeness(session: wire.SessionView, entryCount: number | null): string {
  const entries = entryCount === null ? '' : ` · ${entryCount} entries`;
  if (session.transcriptComplete === null) {
    return (isLive(session) ? 'Being written' : 'None') + entries;
  }
  return (session.transcriptComplete ? 'Complete' : 'May lack entries') + entries;
}

function InterviewFact({ interviewId }: { readonly interviewId: string | null }) {
  const { feed } = useDesk();
  const interviews = useLive(feed.interviews).value?.rows ?? [];
  if (interviewId === null) return <Fact name="Interview">Without a plan</Fact>;
  const title = interviews.find((one) => one.interviewId === interviewId)?.title;
  return (
    <Fact name="Interview">
      <Link to={{ page: 'interview', id: interviewId }}>{title ?? 'Show the plan'}</Link>
    </Fact>
  );
}

function ConsentFact({ invitationId }: { readonly invitationId: string | null }) {
  if (invitationId === null) {
    return <Fact name="Consent">Not asked: a recruiter started it</Fact>;
  }
  return <InvitedConsent invitationId={invitationId} />;
}

function InvitedConsent({ invitationId }: { readonly invitationId: string }) {
  const { feed } = useDesk();
  const { value, error } = useLive(feed.invitation(invitationId));
  if (value === null) {
    return <Fact name="Consent">{error === null ? 'Loading' : 'Cannot be shown'}</Fact>;
  }
  return (
    <Fact name="Consent">
      {value.consent === null
        ? 'Not given'
        : `Version ${value.consent.version}, ${moment(value.consent.agreedAt)}`}
    </Fact>
  );
}

function MachineFacts({ session }: { readonly session: wire.SessionView }) {
  const { feed } = useDesk();
  const machines = useLive(feed.machines(session.sessionId)).value?.machines ?? [];
  if (session.architecture === 'direct') return <Fact name="Machine">None</Fact>;
  return (
    <>
      <Fact name="Isolation">{isolationWords(session.machine?.isolation ?? null)}</Fact>
      {machines.map((machine, index) => (
        <Fact
          key={machine.machineId}
          name={machines.length === 1 ? 'Machine' : `Machine ${index + 1}`}
        >
          {machineWords(machine)}
        </Fact>
      ))}
    </>
  );
}

function Happenings({ sessionId }: { readonly sessionId: string }) {
  const { feed } = useDesk();
  const { value } = useLive(feed.events(sessionId));
  if (value === null || value.events.length === 0) return null;
  return (
    <div>
      <h2>What happened</h2>
      <ol className="happenings">
        {value.events.map((event) => (
          <li key={event.seq} data-type={event.type}>
            <time dateTime={event.createdAt}>{moment(event.createdAt)}</time>
            <span>{eventWords(event)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
