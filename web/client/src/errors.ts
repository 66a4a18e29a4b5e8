import { type ErrorCode, errorRecoveryMap, type Recovery, retryableCodes } from './generated.ts';

/** What the browser itself can refuse; these codes never stand on a wire. */
export type DeviceCode = 'MICROPHONE_DENIED' | 'MICROPHONE_MISSING' | 'MICROPHONE_BUSY';

/** Further facts about an error, all safe to show. */
export interface ErrorDetails {
  /** Milliseconds after which a retry makes sense. */
  readonly retryAfter?: number;
  /** Regions in which no machine could be had. */
  readonly triedRegions?: readonly string[];
  /** Which one of several, where a code has different words for each, such as `expired`. */
  readonly reason?: string;
  /** By which the operator finds the request in the logs. */
  readonly requestId?: string;
}

/**
 * What goes wrong with an interview, by a stable code.
 *
 * The message says what happened and what to do next, and never holds a token or what was said.
 */
export class WebRTCConnectionError extends Error {
  /** A stable name, such as `SDP_EXCHANGE_FAILED`. */
  readonly code: string;
  /** Whether trying again makes sense. */
  readonly retryable: boolean;
  readonly details: ErrorDetails;

  constructor(message: string, code: string, retryable = false, details: ErrorDetails = {}) {
    super(message);
    this.name = 'WebRTCConnectionError';
    this.code = code;
    this.retryable = retryable;
    this.details = details;
  }

  /** What a client does about it by itself. */
  get recovery(): Recovery {
    return isErrorCode(this.code) ? errorRecoveryMap[this.code] : 'none';
  }
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorRecoveryMap, code);
}

/** Whether trying the same again, by oneself, may help. */
export function isRetriableError(error: unknown): boolean {
  return error instanceof WebRTCConnectionError && error.retryable;
}

/** The error for a code of ours; one that came over a wire and is not known is `UNAVAILABLE`. */
export function errorOf(
  code: string,
  message: string,
  details: ErrorDetails = {},
): WebRTCConnectionError {
  const known: ErrorCode = isErrorCode(code) ? code : 'UNAVAILABLE';
  return new WebRTCConnectionError(message, known, retryableCodes.includes(known), details);
}

/** Whatever was thrown, as an error of ours. */
export function asConnectionError(error: unknown): WebRTCConnectionError {
  if (error instanceof WebRTCConnectionError) return error;
  const name = error instanceof Error ? error.name : typeof error;
  return errorOf('UNAVAILABLE', `Something went wrong in this page (${name}); load it again.`);
}
