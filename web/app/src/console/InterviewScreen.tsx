import type { wire } from '@vivavoce/client';
import { useState } from 'react';
import { Confirm } from './Confirm.tsx';
import { useDesk } from './context.ts';
import { type Draft, draftOf, newDraft, wireOf } from './draft.ts';
import { InterviewHead } from './InterviewHead.tsx';
import { Link } from './Link.tsx';
import { PlanForm } from './PlanForm.tsx';
import { Standing } from './Standing.tsx';
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
      {(interview) => <Interview interview={interview} />}
    </Standing>
  );
}

function Interview({ interview }: { readonly interview: wire.InterviewView }) {
  const { api, feed } = useDesk();
  const { interviewId } = interview;
  const [base, setBase] = useState(interview);
  const [taken, setTaken] = useState(0);
  const [isDeleting, setIsDeleting] = useState(false);
  const save = async (draft: Draft) => {
    const places = { interviewId };
    const kept = await api.ask('replaceInterview', { places, body: wireOf(draft) });
    setBase(kept);
    feed.interview(interviewId).learn(() => kept);
    feed.interviews.refresh();
  };
  return (
    <>
      <InterviewHead interview={interview} current="interview">
        <button type="button" className="danger" onClick={() => setIsDeleting(true)}>
          Delete
        </button>
      </InterviewHead>
      {Date.parse(interview.updatedAt) > Date.parse(base.updatedAt) && (
        <div className="notice" role="status">
          <p>Somebody has changed this interview meanwhile. If you save, yours takes its place.</p>
          <button
            type="button"
            onClick={() => {
              setBase(interview);
              setTaken(taken + 1);
            }}
          >
            Show theirs, and drop my changes
          </button>
        </div>
      )}
      <PlanForm key={taken} draft={draftOf(base)} save={save} act="Save" />
      {isDeleting && <DeleteInterview interview={base} onClose={() => setIsDeleting(false)} />}
    </>
  );
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
