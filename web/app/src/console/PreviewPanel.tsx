import '../candidate/candidate.css';
import type { wire } from '@vivavoce/client';
import { useState } from 'react';
import { WelcomeText } from '../candidate/Welcome.tsx';

/** What a candidate will see, and what they could read. */
export function PreviewPanel({ shown }: { readonly shown: wire.InterviewPreview | null }) {
  const [tab, setTab] = useState<'sees' | 'reads'>('sees');
  return (
    <aside className="preview" aria-label="Preview">
      <div className="row">
        <button type="button" aria-pressed={tab === 'sees'} onClick={() => setTab('sees')}>
          They see
        </button>
        <button type="button" aria-pressed={tab === 'reads'} onClick={() => setTab('reads')}>
          They could read
        </button>
      </div>
      {shown === null && (
        <p className="empty">A title and a question, and you see here what a candidate will see.</p>
      )}
      {shown !== null && tab === 'sees' && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scroller needs the keyboard
        <section className="paper" aria-label="The first page of an invitation" tabIndex={0}>
          <h2>Hello</h2>
          <fieldset disabled>
            <WelcomeText welcome={shown.welcome} onNext={() => {}} />
          </fieldset>
        </section>
      )}
      {shown !== null && tab === 'reads' && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scroller needs the keyboard
        <section className="paper" aria-label="What goes to the interviewer" tabIndex={0}>
          <p className="hint">
            This goes to the interviewer, and a candidate who knows how can read it. Weights,
            competencies and notes are not in it.
          </p>
          <pre>{shown.instructions}</pre>
        </section>
      )}
    </aside>
  );
}
