import { afterEach, expect, test, vi } from 'vitest';
import { readLink, wasInRoom } from '../src/candidate/invitation.ts';
import { afterWelcome, firstStep } from '../src/candidate/steps.ts';
import { keepChoice, keptChoice } from '../src/candidate/way.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

const agreedAt = '2026-11-28T09:00:00Z';
const consent = (at: string | null) => ({ version: '1', statements: [], agreedAt: at });

test('a candidate begins at the welcome, and is asked to agree once', () => {
  expect(firstStep({ state: 'opened', consent: consent(null) }, false)).toBe('welcome');
  expect(firstStep({ state: 'opened', consent: consent(agreedAt) }, false)).toBe('welcome');
  expect(afterWelcome(false)).toBe('consent');
  expect(afterWelcome(true)).toBe('check');
});

test('a reload in the interview leads back into it, unless there is a text to agree to', () => {
  expect(firstStep({ state: 'in_progress', consent: consent(agreedAt) }, true)).toBe('room');
  expect(firstStep({ state: 'in_progress', consent: consent(null) }, true)).toBe('welcome');
  expect(firstStep({ state: 'completed', consent: consent(agreedAt) }, true)).toBe('over');
});

test('a link is an id and a secret, and half of one is none', () => {
  expect(readLink({ pathname: '/i/abc', hash: '#s3cret' })).toEqual({
    id: 'abc',
    secret: 's3cret',
  });
  expect(readLink({ pathname: '/i/abc/', hash: '#s' })).toEqual({ id: 'abc', secret: 's' });
  expect(readLink({ pathname: '/i/abc', hash: '' })).toBeNull();
  expect(readLink({ pathname: '/i/', hash: '#s' })).toBeNull();
  expect(readLink({ pathname: '/i/abc/more', hash: '#s' })).toBeNull();
});

test('a page comes back to the session of its own invitation and of no other', () => {
  const session = {
    sessionId: 's',
    sessionToken: 't',
    webrtcConfig: { sdpProxyUrl: null, openaiConfig: {}, stunServers: [], turnServers: [] },
    baseUrl: location.origin,
    scope: 'mine',
  };
  sessionStorage.setItem('webrtc-session', JSON.stringify(session));
  expect(wasInRoom('mine')).toBe(true);
  expect(wasInRoom('another')).toBe(false);
});

test('how somebody answers is remembered for a reload', () => {
  expect(keptChoice()).toEqual({ way: 'speaking', microphoneId: null });
  keepChoice({ way: 'typing', microphoneId: 'headset' });
  expect(keptChoice()).toEqual({ way: 'typing', microphoneId: 'headset' });
  sessionStorage.setItem('vivavoce-way', '{"way": 1, "microphoneId": []');
  expect(keptChoice()).toEqual({ way: 'speaking', microphoneId: null });
});

test('a browser that refuses to keep anything changes nothing else', () => {
  const refuse = () => {
    throw new DOMException('refused', 'SecurityError');
  };
  vi.stubGlobal('sessionStorage', { getItem: refuse, setItem: refuse, clear: () => {} });
  keepChoice({ way: 'typing', microphoneId: null });
  expect(keptChoice().way).toBe('speaking');
  expect(wasInRoom('mine')).toBe(false);
});
