import type { TranscriptEntry } from '@vivavoce/client';

type Said = Pick<TranscriptEntry, 'speaker' | 'content' | 'truncated' | 'timestamp'>;

/** A candidate's own copy of what was said, for reading. */
export function asText(title: string, entries: readonly Said[]): string {
  const lines = entries
    .filter(({ content }) => content !== '')
    .map(({ speaker, content, truncated }) => {
      const name = speaker === 'ai' ? 'Interviewer' : 'You';
      return `${name}: ${content}${truncated ? '…' : ''}`;
    });
  return [title, '', ...lines.flatMap((line) => [line, ''])].join('\n');
}
