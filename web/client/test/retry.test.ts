import { expect, test } from 'vitest';
import { calculateBackoffDelay, defaultRetryConfig } from '../src/retry.ts';

test('the bound of a wait doubles up to ten seconds', () => {
  const config = { ...defaultRetryConfig, jitter: false };
  const waits = [0, 1, 2, 3, 4, 20].map((count) => calculateBackoffDelay(count, config));
  expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test('a wait is anything between nothing and its bound', () => {
  expect(calculateBackoffDelay(1, defaultRetryConfig, () => 0)).toBe(0);
  expect(calculateBackoffDelay(1, defaultRetryConfig, () => 0.75)).toBe(1500);
});
