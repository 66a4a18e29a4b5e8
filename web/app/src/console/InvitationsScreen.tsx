import type { wire } from '@vivavoce/client';
import { useState } from 'react';
import { moment } from '../ui/words.ts';
import { Chip } from './Chip.tsx';
import { Confirm } from './Confirm.tsx';
import { useDesk } from './context.ts';
import type { Rows } from './feed.ts';
import { InterviewHead } from './InterviewHead.tsx';
import { Invite } from './Invite.tsx';
import { Link } from './Link.tsx';
import { Older } from './Older.tsx';
import { Standing } from './Standing.tsx';
import { candidateOf, invitationStanding, labelOf } from './status.ts';
import { type ShownColumn, Table } from './Table.tsx';

/** Who was invited to an interview, and how far they are. */
export function InvitationsScreen({ id }: { readonly id: string }) {
  const { feed } = useDesk();
  return (
    <Standing live={feed.interview(id)} what="interview">
      {({ answer }) => <Invitations interview={answer} />}
    </Standing>
  );
}

function Invitations({ interview }: { readonly interview: wire.InterviewView }) {
  const { feed } = useDesk();
  const [isInviting, setIsInviting] = useState(false);
  const invitations = feed.invitations(interview.interviewId);
  return (
    <>
      <InterviewHead interview={interview} current="invitations">
        <button type="button" className="primary" onClick={() => setIsInviting(true)}>
          Invite somebody
        </button>
      </InterviewHead>
      <Standing live={invitations} what="list">
        {(seen) => <List seen={seen} readOlder={invitations.readOlder} />}
      </Standing>
      {isInviting && <Invite interview={interview} onClose={() => setIsInviting(false)} />}
    </>
  );
}

function List(props: {
  readonly seen: Rows<wire.InvitationView>;
  readonly readOlder: () => Promise<void>;
}) {
  const { rows, nextCursor } = props.seen;
  const [revoking, setRevoking] = useState<wire.InvitationView | null>(null);
  if (rows.length === 0) {
    return (
      <div className="empty">
        <h2>Nobody is invited yet</h2>
        <p>An invitation is a link for one candidate. It opens the interview in their browser.</p>
      </div>
    );
  }
  return (
    <>
      <Table
        caption="Invitations"
        columns={columnsOf(setRevoking)}
        rows={rows}
        idOf={({ invitationId }) => invitationId}
        initially={{ key: 'made', isDescending: true }}
      />
      <Older isThere={nextCursor !== null} read={props.readOlder} />
      {revoking && <Revoke invitation={revoking} onClose={() => setRevoking(null)} />}
    </>
  );
}

const isOpen = ({ state }: wire.InvitationView) =>
  state === 'pending' || state === 'opened' || state === 'in_progress';

function columnsOf(
  revoke: (invitation: wire.InvitationView) => void,
): readonly ShownColumn<wire.InvitationView>[] {
  return [
    {
      key: 'candidate',
      title: 'Candidate',
      sortBy: (row) => labelOf(candidateOf(row)),
      show: (row) => <Invited invitation={row} />,
    },
    {
      key: 'state',
      title: 'State',
      sortBy: (row) => invitationStanding(row).word,
      show: (row) => <Chip standing={invitationStanding(row)} />,
    },
    {
      key: 'uses',
      title: 'Used',
      sortBy: ({ uses }) => uses,
      show: ({ uses, maxUses }) => `${uses} of ${maxUses}`,
      isSpare: true,
    },
    {
      key: 'made',
      title: 'Made',
      sortBy: ({ createdAt }) => Date.parse(createdAt),
      show: ({ createdAt }) => <time dateTime={createdAt}>{moment(createdAt)}</time>,
      isSpare: true,
    },
    {
      key: 'expires',
      title: 'Good until',
      sortBy: ({ expiresAt }) => Date.parse(expiresAt),
      show: ({ expiresAt }) => <time dateTime={expiresAt}>{moment(expiresAt)}</time>,
      isSpare: true,
    },
    {
      key: 'consent',
      title: 'Consent',
      sortBy: ({ consent }) => (consent ? Date.parse(consent.agreedAt) : 0),
      show: ({ consent }) => (consent ? moment(consent.agreedAt) : '–'),
      isSpare: true,
    },
    {
      key: 'acts',
      title: 'Acts',
      show: (row) =>
        isOpen(row) && (
          <button type="button" onClick={() => revoke(row)}>
            Revoke<span className="hidden"> the invitation of {labelOf(candidateOf(row))}</span>
          </button>
        ),
    },
  ];
}

function Invited({ invitation }: { readonly invitation: wire.InvitationView }) {
  const candidate = candidateOf(invitation);
  const { sessionId } = invitation;
  return (
    <>
      {sessionId === null ? (
        <b>{labelOf(candidate)}</b>
      ) : (
        <Link to={{ page: 'session', id: sessionId }}>{labelOf(candidate)}</Link>
      )}
      {candidate.name !== null && candidate.email !== null && (
        <small className="second">{candidate.email}</small>
      )}
    </>
  );
}

function Revoke(props: { readonly invitation: wire.InvitationView; readonly onClose: () => void }) {
  const { api, feed } = useDesk();
  const { invitationId, interviewId, state, uses } = props.invitation;
  const run = async () => {
    const revoked = await api.ask('revokeInvitation', { places: { invitationId } });
    feed.invitations(interviewId).learn(({ rows, nextCursor }) => ({
      rows: rows.map((row) => (row.invitationId === invitationId ? revoked : row)),
      nextCursor,
    }));
    props.onClose();
  };
  return (
    <Confirm
      title={`Revoke the invitation of ${labelOf(candidateOf(props.invitation))}?`}
      act="Revoke the invitation"
      acting="Revoking…"
      run={run}
      onClose={props.onClose}
    >
      <p>
        The link opens nothing any more, and cannot be brought back.
        {state === 'in_progress' && ' The interview that goes on with it ends at once.'}
        {uses > 0 && ' What was said so far stays.'}
      </p>
    </Confirm>
  );
}
