import { type Ending, type TranscriptEntry, type wire, wordsForEnding } from '@vivavoce/client';
import { download } from '../ui/download.ts';
import { Heading } from '../ui/Heading.tsx';
import { atStart } from '../ui/words.ts';
import { asText } from './written.ts';

/** The interview has just ended: thanks, what happens next, and one's own transcript. */
export function End(props: {
  readonly welcome: wire.InvitationWelcome;
  readonly ending: Ending;
  readonly entries: readonly TranscriptEntry[];
}) {
  const { welcome, ending, entries } = props;
  const { organisation, title } = welcome;
  return (
    <main className="page narrow">
      <Heading>{ending.reason === 'completed' ? 'Thank you' : 'Your interview is over'}</Heading>
      <p className="lead" role="status">
        {wordsForEnding(ending.reason)}
      </p>
      <p>
        {atStart(organisation)} reads what was said and gets in touch with you. There is nothing
        left to do here.
      </p>
      {ending.transcriptComplete === false && (
        <p className="notice" role="status">
          Not everything has reached us yet. Leave this page open for a moment.
        </p>
      )}
      {entries.length > 0 && (
        <>
          <div className="row">
            <button
              type="button"
              className="primary"
              onClick={() => download('interview.txt', asText(title, entries))}
            >
              Download what was said
            </button>
          </div>
          <p className="hint">
            This copy is for you. It is only in this page: save it before you close it.
          </p>
          <h2>What was said</h2>
          <ol className="lines">
            {entries.map(({ itemId, speaker, content, truncated }) => (
              <li key={itemId} data-speaker={speaker}>
                <b>{speaker === 'ai' ? 'Interviewer' : 'You'}</b>{' '}
                <span>
                  {content}
                  {truncated && '…'}
                </span>
              </li>
            ))}
          </ol>
        </>
      )}
    </main>
  );
}

/** The link of an interview that was held. */
export function Over({ welcome }: { readonly welcome: wire.InvitationWelcome }) {
  return (
    <main className="page narrow">
      <Heading>This interview is over</Heading>
      <p className="lead">
        {atStart(welcome.organisation)} has what was said in “{welcome.title}” and gets in touch
        with you.
      </p>
      <p>
        There is nothing left to do. If you think this is a mistake, write to the people who invited
        you.
      </p>
    </main>
  );
}
