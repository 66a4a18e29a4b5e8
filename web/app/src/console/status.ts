import type { wire } from '@vivavoce/client';

/** How something stands: a word, and a tone that is never the only sign. */
export interface Standing {
  readonly word: string;
  readonly tone: 'live' | 'waiting' | 'good' | 'bad' | 'quiet';
}

const toned =
  (tone: Standing['tone']) =>
  (word: string): Standing => ({ word, tone });
const live = toned('live');
const waiting = toned('waiting');
const good = toned('good');
const bad = toned('bad');
const quiet = toned('quiet');

const sessions: Readonly<Record<string, Standing>> = {
  provisioning: waiting('Starting'),
  ready: waiting('Waiting for the candidate'),
  active: live('Live'),
  reconnecting: waiting('Reconnecting'),
  ending: waiting('Ending'),
  ended: good('Ended'),
  failed: bad('Failed'),
};

/** How a session stands. */
export function sessionStanding({ status }: Pick<wire.SessionView, 'status'>): Standing {
  return sessions[status] ?? quiet(status);
}

/** Whether somebody is in the interview. */
export function isTalking(status: string): boolean {
  return status === 'active' || status === 'reconnecting';
}

const invitations: Readonly<Record<wire.InvitationView['state'], Standing>> = {
  pending: waiting('Not opened yet'),
  opened: waiting('Opened'),
  in_progress: live('In the interview'),
  completed: good('Held'),
  expired: quiet('Expired'),
  revoked: quiet('Revoked'),
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
