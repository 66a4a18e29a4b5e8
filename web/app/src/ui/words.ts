/** A length of time in words, such as `30 minutes`. */
export function inMinutes(seconds: number): string {
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}

/** A count with its noun, such as `3 questions`. */
export function count(number: number, noun: string): string {
  return number === 1 ? `1 ${noun}` : `${number} ${noun}s`;
}

const moments = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

/** A moment in the reader's own time zone. */
export function moment(instant: string): string {
  return moments.format(new Date(instant));
}

const days = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long' });

/** A day in the reader's own time zone. */
export function day(instant: string): string {
  return days.format(new Date(instant));
}

/** Time on a clock that starts with something, such as `3:07`. */
export function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** A name or a phrase at the beginning of a sentence. */
export function atStart(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
