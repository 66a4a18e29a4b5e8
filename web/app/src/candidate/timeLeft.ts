/** The time that is left, without pressure: whole minutes, and no count of seconds. */
export function timeLeft(deadline: Date, now: number): string {
  const minutes = Math.floor((deadline.getTime() - now) / 60_000);
  if (minutes < 1) return 'Less than a minute left';
  return minutes === 1 ? 'About 1 minute left' : `About ${minutes} minutes left`;
}
