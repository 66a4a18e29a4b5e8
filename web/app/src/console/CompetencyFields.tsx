import { type CompetencyDraft, changed, newCompetency, type Problems } from './draft.ts';
import { Field } from './Field.tsx';

const maxCompetencies = 30;

/** What is scored. Nothing of it enters a call. */
export function CompetencyFields(props: {
  readonly competencies: readonly CompetencyDraft[];
  readonly problems: Problems;
  readonly onChange: (competencies: readonly CompetencyDraft[]) => void;
}) {
  const { competencies, problems, onChange } = props;
  return (
    <fieldset className="private">
      <legend>Competencies</legend>
      <p className="hint">What you score by. They stay with you and never enter a call.</p>
      {competencies.map((one, at) => (
        <div key={one.key} className="item competency">
          <Field label="Name" problem={problems[`competencies[${at}].name`]}>
            {(input) => (
              <input
                {...input}
                maxLength={100}
                value={one.name}
                onChange={({ target }) =>
                  onChange(changed(competencies, at, { name: target.value }))
                }
              />
            )}
          </Field>
          <Field label="Weight" problem={problems[`competencies[${at}].weight`]}>
            {(input) => (
              <input
                {...input}
                inputMode="decimal"
                value={one.weight}
                onChange={({ target }) =>
                  onChange(changed(competencies, at, { weight: target.value }))
                }
              />
            )}
          </Field>
          <Field label="What it means">
            {(input) => (
              <input
                {...input}
                maxLength={2000}
                value={one.description}
                onChange={({ target }) =>
                  onChange(changed(competencies, at, { description: target.value }))
                }
              />
            )}
          </Field>
          <button type="button" onClick={() => onChange(competencies.toSpliced(at, 1))}>
            Remove<span className="hidden"> competency {one.name || at + 1}</span>
          </button>
        </div>
      ))}
      <button
        type="button"
        disabled={competencies.length >= maxCompetencies}
        onClick={() => onChange([...competencies, newCompetency()])}
      >
        Add a competency
      </button>
    </fieldset>
  );
}
