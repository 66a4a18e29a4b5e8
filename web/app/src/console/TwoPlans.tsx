import { asConnectionError, type WebRTCConnectionError, type wire } from '@vivavoce/client';
import { useState } from 'react';
import { Dialog } from '../ui/Dialog.tsx';
import { Refusal } from '../ui/Notice.tsx';
import { moment } from '../ui/words.ts';
import { type Draft, differences, draftOf } from './draft.ts';

/** Somebody else has saved the same plan first: which of the two is kept is asked, once. */
export function TwoPlans(props: {
  readonly mine: Draft;
  readonly theirs: wire.InterviewView;
  readonly onTheirs: () => void;
  readonly keepMine: () => Promise<void>;
  readonly onClose: () => void;
}) {
  const [isSaving, setIsSaving] = useState(false);
  const [error, setError] = useState<WebRTCConnectionError | null>(null);
  const differing = differences(props.mine, draftOf(props.theirs));
  const keep = async () => {
    setIsSaving(true);
    setError(null);
    try {
      await props.keepMine();
    } catch (thrown) {
      setError(asConnectionError(thrown));
      setIsSaving(false);
    }
  };
  return (
    <Dialog title="Somebody saved this interview before you" onClose={props.onClose}>
      <p>
        Theirs was saved on {moment(props.theirs.updatedAt)}. Yours is not saved, and still stands
        in the form.
      </p>
      {differing.length > 0 && <p>They differ in: {differing.join(', ')}.</p>}
      {error && <Refusal error={error} />}
      <div className="row">
        <button type="button" disabled={isSaving} onClick={props.onTheirs}>
          Load theirs, and drop mine
        </button>
        <button type="button" className="danger" disabled={isSaving} onClick={() => void keep()}>
          {isSaving ? 'Saving…' : 'Keep mine, and replace theirs'}
        </button>
        <button type="button" onClick={props.onClose}>
          Back to the form
        </button>
      </div>
    </Dialog>
  );
}
