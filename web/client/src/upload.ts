import type { Edge } from './edge.ts';
import type { asConnectionError } from './errors.ts';
import type { TranscriptEntry } from './generated.ts';
import { persist } from './recovery.ts';
import type { RetryConfig } from './retry.ts';
import type { Session } from './session.ts';
import { eventOf } from './transcript/live.ts';

const maxEventsPerBatch = 500;
const storing: RetryConfig = {
  maxAttempts: 6,
  baseDelay: 500,
  maxDelay: 10_000,
  backoffFactor: 2,
  jitter: true,
};

/**
 * Send entries to the transcript processor, again and again until each is acknowledged after
 * commit. Rejects if it stays out of reach, or refuses us.
 *
 * @param onTrouble Told of each attempt that failed, while there are more to come.
 */
export async function sendPersistently(
  edge: Edge,
  session: Session,
  entries: readonly TranscriptEntry[],
  signal: AbortSignal,
  onTrouble: (error: ReturnType<typeof asConnectionError>) => void = () => {},
): Promise<void> {
  for (let start = 0; start < entries.length; start += maxEventsPerBatch) {
    const batch = entries.slice(start, start + maxEventsPerBatch);
    const events = batch.map((entry) => eventOf(session.id, entry));
    await persist(() => edge.sendTranscript(session.token, events), {
      signal,
      config: storing,
      onRetry: onTrouble,
    });
  }
}
