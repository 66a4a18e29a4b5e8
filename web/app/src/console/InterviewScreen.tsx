import { asConnectionError, type Tagged, type wire } from '@vivavoce/client';
import { useState } from 'react';
import { Confirm } from './Confirm.tsx';
import { useDesk } from './context.ts';
import { type Draft, draftOf, newDraft, wireOf } from './draft.ts';
import { InterviewHead } from './InterviewHead.tsx';
import { Link } from './Link.tsx';
import { PlanForm } from './PlanForm.tsx';
import { Standing } from './Standing.tsx';
import { TwoPlans } from './TwoPlans.tsx';
import { useTitle } from './title.ts';

/** An interview that is not kept yet. */
export function NewInterviewScreen() {
  const { api, feed, router } = useDesk();
  const [draft] = useState(newDraft);
  useTitle('Plan an interview');
  const save = async (wanted: Draft) => {
    const made = await api.ask('createInterview', { body: wireOf(wanted) });
    feed.interviews.refresh();
    router.mayLeave = () => true;
    router.go({ page: 'invitations', id: made.interviewId }, { replace: true });
  };
  return (
    <>
      <p className="trail">
        <Link to={{ page: 'interviews' }}>Interviews</Link>
      </p>
      <h1 tabIndex={-1}>Plan an interview</h1>
      <PlanForm draft={draft} save={save} act="Save and invite" />
    </>
  );
}

/** The plan of an interview, to be read and changed. */
export function InterviewScreen({ id }: { readonly id: string }) {
  const { feed } = useDesk();
  return (
    <Standing live={feed.interview(id)} what="interview">
      {(latest) => <Interview latest={latest} />}
    </Standing>
  );
}

type Kept = Tagged<wire.InterviewView>;

function Interview({ latest }: { readonly latest: Kept }) {
  const { interviewId } = latest.answer;
  const [base, setBase] = useState(latest);
  const [taken, setTaken] = useState(0);
  const [refused, setRefused] = useState<Draft | null>(null);
  const [isDeleting, setIsDeleting] = useState(false);
  const save = useSaving(interviewId, setBase);
  const begin = (from: Kept) => {
    setBase(from);
    setTaken(taken + 1);
    setRefused(null);
  };
  const saveOrAsk = async (draft: Draft) => {
    try {
      await save(draft, base.tag);
    } catch (thrown) {
      if (isConflict(thrown)) setRefused(draft);
      throw thrown;
    }
  };
  return (
    <>
      <InterviewHead interview={latest.answer} current="interview">
        <button type="button" className="danger" onClick={() => setIsDeleting(true)}>
          Delete
        </button>
      </InterviewHead>
      {isNewer(latest, base) && (
        <div className="notice" role="status">
          <p>Somebody has changed this interview meanwhile. When you save, you choose.</p>
          <button type="button" onClick={() => begin(latest)}>
            Load theirs, and drop mine
          </button>
        </div>
      )}
      <PlanForm key={taken} draft={draftOf(base.answer)} save={saveOrAsk} act="Save" />
      {isDeleting && (
        <DeleteInterview interview={base.answer} onClose={() => setIsDeleting(false)} />
      )}
      {refused !== null && (
        <TwoPlans
          mine={refused}
          theirs={latest.answer}
          onTheirs={() => begin(latest)}
          keepMine={async () => begin(await save(refused, latest.tag))}
          onClose={() => setRefused(null)}
        />
      )}
    </>
  );
}

function isNewer(one: Kept, other: Kept): boolean {
  return Date.parse(one.answer.updatedAt) > Date.parse(other.answer.updatedAt);
}

function isConflict(thrown: unknown): boolean {
  return asConnectionError(thrown).code === 'CONFLICT';
}

/** How a plan is saved: over the one that it began from, and no other. Another one is read then. */
function useSaving(interviewId: string, onKept: (kept: Kept) => void) {
  const { api, feed } = useDesk();
  const places = { interviewId };
  const live = feed.interview(interviewId);
  return async (draft: Draft, tag: string | null): Promise<Kept> => {
    const headers = tag === null ? {} : { 'if-match': tag };
    const asked = { places, headers, body: wireOf(draft) };
    try {
      const kept = await api.askForTagged('replaceInterview', asked);
      onKept(kept);
      live.learn(() => kept);
      feed.interviews.refresh();
      return kept;
    } catch (thrown) {
      if (isConflict(thrown)) {
        const latest = await api.askForTagged('showInterview', { places });
        live.learn(() => latest);
      }
      throw thrown;
    }
  };
}

function DeleteInterview(props: {
  readonly interview: wire.InterviewView;
  readonly onClose: () => void;
}) {
  const { api, feed, router } = useDesk();
  const { interviewId, title } = props.interview;
  const run = async () => {
    await api.ask('deleteInterview', { places: { interviewId } });
    feed.interviews.learn(({ rows, nextCursor }) => ({
      rows: rows.filter((row) => row.interviewId !== interviewId),
      nextCursor,
    }));
    router.mayLeave = () => true;
    router.go({ page: 'interviews' }, { replace: true });
  };
  return (
    <Confirm
      title="Delete this interview?"
      act="Delete for ever"
      acting="Deleting…"
      run={run}
      onClose={props.onClose}
    >
      <p>
        “{title}” will be gone with its plan, and its invitations open nothing any more. This cannot
        be undone.
      </p>
      <p className="hint">
        It can be deleted only while no session of it is kept: delete those first.
      </p>
    </Confirm>
  );
}
