import { CompetencyFields } from './CompetencyFields.tsx';
import type { Draft, Problems } from './draft.ts';
import { Field } from './Field.tsx';
import { QuestionFields } from './QuestionFields.tsx';

const languages = ['en', 'de', 'es', 'fr', 'it', 'ja', 'nl', 'pl', 'pt', 'sv', 'tr', 'uk', 'zh'];
const names = new Intl.DisplayNames('en', { type: 'language' });
/** Source: OpenAI API reference, "Realtime: voice". Any other name may be written as well. */
const voices = ['alloy', 'ash', 'ballad', 'cedar', 'coral', 'echo', 'marin', 'sage', 'verse'];

interface Props {
  readonly draft: Draft;
  readonly problems: Problems;
  readonly onChange: (change: Partial<Draft>) => void;
}

/** Every field of a plan, in the order in which one thinks of them. */
export function PlanFields(props: Props) {
  const { draft, problems, onChange } = props;
  return (
    <>
      <Basics {...props} />
      <QuestionFields
        questions={draft.questions}
        problems={problems}
        onChange={(questions) => onChange({ questions })}
      />
      <Interviewer {...props} />
      <CompetencyFields
        competencies={draft.competencies}
        problems={problems}
        onChange={(competencies) => onChange({ competencies })}
      />
      <fieldset className="private">
        <legend>Notes</legend>
        <Field label="Notes for recruiters" hint="Stay with you." problem={problems.notes}>
          {(input) => (
            <textarea
              {...input}
              rows={3}
              maxLength={10_000}
              value={draft.notes}
              onChange={({ target }) => onChange({ notes: target.value })}
            />
          )}
        </Field>
      </fieldset>
    </>
  );
}

function Basics({ draft, problems, onChange }: Props) {
  const known = languages.includes(draft.language) ? languages : [draft.language, ...languages];
  return (
    <fieldset>
      <legend>Interview</legend>
      <Field label="Title" hint="The candidate sees it." problem={problems.title}>
        {(input) => (
          <input
            {...input}
            maxLength={200}
            value={draft.title}
            onChange={({ target }) => onChange({ title: target.value })}
          />
        )}
      </Field>
      <Field label="Role" hint="What the candidate applies for." problem={problems.role}>
        {(input) => (
          <input
            {...input}
            maxLength={200}
            value={draft.role}
            onChange={({ target }) => onChange({ role: target.value })}
          />
        )}
      </Field>
      <div className="group">
        <Field
          label="Time limit in minutes"
          hint="Counted from when the call connects."
          problem={problems.maxDuration}
        >
          {(input) => (
            <input
              {...input}
              inputMode="decimal"
              value={draft.minutes}
              onChange={({ target }) => onChange({ minutes: target.value })}
            />
          )}
        </Field>
        <Field
          label="Language"
          hint="The built-in voice speaks English alone."
          problem={problems.language}
        >
          {(input) => (
            <select
              {...input}
              value={draft.language}
              onChange={({ target }) => onChange({ language: target.value })}
            >
              {known.map((code) => (
                <option key={code} value={code}>
                  {names.of(code) ?? code}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
    </fieldset>
  );
}

function Interviewer({ draft, problems, onChange }: Props) {
  return (
    <fieldset>
      <legend>The interviewer</legend>
      <Field
        label="Guidance"
        hint="Tone, and what to dwell on. A candidate could read it: write nothing to score by."
        problem={problems.guidance}
      >
        {(input) => (
          <textarea
            {...input}
            rows={3}
            maxLength={4000}
            value={draft.guidance}
            onChange={({ target }) => onChange({ guidance: target.value })}
          />
        )}
      </Field>
      <Field
        label="Closing"
        hint="Said before the goodbye, such as when they hear from you."
        problem={problems.closing}
      >
        {(input) => (
          <input
            {...input}
            maxLength={1000}
            value={draft.closing}
            onChange={({ target }) => onChange({ closing: target.value })}
          />
        )}
      </Field>
      <Field
        label="Voice"
        hint="Empty: the voice of this installation. The built-in one has a single voice."
        problem={problems.voice}
      >
        {(input) => (
          <>
            <input
              {...input}
              maxLength={64}
              list="voices"
              value={draft.voice}
              onChange={({ target }) => onChange({ voice: target.value })}
            />
            <datalist id="voices">
              {voices.map((voice) => (
                <option key={voice} value={voice} />
              ))}
            </datalist>
          </>
        )}
      </Field>
    </fieldset>
  );
}
