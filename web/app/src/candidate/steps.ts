import type { wire } from '@vivavoce/client';

/** Where a candidate stands. `over`: there is nothing to do here any more. */
export type Step = 'welcome' | 'consent' | 'check' | 'room' | 'over';

/** Where a candidate comes in: back in the room after a reload, else at the beginning. */
export function firstStep(
  { state, consent }: Pick<wire.InvitationWelcome, 'state' | 'consent'>,
  wasInRoom: boolean,
): Step {
  if (state === 'completed') return 'over';
  return wasInRoom && consent.agreedAt !== null ? 'room' : 'welcome';
}

/** What comes after the welcome: whoever agreed to this text is not asked again. */
export function afterWelcome(hasAgreed: boolean): Step {
  return hasAgreed ? 'check' : 'consent';
}

/** The steps before the interview, as they are counted for the candidate. */
export const countedSteps = ['welcome', 'consent', 'check'] as const;
