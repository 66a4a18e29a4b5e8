import type { TranscriptEntry } from '@vivavoce/client';

type Said = Pick<TranscriptEntry, 'speaker' | 'content'>;

/**
 * The question that stands: the last one that the interviewer has asked. While it says something
 * else the question before stays, so that nothing jumps.
 */
export function currentQuestion(entries: readonly Said[]): string | null {
  for (const { speaker, content } of [...entries].reverse()) {
    const question = speaker === 'ai' ? lastQuestion(content) : null;
    if (question !== null) return question;
  }
  return null;
}

function lastQuestion(text: string): string | null {
  const sentences = text.match(/[^.!?…]+[.!?…]+["'”’)]*/g) ?? [];
  return sentences.findLast((sentence) => sentence.includes('?'))?.trim() ?? null;
}
