/** The time that is left, without pressure: about whole minutes, and no count of seconds. */
export function timeLeft(deadline: Date, now: number): string {
  const seconds = (deadline.getTime() - now) / 1000;
  if (seconds < 60) return 'Less than a minute left';
  const minutes = Math.round(seconds / 60);
  return minutes === 1 ? 'About 1 minute left' : `About ${minutes} minutes left`;
}
