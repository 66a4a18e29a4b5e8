import type { wire } from '@vivavoce/client';

/** How something stands: a word, and a tone that is never the only sign. */
export interface Standing {
  readonly word: string;
  readonly tone: 'live' | 'waiting' | 'good' | 'bad' | 'quiet';
}

const sessions: Readonly<Record<string, Standing>> = {
  provisioning: { word: 'Starting', tone: 'waiting' },
  ready: { word: 'Waiting for the candidate', tone: 'waiting' },
  active: { word: 'Live', tone: 'live' },
  reconnecting: { word: 'Reconnecting', tone: 'waiting' },
  ending: { word: 'Ending', tone: 'waiting' },
  ended: { word: 'Ended', tone: 'good' },
  failed: { word: 'Failed', tone: 'bad' },
};

/** How a session stands. */
export function sessionStanding({ status }: Pick<wire.SessionView, 'status'>): Standing {
  return sessions[status] ?? { word: status, tone: 'quiet' };
}

/** Whether somebody is in the interview. */
export function isTalking(status: string): boolean {
  return status === 'active' || status === 'reconnecting';
}

const invitations: Readonly<Record<wire.InvitationView['state'], Standing>> = {
  pending: { word: 'Not opened yet', tone: 'waiting' },
  opened: { word: 'Opened', tone: 'waiting' },
  in_progress: { word: 'In the interview', tone: 'live' },
  completed: { word: 'Held', tone: 'good' },
  expired: { word: 'Expired', tone: 'quiet' },
  revoked: { word: 'Revoked', tone: 'quiet' },
};

/** How an invitation stands. */
export function invitationStanding({ state }: Pick<wire.InvitationView, 'state'>): Standing {
  return invitations[state];
}

const endings: Readonly<Record<string, string>> = {
  completed: 'All questions were asked',
  candidate_left: 'The candidate left',
  max_duration: 'The time was up',
  idle: 'Nobody spoke for a while',
  ended_by_recruiter: 'A recruiter ended it',
  call_lost: 'The connection was lost for too long',
  revoked: 'The invitation was revoked',
};

/** Why a session is over, for a recruiter. */
export function endingOf({ endReason, failure }: wire.SessionView): string | null {
  if (failure) return failure.message;
  return endReason === null ? null : (endings[endReason] ?? endReason);
}

/** What the API keeps of a candidate. */
export interface Candidate {
  readonly name: string | null;
  readonly email: string | null;
  readonly externalId: string | null;
}

/** The candidate of a session, of which the wire says nothing but that it is JSON. */
export function candidateOf({ candidate }: Pick<wire.SessionView, 'candidate'>): Candidate {
  const given = (typeof candidate === 'object' && candidate) || {};
  const text = (name: string) => {
    const value = (given as Record<string, unknown>)[name];
    return typeof value === 'string' && value !== '' ? value : null;
  };
  return { name: text('name'), email: text('email'), externalId: text('externalId') };
}

/** What a candidate is called in a list. */
export function labelOf(candidate: Candidate): string {
  return candidate.name ?? candidate.email ?? candidate.externalId ?? 'No name given';
}
