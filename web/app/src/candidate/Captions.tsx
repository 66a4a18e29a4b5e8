import type { TranscriptEntry } from '@vivavoce/client';
import { useEffect, useRef } from 'react';

const nearPx = 80;

/** What both sides say, as they say it. It follows what is said unless somebody reads further up. */
export function Captions({ entries }: { readonly entries: readonly TranscriptEntry[] }) {
  const log = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever something was said
  useEffect(() => {
    if (follows.current) log.current?.scrollTo({ top: log.current.scrollHeight });
  }, [entries]);
  const note = () => {
    const shown = log.current;
    if (shown === null) return;
    follows.current = shown.scrollHeight - shown.scrollTop - shown.clientHeight < nearPx;
  };
  return (
    <section
      className="captions"
      role="log"
      aria-live="polite"
      aria-label="Captions"
      ref={log}
      onScroll={note}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
      tabIndex={0}
    >
      {entries.length === 0 && <p className="hint">What you both say is written here.</p>}
      <ol className="lines">
        {entries.map(({ itemId, speaker, content, final, truncated }) => (
          <li key={itemId} data-speaker={speaker} data-final={final}>
            <b>{speaker === 'ai' ? 'Interviewer' : 'You'}</b>{' '}
            <span>
              {content}
              {truncated && '…'}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
