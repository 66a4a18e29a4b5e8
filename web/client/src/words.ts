import type { DeviceCode } from './errors.ts';
import type { EndReason, ErrorCode } from './generated.ts';

/** What a candidate reads: what happened, and what happens or can be done about it. */
export interface Words {
  readonly title: string;
  readonly advice: string;
}

export type ShownCode = ErrorCode | DeviceCode;

const words: Readonly<Record<ShownCode, Words>> = {
  SDP_EXCHANGE_FAILED: {
    title: 'We could not connect your call',
    advice: 'We try again by ourselves. If it does not work, check your connection and try again.',
  },
  WEBRTC_CONNECTION_FAILED: {
    title: 'The sound connection could not be made',
    advice:
      'We try again with a fresh connection. A company network or a VPN may block calls: another network helps.',
  },
  AUTHENTICATION_FAILED: {
    title: 'Your access has expired',
    advice: 'We renew it by ourselves. If it does not work, open your invitation link again.',
  },
  VM_PROVISIONING_FAILED: {
    title: 'No room is free for your interview at the moment',
    advice: 'We look for one elsewhere. If there is none, try again in a few minutes.',
  },
  TRANSCRIPT_PROCESSING_FAILED: {
    title: 'Transcript temporarily unavailable',
    advice: 'Please go on: the interview continues, and what you say is kept.',
  },
  INVALID_REQUEST: {
    title: 'Something does not fit together',
    advice: 'Load the page again. If it stays, tell the people who invited you.',
  },
  FORBIDDEN: {
    title: 'This interview belongs to somebody else',
    advice: 'Open the link of your own invitation.',
  },
  NOT_FOUND: {
    title: 'There is no such interview',
    advice: 'Check the link of your invitation, or ask for a fresh one.',
  },
  CONFLICT: {
    title: 'Your interview goes on in another window',
    advice: 'Go on there, or close it and try again here.',
  },
  SESSION_ENDED: {
    title: 'This interview is over',
    advice: 'There is nothing left to do. You can close this page.',
  },
  RATE_LIMITED: {
    title: 'That was a little too fast',
    advice: 'We wait a moment and try again.',
  },
  QUOTA_EXCEEDED: {
    title: 'All interview rooms are taken',
    advice: 'We try again in a moment. If it does not work, come back a little later.',
  },
  UNAVAILABLE: {
    title: 'The service does not answer at the moment',
    advice: 'We try again by ourselves. If it does not work, come back a little later.',
  },
  MICROPHONE_DENIED: {
    title: 'We may not use your microphone',
    advice: 'Allow it in the address bar of your browser, then try again.',
  },
  MICROPHONE_MISSING: {
    title: 'We find no microphone',
    advice: 'Plug one in or switch it on, then try again.',
  },
  MICROPHONE_BUSY: {
    title: 'Your microphone does not answer',
    advice: 'Close other programs that use it, then try again.',
  },
};

/** By the reason that a refusal gives; these differ from what the code alone would say. */
const wordsByReason: Readonly<Record<string, Words>> = {
  revoked: {
    title: 'This invitation was taken back',
    advice: 'Ask the people who invited you whether there is another one.',
  },
  expired: {
    title: 'This invitation has expired',
    advice: 'Ask the people who invited you for a fresh link.',
  },
  no_consent: {
    title: 'You have not agreed yet',
    advice: 'Load the page again, read what you agree to, and go on from there.',
  },
  new_text: {
    title: 'The text has changed in the meantime',
    advice: 'Load the page again and read it once more: it is short.',
  },
};

/**
 * The words for an error code, and for its reason where that says more; an unknown code reads like
 * a service that does not answer.
 */
export function wordsFor(code: string, reason?: string): Words {
  if (reason !== undefined && Object.hasOwn(wordsByReason, reason)) {
    return wordsByReason[reason] as Words;
  }
  return Object.hasOwn(words, code) ? words[code as ShownCode] : words.UNAVAILABLE;
}

const endings: Readonly<Record<EndReason, string>> = {
  completed: 'The interview is complete. Thank you.',
  candidate_left: 'You have left the interview.',
  max_duration: 'The time of this interview is over. Thank you.',
  idle: 'The interview has ended because nothing was said for a while.',
  ended_by_recruiter: 'The interview was ended by the people who invited you.',
  call_lost: 'The interview has ended because the connection was lost for too long.',
  revoked: 'Access to this interview was withdrawn.',
};

/** How an interview ended, in a sentence. */
export function wordsForEnding(reason: EndReason | null): string {
  return reason === null ? 'This interview is over.' : endings[reason];
}
