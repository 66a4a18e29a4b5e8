import type { wire } from '@vivavoce/client';

/** A question while it is written. Numbers are texts until they are sent. */
export interface QuestionDraft {
  /** Stays with the question when it moves. */
  readonly key: string;
  readonly text: string;
  readonly mustAsk: boolean;
  readonly probe: string;
  readonly clarification: string;
  readonly weight: string;
  readonly notes: string;
}

export interface CompetencyDraft {
  readonly key: string;
  readonly name: string;
  readonly weight: string;
  readonly description: string;
}

/** An interview while it is planned. */
export interface Draft {
  readonly title: string;
  readonly role: string;
  readonly language: string;
  readonly questions: readonly QuestionDraft[];
  readonly competencies: readonly CompetencyDraft[];
  readonly minutes: string;
  readonly voice: string;
  readonly guidance: string;
  readonly closing: string;
  readonly notes: string;
  readonly companyId: string | null;
}

export function newQuestion(): QuestionDraft {
  const empty = { text: '', probe: '', clarification: '', weight: '', notes: '' };
  return { ...empty, key: crypto.randomUUID(), mustAsk: true };
}

export function newCompetency(): CompetencyDraft {
  return { key: crypto.randomUUID(), name: '', weight: '1', description: '' };
}

export function newDraft(): Draft {
  return {
    title: '',
    role: '',
    language: 'en',
    questions: [newQuestion()],
    competencies: [],
    minutes: '30',
    voice: '',
    guidance: '',
    closing: '',
    notes: '',
    companyId: null,
  };
}

/** An interview that is kept, to be changed. */
export function draftOf(view: wire.InterviewView): Draft {
  const { title, role, language, guidance, closing, notes, companyId } = view;
  return {
    ...{ title, role, language, guidance, closing, notes, companyId },
    voice: view.voice ?? '',
    minutes: String(view.maxDuration / 60),
    questions: view.questions.map((one) => ({
      key: crypto.randomUUID(),
      text: one.text,
      mustAsk: one.mustAsk,
      probe: one.probe ?? '',
      clarification: one.clarification ?? '',
      weight: one.weight === null ? '' : String(one.weight),
      notes: one.notes ?? '',
    })),
    competencies: view.competencies.map((one) => ({
      ...one,
      key: crypto.randomUUID(),
      weight: String(one.weight),
    })),
  };
}

const orNull = (text: string) => (text.trim() === '' ? null : text);

/** What is sent of a draft. */
export function wireOf(draft: Draft): wire.InterviewDraft {
  const { title, role, language, guidance, closing, notes, companyId } = draft;
  return {
    ...{ title, role, language, guidance, closing, notes, companyId },
    voice: orNull(draft.voice),
    maxDuration: Math.round(Number(draft.minutes) * 60),
    questions: draft.questions.map((one) => ({
      text: one.text,
      mustAsk: one.mustAsk,
      probe: orNull(one.probe),
      clarification: orNull(one.clarification),
      weight: one.weight.trim() === '' ? null : Number(one.weight),
      notes: orNull(one.notes),
    })),
    competencies: draft.competencies.map(({ name, weight, description }) => ({
      name,
      weight: Number(weight),
      description,
    })),
  };
}

/** Whether two drafts would be kept as the same interview. */
export function isSame(one: Draft, other: Draft): boolean {
  return differences(one, other).length === 0;
}

const fields: Readonly<Record<keyof Required<wire.InterviewDraft>, string>> = {
  title: 'title',
  role: 'role',
  language: 'language',
  questions: 'questions',
  maxDuration: 'time limit',
  voice: 'voice',
  guidance: 'guidance',
  closing: 'closing',
  competencies: 'competencies',
  notes: 'notes',
  companyId: 'company',
};

/** In which fields two drafts would be kept differently, in words. */
export function differences(one: Draft, other: Draft): readonly string[] {
  const [a, b] = [wireOf(one), wireOf(other)];
  const names = Object.keys(fields) as (keyof typeof fields)[];
  return names
    .filter((name) => JSON.stringify(a[name]) !== JSON.stringify(b[name]))
    .map((name) => fields[name]);
}

/** What is wrong, by the path of the field, such as `questions[0].text`. */
export type Problems = Readonly<Record<string, string>>;

/** What can be said without asking; the API has the last word. */
export function problemsOf(draft: Draft): Problems {
  const found: Record<string, string> = {};
  if (draft.title.trim() === '') found.title = 'Give the interview a title.';
  const minutes = Number(draft.minutes);
  if (draft.minutes.trim() === '' || !(minutes >= 1 && minutes <= 60)) {
    found.maxDuration = 'Between 1 and 60 minutes.';
  }
  if (draft.questions.length === 0) found.questions = 'Ask at least one question.';
  draft.questions.forEach(({ text, weight }, index) => {
    if (text.trim() === '') found[`questions[${index}].text`] = 'Write the question, or remove it.';
    if (weight.trim() !== '' && !isWeight(weight)) {
      found[`questions[${index}].weight`] = 'A number from 0 to 100, or nothing.';
    }
  });
  draft.competencies.forEach(({ name, weight }, index) => {
    if (name.trim() === '') found[`competencies[${index}].name`] = 'Name it, or remove it.';
    if (!isWeight(weight)) found[`competencies[${index}].weight`] = 'A number from 0 to 100.';
  });
  return found;
}

function isWeight(text: string): boolean {
  const weight = Number(text);
  return text.trim() !== '' && weight >= 0 && weight <= 100;
}

/**
 * Where a refusal of the API belongs: it names the field, at its beginning or its end.
 *
 * `Expected … - at `$.questions[0].text`` and `questions: with guidance …` are its two forms.
 */
export function placeOfRefusal(message: string): { readonly path: string; readonly text: string } {
  const shape = /^(.*?) - at `\$\.?(.*)`$/s.exec(message);
  if (shape) return { path: shape[2] ?? '', text: shape[1] ?? message };
  const named = /^([A-Za-z]+): (.*)$/s.exec(message);
  if (named) return { path: named[1] ?? '', text: named[2] ?? message };
  return { path: '', text: message };
}

/** The same list with one of its items elsewhere; as it was if there is no such place. */
export function moved<Item>(items: readonly Item[], from: number, to: number): readonly Item[] {
  const item = items[from];
  if (item === undefined || to < 0 || to >= items.length) return items;
  return items.toSpliced(from, 1).toSpliced(to, 0, item);
}

/** The same list with one of its items changed. */
export function changed<Item>(items: readonly Item[], at: number, change: Partial<Item>) {
  return items.map((item, index) => (index === at ? { ...item, ...change } : item));
}
