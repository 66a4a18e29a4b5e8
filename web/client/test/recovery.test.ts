import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { errorOf, isRetriableError } from '../src/errors.ts';
import { type ErrorCode, errorRecoveryMap } from '../src/generated.ts';
import { anyRegion, chosenRegion, persist, withoutFailed } from '../src/recovery.ts';
import { calculateBackoffDelay, defaultRetryConfig } from '../src/retry.ts';
import { wordsFor } from '../src/words.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const codes = Object.keys(errorRecoveryMap) as ErrorCode[];
const { signal } = new AbortController();

/** Fails with each of these errors in turn, then succeeds; notes when it was tried. */
function failing(...failures: Error[]) {
  const began = Date.now();
  const triedAt: number[] = [];
  const act = async () => {
    triedAt.push(Date.now() - began);
    const failure = failures.shift();
    if (failure) throw failure;
    return 'done';
  };
  return { act, triedAt };
}

function remedies() {
  return {
    refreshToken: vi.fn(async () => {}),
    changeRegion: vi.fn(async () => {}),
    renewSession: vi.fn(async () => {}),
  };
}

describe('each code has its recovery', () => {
  const remedyOf = {
    retry_with_backoff: null,
    retry_with_new_session: 'renewSession',
    refresh_token_and_retry: 'refreshToken',
    retry_with_different_region: 'changeRegion',
  } as const;

  test.each(codes)('%s', async (code) => {
    const recovery = errorRecoveryMap[code];
    const { act, triedAt } = failing(errorOf(code, 'once'));
    const acts = remedies();
    const outcome = persist(act, { signal, remedies: acts }).then(
      (done) => done,
      (error) => error.code,
    );
    await vi.runAllTimersAsync();
    const isRetried = Object.hasOwn(remedyOf, recovery);
    expect(await outcome).toBe(isRetried ? 'done' : code);
    expect(triedAt).toHaveLength(isRetried ? 2 : 1);
    expect(isRetriableError(errorOf(code, ''))).toBe(isRetried);
    const called = Object.entries(acts).filter(([, act]) => act.mock.calls.length > 0);
    const remedy = isRetried ? remedyOf[recovery as keyof typeof remedyOf] : null;
    expect(called.map(([name]) => name)).toEqual(remedy === null ? [] : [remedy]);
  });
});

test('every code has words of its own, without jargon', () => {
  const all = [...codes, 'MICROPHONE_DENIED', 'MICROPHONE_MISSING', 'MICROPHONE_BUSY'];
  const titles = all.map((code) => wordsFor(code).title);
  expect(new Set(titles).size).toBe(all.length);
  const text = all.map((code) => Object.values(wordsFor(code)).join(' ')).join(' ');
  expect(text).not.toMatch(/\b(ICE|SDP|WebRTC|token|VM|proxy|session|error)\b/i);
  expect(wordsFor('SOMETHING_ELSE')).toBe(wordsFor('UNAVAILABLE'));
});

test('waits grow and are jittered, and the last error comes through', async () => {
  const failures = [1, 2, 3, 4].map((n) => errorOf('UNAVAILABLE', `attempt ${n}`));
  const { act, triedAt } = failing(...failures);
  const outcome = persist(act, { signal, uniform: () => 0.5 }).catch((error) => error.message);
  await vi.runAllTimersAsync();
  expect(await outcome).toBe('attempt 4');
  expect(triedAt).toEqual([0, 500, 1500, 3500]);
});

test('what the server asks for is waited, but never more than the greatest wait', async () => {
  const asked = (retryAfter: number) => errorOf('RATE_LIMITED', '', { retryAfter });
  const { act, triedAt } = failing(asked(3_000), asked(60_000));
  const outcome = persist(act, { signal, uniform: () => 0 });
  await vi.runAllTimersAsync();
  expect(await outcome).toBe('done');
  expect(triedAt).toEqual([0, 3_000, 13_000]);
});

test('a token is refreshed once only', async () => {
  const refused = () => errorOf('AUTHENTICATION_FAILED', 'no');
  const { act, triedAt } = failing(refused(), refused(), refused());
  const acts = remedies();
  const outcome = persist(act, { signal, remedies: acts }).catch((error) => error.code);
  await vi.runAllTimersAsync();
  expect(await outcome).toBe('AUTHENTICATION_FAILED');
  expect(triedAt).toHaveLength(2);
  expect(acts.refreshToken).toHaveBeenCalledTimes(1);
});

test('giving up while waiting leaves no timer', async () => {
  const control = new AbortController();
  const { act } = failing(errorOf('UNAVAILABLE', ''), errorOf('UNAVAILABLE', ''));
  const outcome = persist(act, { signal: control.signal }).catch((error) => error.name);
  await vi.advanceTimersByTimeAsync(0);
  control.abort();
  expect(await outcome).toBe('AbortError');
  expect(vi.getTimerCount()).toBe(0);
});

test('the next region is the first that has not failed', () => {
  const regions = { names: ['fra', 'ams', 'lhr'], tried: new Set<string>() };
  expect(chosenRegion(anyRegion)).toBeUndefined();
  expect(chosenRegion(regions)).toBe('fra');
  const failure = errorOf('VM_PROVISIONING_FAILED', '', { triedRegions: ['fra', 'ams'] });
  expect(chosenRegion(withoutFailed(regions, failure))).toBe('lhr');
  const silent = errorOf('VM_PROVISIONING_FAILED', '');
  expect(chosenRegion(withoutFailed(regions, silent))).toBe('ams');
});

test('the bound of a wait doubles up to ten seconds', () => {
  const config = { ...defaultRetryConfig, jitter: false };
  const waits = [0, 1, 2, 3, 4, 20].map((count) => calculateBackoffDelay(count, config));
  expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  expect(calculateBackoffDelay(1, defaultRetryConfig, () => 0)).toBe(0);
  expect(calculateBackoffDelay(1, defaultRetryConfig, () => 0.75)).toBe(1500);
});
