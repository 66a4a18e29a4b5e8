import { asConnectionError, type WebRTCConnectionError } from '@vivavoce/client';
import { type FormEvent, useEffect, useMemo, useRef, useState } from 'react';
import { Refusal } from '../ui/Notice.tsx';
import { count } from '../ui/words.ts';
import { useDesk } from './context.ts';
import { type Draft, isSame, type Problems, placeOfRefusal, problemsOf, wireOf } from './draft.ts';
import { PlanFields } from './PlanFields.tsx';
import { PreviewPanel } from './PreviewPanel.tsx';
import { usePreview } from './usePreview.ts';

/** A plan as a form, with what a candidate will see of it beside it. */
export function PlanForm(props: {
  readonly draft: Draft;
  readonly save: (draft: Draft) => Promise<void>;
  /** What the button says. */
  readonly act: string;
}) {
  const [kept, setKept] = useState(props.draft);
  const [draft, setDraft] = useState(kept);
  const [saving, setSaving] = useState<'no' | 'now'>('no');
  const [wasPressed, setWasPressed] = useState(false);
  const [error, setError] = useState<WebRTCConnectionError | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const found = useMemo(() => problemsOf(draft), [draft]);
  const isWhole = Object.keys(found).length === 0;
  const preview = usePreview(isWhole ? wireOf(draft) : null);
  const problems = shownProblems(
    wasPressed ? found : {},
    error ?? (isWhole ? preview.error : null),
  );
  const isChanged = !isSame(draft, kept);
  useGuard(isChanged && saving !== 'now');
  const save = async (event: FormEvent) => {
    event.preventDefault();
    setWasPressed(true);
    setError(null);
    if (!isWhole) {
      goToFirstProblem(form.current);
      return;
    }
    setSaving('now');
    try {
      await props.save(draft);
      setKept(draft);
      setSaving('no');
    } catch (thrown) {
      setError(asConnectionError(thrown));
      setSaving('no');
      goToFirstProblem(form.current);
    }
  };
  return (
    <div className="split planning">
      <form ref={form} noValidate onSubmit={(event) => void save(event)}>
        <PlanFields
          draft={draft}
          problems={problems}
          onChange={(change) => {
            setDraft((before) => ({ ...before, ...change }));
            setError(null);
          }}
        />
        {/* Of two plans, the dialog and the notice above tell. */}
        {error !== null && error.code !== 'CONFLICT' && <Refusal error={error} />}
        <div className="row saving">
          <button type="submit" className="primary" disabled={saving === 'now'}>
            {saving === 'now' ? 'Saving…' : props.act}
          </button>
          <span role="status" className="hint">
            {stateOf(isChanged, wasPressed ? Object.keys(problems).length : 0)}
          </span>
        </div>
      </form>
      <PreviewPanel shown={preview.shown} />
    </div>
  );
}

function stateOf(isChanged: boolean, problems: number): string {
  if (problems > 0) return `${count(problems, 'field')} to mend`;
  return isChanged ? 'Not saved yet' : 'All is saved';
}

function shownProblems(found: Problems, error: WebRTCConnectionError | null): Problems {
  if (error === null || error.code !== 'INVALID_REQUEST') return found;
  const { path, text } = placeOfRefusal(error.message);
  return path === '' ? found : { ...found, [path]: text };
}

function goToFirstProblem(form: HTMLFormElement | null): void {
  requestAnimationFrame(() => form?.querySelector<HTMLElement>('[aria-invalid]')?.focus());
}

/** Ask before what was written is left unsaved. */
function useGuard(isOn: boolean): void {
  const { router } = useDesk();
  useEffect(() => {
    if (!isOn) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    router.mayLeave = () => window.confirm('Leave, and lose what you have not saved?');
    return () => {
      window.removeEventListener('beforeunload', warn);
      router.mayLeave = () => true;
    };
  }, [isOn, router]);
}
