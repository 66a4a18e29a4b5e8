import type { TranscriptEntry } from '@vivavoce/client';

type Said = Pick<TranscriptEntry, 'speaker' | 'content'>;

/** How a question begins that is none by its mark, such as `Tell me about a hard day.` */
const asks =
  /^(?:(?:now|next|then|and|so|finally|please)[, ]+)*(?:tell|describe|explain|walk|talk|think|imagine|give|share|name|take|say|show|suppose|picture)\b/i;

/**
 * The question that stands: the last thing that the interviewer has asked. While it says something
 * else the question before stays, so that nothing jumps.
 */
export function currentQuestion(entries: readonly Said[]): string | null {
  for (const { speaker, content } of [...entries].reverse()) {
    const question = speaker === 'ai' ? lastQuestion(content) : null;
    if (question !== null) return question;
  }
  return null;
}

/** The last sentences in a row that ask: a request and its question belong together. */
function lastQuestion(text: string): string | null {
  const sentences = (text.match(/[^.!?…]+[.!?…]+["'”’)]*/g) ?? []).map((one) => one.trim());
  const isAsking = (sentence: string) => sentence.includes('?') || asks.test(sentence);
  const end = sentences.findLastIndex(isAsking) + 1;
  if (end === 0) return null;
  const begin = sentences.slice(0, end).findLastIndex((sentence) => !isAsking(sentence)) + 1;
  return sentences.slice(begin, end).join(' ');
}
