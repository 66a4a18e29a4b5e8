import { expect, test } from 'vitest';
import {
  changed,
  differences,
  draftOf,
  isSame,
  moved,
  newCompetency,
  newDraft,
  placeOfRefusal,
  problemsOf,
  wireOf,
} from '../src/console/draft.ts';

const view = {
  interviewId: 'i',
  title: 'Mechanics',
  role: 'Mechanic',
  language: 'en',
  questions: [
    {
      text: 'Why?',
      mustAsk: false,
      probe: 'What else?',
      clarification: null,
      weight: 12.5,
      notes: 'Look for care.',
    },
  ],
  competencies: [{ name: 'Craft', weight: 60, description: 'Tools.' }],
  maxDuration: 90,
  voice: null,
  guidance: 'Be warm.',
  closing: '',
  notes: 'Two posts.',
  companyId: 'c',
  instructions: '…',
  createdAt: '2026-11-24T10:00:00Z',
  updatedAt: '2026-11-24T10:00:00Z',
};

test('an interview that is opened and saved is the same interview', () => {
  const { interviewId, instructions, createdAt, updatedAt, ...kept } = view;
  expect(wireOf(draftOf(view))).toEqual(kept);
  expect(isSame(draftOf(view), draftOf(view))).toBe(true);
  expect(isSame({ ...draftOf(view), notes: '' }, draftOf(view))).toBe(false);
});

test('two drafts differ in the fields that would be kept differently', () => {
  const draft = draftOf(view);
  expect(differences(draft, draftOf(view))).toEqual([]);
  const questions = changed(draft.questions, 0, { notes: '' });
  const other = { ...draft, questions, minutes: '2', companyId: null };
  expect(differences(draft, other)).toEqual(['questions', 'time limit', 'company']);
});

test('a fresh draft says what is missing, and nothing when it is written', () => {
  const draft = newDraft();
  expect(problemsOf(draft)).toEqual({
    title: 'Give the interview a title.',
    'questions[0].text': 'Write the question, or remove it.',
  });
  const questions = changed(draft.questions, 0, { text: 'Why?' });
  expect(problemsOf({ ...draft, title: 'T', questions })).toEqual({});
});

test.each([
  ['maxDuration', { minutes: '0.5' }],
  ['maxDuration', { minutes: '61' }],
  ['maxDuration', { minutes: 'long' }],
  ['maxDuration', { minutes: ' ' }],
  ['questions', { questions: [] }],
  ['questions[0].weight', { questions: changed(draftOf(view).questions, 0, { weight: '101' }) }],
  ['questions[0].weight', { questions: changed(draftOf(view).questions, 0, { weight: 'x' }) }],
  ['competencies[0].name', { competencies: [newCompetency()] }],
  ['competencies[0].weight', { competencies: [{ ...newCompetency(), name: 'A', weight: '' }] }],
])('what is wrong with %s stands at its field', (path, change) => {
  expect(Object.keys(problemsOf({ ...draftOf(view), ...change }))).toEqual([path]);
});

test.each([
  [
    'Expected `str` of length >= 1 - at `$.questions[0].text`',
    { path: 'questions[0].text', text: 'Expected `str` of length >= 1' },
  ],
  [
    'questions: with guidance and closing they make 70000 characters.',
    { path: 'questions', text: 'with guidance and closing they make 70000 characters.' },
  ],
  [
    'companyId: there is no such company.',
    { path: 'companyId', text: 'there is no such company.' },
  ],
  ['The request is too large.', { path: '', text: 'The request is too large.' }],
])('a refusal is put where it belongs: %s', (message, place) => {
  expect(placeOfRefusal(message)).toEqual(place);
});

test('items move, and what cannot move stays', () => {
  const items = ['a', 'b', 'c'];
  expect(moved(items, 2, 0)).toEqual(['c', 'a', 'b']);
  expect(moved(items, 0, 1)).toEqual(['b', 'a', 'c']);
  for (const [from, to] of [
    [0, -1],
    [2, 3],
    [5, 0],
  ] as const) {
    expect(moved(items, from, to)).toBe(items);
  }
});
