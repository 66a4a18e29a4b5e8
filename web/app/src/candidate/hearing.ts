/** Above which a level is speech in a quiet room; a breath or a fan stays below. */
export const speechLevel = 0.02;
/** Of speech, in milliseconds, after which somebody was heard. */
export const enoughMs = 700;

/** Of waiting, in milliseconds, after which somebody who was not heard wants advice. */
export const patienceMs = 6_000;

/** How much of a sentence was heard so far. */
export interface Heard {
  readonly level: number;
  readonly spokenMs: number;
  readonly waitedMs: number;
}

export const nothingHeard: Heard = { level: 0, spokenMs: 0, waitedMs: 0 };

/** Take a level that lasted so many milliseconds. */
export function hear({ spokenMs, waitedMs }: Heard, level: number, lastedMs: number): Heard {
  const isSpeech = level >= speechLevel;
  return {
    level,
    spokenMs: isSpeech ? Math.min(enoughMs, spokenMs + lastedMs) : spokenMs,
    waitedMs: Math.min(patienceMs, waitedMs + lastedMs),
  };
}

/** How far a level reaches on a scale of 0 to 1 that ears would call even: -60 dB to 0 dB. */
export function onScale(level: number): number {
  if (level <= 0) return 0;
  return Math.min(1, Math.max(0, 1 + (20 * Math.log10(level)) / 60));
}
