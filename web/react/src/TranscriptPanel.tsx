import type { Speaker } from '@vivavoce/client';
import { useTranscript } from './providers.tsx';

const names: Readonly<Record<Speaker, string>> = { ai: 'Interviewer', candidate: 'You' };

/** What was said so far, as it is said. A screen reader speaks what is added. */
export function TranscriptPanel(props: { readonly names?: Readonly<Record<Speaker, string>> }) {
  const { transcript, isCached, warning } = useTranscript();
  const shown = props.names ?? names;
  return (
    <section className="viva-transcript" aria-label="Transcript">
      {warning && (
        <p role="status" className="viva-warning">
          <strong>{warning.title}</strong> {warning.advice}
        </p>
      )}
      {isCached && (
        <p role="status" className="viva-cached">
          This is what was said before the connection was lost.
        </p>
      )}
      <div role="log" aria-live="polite">
        <ol>
          {transcript.map(({ itemId, speaker, content, final, truncated }) => (
            <li key={itemId} data-speaker={speaker} data-final={final}>
              <b>{shown[speaker]}</b>{' '}
              <span>
                {content}
                {truncated && '…'}
              </span>
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}
