import { errorOf } from '@vivavoce/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Page, Poll } from '../src/console/poll.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A page that can be hidden and shown. */
function pageOf() {
  const target = new EventTarget();
  const page = {
    hidden: false,
    addEventListener: vi.fn(target.addEventListener.bind(target)),
    removeEventListener: vi.fn(target.removeEventListener.bind(target)),
  };
  const show = (isShown: boolean) => {
    page.hidden = !isShown;
    target.dispatchEvent(new Event('visibilitychange'));
  };
  return { page: page as unknown as Page, show };
}

type Answer = string | null | Error;

/** A poll of something that answers as told, and the tags that it was asked with. */
function pollOf(answers: Answer[], every: (value: string) => number | null = () => 1000) {
  const tags: (string | null)[] = [];
  const { page, show } = pageOf();
  const read = async (tag: string | null) => {
    tags.push(tag);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer === null || answer === undefined ? null : { answer, tag: `tag of ${answer}` };
  };
  return { poll: new Poll<string>({ read, every }, page), tags, show };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

test('it asks while somebody watches, and with the tag of what it has', async () => {
  const { poll, tags } = pollOf(['one', null, 'two']);
  await vi.advanceTimersByTimeAsync(5000);
  expect(tags).toEqual([]);
  const stop = poll.subscribe(() => {});
  const stopOther = poll.subscribe(() => {});
  await settle();
  expect(poll.getSnapshot()).toEqual({ value: 'one', error: null, isAway: false });
  await vi.advanceTimersByTimeAsync(2000);
  expect(tags).toEqual([null, 'tag of one', 'tag of one']);
  expect(poll.getSnapshot().value).toBe('two');
  stop();
  await vi.advanceTimersByTimeAsync(1000);
  expect(tags).toHaveLength(4);
  stopOther();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(tags).toHaveLength(4);
  expect(vi.getTimerCount()).toBe(0);
});

test('watchers hear of changes alone', async () => {
  const { poll } = pollOf(['one', null, null, 'two']);
  const heard = vi.fn();
  poll.subscribe(heard);
  await vi.advanceTimersByTimeAsync(2500);
  expect(heard).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(heard).toHaveBeenCalledTimes(2);
});

test('it rests while the page is hidden, and looks at once when it is shown', async () => {
  const { poll, tags, show } = pollOf(['one', null]);
  poll.subscribe(() => {});
  await settle();
  show(false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(tags).toHaveLength(1);
  show(true);
  await settle();
  expect(tags).toHaveLength(2);
});

test('it ends when nothing can change any more', async () => {
  const { poll, tags } = pollOf(['live', 'over'], (value) => (value === 'over' ? null : 1000));
  poll.subscribe(() => {});
  await vi.advanceTimersByTimeAsync(60_000);
  expect(tags).toHaveLength(2);
});

test('while nobody answers it keeps what it has, asks more rarely, and comes back', async () => {
  const away = errorOf('UNAVAILABLE', 'away');
  const { poll, tags } = pollOf(['one', away, away, away, away, away, away, 'two']);
  poll.subscribe(() => {});
  await vi.advanceTimersByTimeAsync(1000);
  expect(poll.getSnapshot()).toEqual({ value: 'one', error: away, isAway: true });
  // 1, 2, 4, 8, 15 and 15 s after the first that failed.
  await vi.advanceTimersByTimeAsync(44_000);
  expect(tags).toHaveLength(7);
  await vi.advanceTimersByTimeAsync(1000);
  expect(poll.getSnapshot()).toEqual({ value: 'two', error: null, isAway: false });
});

test('an answer that nothing has changed ends the being away too', async () => {
  const { poll } = pollOf(['one', errorOf('UNAVAILABLE', 'away'), null]);
  poll.subscribe(() => {});
  await vi.advanceTimersByTimeAsync(2000);
  expect(poll.getSnapshot()).toEqual({ value: 'one', error: null, isAway: false });
});

test('it waits as long as it is told to', async () => {
  const { poll, tags } = pollOf([
    'one',
    errorOf('RATE_LIMITED', 'slow', { retryAfter: 9000 }),
    'two',
  ]);
  poll.subscribe(() => {});
  await vi.advanceTimersByTimeAsync(9900);
  expect(tags).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(200);
  expect(tags).toHaveLength(3);
});

test('what is gone is not shown any longer, and not asked for again', async () => {
  const { poll, tags } = pollOf(['one', errorOf('NOT_FOUND', 'gone')]);
  poll.subscribe(() => {});
  await vi.advanceTimersByTimeAsync(60_000);
  expect(poll.getSnapshot()).toMatchObject({ value: null, isAway: false });
  expect(tags).toHaveLength(2);
});

test('what one changed oneself is seen at once, and never undone by an answer from before', async () => {
  const answered: ((answer: { answer: string; tag: string } | null) => void)[] = [];
  const read = () =>
    new Promise<{ answer: string; tag: string } | null>((resolve) => answered.push(resolve));
  const poll = new Poll<string>({ read, every: () => 1000 }, pageOf().page);
  poll.subscribe(() => {});
  answered[0]?.({ answer: 'one', tag: '1' });
  await settle();
  await vi.advanceTimersByTimeAsync(1000);
  poll.learn(() => 'mine');
  expect(poll.getSnapshot().value).toBe('mine');
  answered[1]?.({ answer: 'one', tag: '1' });
  await settle();
  expect(poll.getSnapshot().value).toBe('mine');
  answered[2]?.({ answer: 'mine, stored', tag: '2' });
  await settle();
  expect(poll.getSnapshot().value).toBe('mine, stored');
});
