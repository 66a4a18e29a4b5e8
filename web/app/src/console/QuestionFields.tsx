import { useRef, useState } from 'react';
import { changed, moved, newQuestion, type Problems, type QuestionDraft } from './draft.ts';
import { Field } from './Field.tsx';

const maxQuestions = 100;

/** The numbered questions: write, add, move, remove. */
export function QuestionFields(props: {
  readonly questions: readonly QuestionDraft[];
  readonly problems: Problems;
  readonly onChange: (questions: readonly QuestionDraft[]) => void;
}) {
  const { questions, problems, onChange } = props;
  const [said, setSaid] = useState('');
  const list = useRef<HTMLOListElement>(null);
  const focusOn = (index: number, selector: string) =>
    requestAnimationFrame(() => {
      const item = list.current?.children[index] ?? null;
      const wanted = item?.querySelector<HTMLElement>(selector);
      (wanted ?? list.current?.parentElement?.querySelector<HTMLElement>('.add'))?.focus();
    });
  const move = (from: number, to: number) => {
    onChange(moved(questions, from, to));
    setSaid(`Question ${from + 1} is number ${to + 1} now.`);
    const isAtEdge = to === 0 || to === questions.length - 1;
    const button = to < from ? (isAtEdge ? '.down' : '.up') : isAtEdge ? '.up' : '.down';
    focusOn(to, button);
  };
  const remove = (at: number) => {
    onChange(questions.toSpliced(at, 1));
    setSaid(`Question ${at + 1} was removed.`);
    focusOn(Math.min(at, questions.length - 2), '.remove');
  };
  const add = () => {
    onChange([...questions, newQuestion()]);
    focusOn(questions.length, 'textarea');
  };
  return (
    <fieldset>
      <legend>Questions</legend>
      {problems.questions && <p className="problem">{problems.questions}</p>}
      <ol ref={list} className="items">
        {questions.map((question, at) => (
          <QuestionItem
            key={question.key}
            question={question}
            at={at}
            count={questions.length}
            problems={problems}
            onChange={(change) => onChange(changed(questions, at, change))}
            onMove={(to) => move(at, to)}
            onRemove={() => remove(at)}
          />
        ))}
      </ol>
      <p className="hidden" role="status">
        {said}
      </p>
      <button
        type="button"
        className="add"
        disabled={questions.length >= maxQuestions}
        onClick={add}
      >
        Add a question
      </button>
    </fieldset>
  );
}

function QuestionItem(props: {
  readonly question: QuestionDraft;
  readonly at: number;
  readonly count: number;
  readonly problems: Problems;
  readonly onChange: (change: Partial<QuestionDraft>) => void;
  readonly onMove: (to: number) => void;
  readonly onRemove: () => void;
}) {
  const { question, at, problems, onChange, onMove } = props;
  const number = at + 1;
  const path = `questions[${at}]`;
  return (
    <li className="item">
      <Field label={`Question ${number}`} problem={problems[`${path}.text`]}>
        {(input) => (
          <textarea
            {...input}
            rows={2}
            maxLength={1000}
            value={question.text}
            onChange={({ target }) => onChange({ text: target.value })}
          />
        )}
      </Field>
      <div className="row">
        <button type="button" className="up" disabled={at === 0} onClick={() => onMove(at - 1)}>
          Move up<span className="hidden"> question {number}</span>
        </button>
        <button
          type="button"
          className="down"
          disabled={at === props.count - 1}
          onClick={() => onMove(at + 1)}
        >
          Move down<span className="hidden"> question {number}</span>
        </button>
        <button type="button" className="remove" onClick={props.onRemove}>
          Remove<span className="hidden"> question {number}</span>
        </button>
        <label className="tick">
          <input
            type="checkbox"
            checked={question.mustAsk}
            onChange={({ target }) => onChange({ mustAsk: target.checked })}
          />
          Must be asked<span className="hidden">: question {number}</span>
        </label>
      </div>
      <QuestionMore question={question} number={number} path={path} {...{ problems, onChange }} />
    </li>
  );
}

function QuestionMore(props: {
  readonly question: QuestionDraft;
  readonly number: number;
  readonly path: string;
  readonly problems: Problems;
  readonly onChange: (change: Partial<QuestionDraft>) => void;
}) {
  const { question, number, path, problems, onChange } = props;
  const [isOpen, setIsOpen] = useState(
    () => (question.probe || question.clarification || question.weight || question.notes) !== '',
  );
  const hasProblem = problems[`${path}.weight`] !== undefined;
  return (
    <details
      open={isOpen || hasProblem}
      onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}
    >
      <summary>
        More<span className="hidden"> about question {number}</span>
      </summary>
      <div className="group">
        <Field label="Follow-up" hint="Asked once more when the answer stays vague.">
          {(input) => (
            <input
              {...input}
              maxLength={1000}
              value={question.probe}
              onChange={({ target }) => onChange({ probe: target.value })}
            />
          )}
        </Field>
        <Field label="In other words" hint="Said when the candidate does not understand.">
          {(input) => (
            <input
              {...input}
              maxLength={1000}
              value={question.clarification}
              onChange={({ target }) => onChange({ clarification: target.value })}
            />
          )}
        </Field>
      </div>
      <div className="group private">
        <Field label="Weight" hint="Stays with you." problem={problems[`${path}.weight`]}>
          {(input) => (
            <input
              {...input}
              inputMode="decimal"
              value={question.weight}
              onChange={({ target }) => onChange({ weight: target.value })}
            />
          )}
        </Field>
        <Field label="Notes for scoring" hint="Stay with you.">
          {(input) => (
            <textarea
              {...input}
              rows={2}
              maxLength={2000}
              value={question.notes}
              onChange={({ target }) => onChange({ notes: target.value })}
            />
          )}
        </Field>
      </div>
    </details>
  );
}
