import { cleanup, render, screen } from '@testing-library/react';
import type { TranscriptEntry } from '@vivavoce/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Captions } from '../src/candidate/Captions.tsx';
import { currentQuestion } from '../src/candidate/question.ts';
import { timeLeft } from '../src/candidate/timeLeft.ts';
import { asText } from '../src/candidate/written.ts';

const scrollTo = vi.fn();

beforeEach(() => {
  HTMLElement.prototype.scrollTo = scrollTo; // jsdom has no layout
});

afterEach(cleanup);

const said = (speaker: 'ai' | 'candidate', content: string, more: Partial<TranscriptEntry> = {}) =>
  ({
    itemId: content,
    previousItemId: null,
    revision: 1,
    speaker,
    content,
    final: true,
    truncated: false,
    timestamp: '2026-11-28T09:00:00Z',
    witness: 'client',
    ...more,
  }) as TranscriptEntry;

test.each([
  ['Hello. I am an AI interviewer. What do you do?', 'What do you do?'],
  [
    'Thanks. Tell me about a repair that went wrong. What did you do?',
    'Tell me about a repair that went wrong. What did you do?',
  ],
  ['Okay. Now, please describe a hard day.', 'Now, please describe a hard day.'],
  ['You have an hour. What do you fix first?', 'What do you fix first?'],
  ['Would you like “more time?” Take it.', 'Would you like “more time?” Take it.'],
])('of “%s” the question is “%s”', (content, question) => {
  expect(currentQuestion([said('ai', content)])).toBe(question);
});

test('the question stays while something else is said', () => {
  const entries = [said('ai', 'What do you do?'), said('candidate', 'Why do you ask?')];
  expect(currentQuestion(entries)).toBe('What do you do?');
  expect(currentQuestion([...entries, said('ai', 'Thank you')])).toBe('What do you do?');
  expect(currentQuestion([said('ai', 'Hello.')])).toBeNull();
});

test.each([
  [900, 'About 15 minutes left'],
  [871, 'About 15 minutes left'],
  [90, 'About 2 minutes left'],
  [60, 'About 1 minute left'],
  [59, 'Less than a minute left'],
  [-5, 'Less than a minute left'],
])('with %d s to go it says “%s”', (seconds, words) => {
  expect(timeLeft(new Date(seconds * 1000), 0)).toBe(words);
});

test('captions say who speaks, and where somebody was cut off', () => {
  render(
    <Captions entries={[said('ai', 'Well', { truncated: true }), said('candidate', 'Yes.')]} />,
  );
  const lines = screen.getAllByRole('listitem').map(({ textContent }) => textContent);
  expect(lines).toEqual(['Interviewer Well…', 'You Yes.']);
});

test('captions follow what is said, but not while somebody reads further up', () => {
  const { rerender } = render(<Captions entries={[]} />);
  const log = screen.getByRole('log');
  expect(log.textContent).toBe('What you both say is written here.');
  Object.defineProperties(log, {
    scrollHeight: { value: 1000, configurable: true },
    clientHeight: { value: 200 },
  });
  rerender(<Captions entries={[said('ai', 'One.')]} />);
  expect(scrollTo).toHaveBeenLastCalledWith({ top: 1000 });
  scrollTo.mockClear();
  log.scrollTop = 100;
  log.dispatchEvent(new Event('scroll', { bubbles: true }));
  rerender(<Captions entries={[said('ai', 'One.'), said('ai', 'Two.')]} />);
  expect(scrollTo).not.toHaveBeenCalled();
  log.scrollTop = 780;
  log.dispatchEvent(new Event('scroll', { bubbles: true }));
  rerender(<Captions entries={[said('ai', 'Three.')]} />);
  expect(scrollTo).toHaveBeenCalledOnce();
});

test('the own copy says who said what, and leaves out what nobody said', () => {
  const entries = [said('ai', 'Hello.'), said('candidate', ''), said('candidate', 'Good day.')];
  expect(asText('First talk', entries)).toBe(
    'First talk\n\nInterviewer: Hello.\n\nYou: Good day.\n',
  );
});
