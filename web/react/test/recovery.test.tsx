import { act, cleanup, render, screen } from '@testing-library/react';
import { type ErrorCode, errorRecoveryMap, wordsFor } from '@vivavoce/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeBrowser, problem, readyData } from '../../testing/browser.ts';
import { InterviewRoom, type WebRTCConfig } from '../src/index.ts';

let world: FakeBrowser;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.9); // waits before retries are nearly their bounds
  world = new FakeBrowser();
});

afterEach(async () => {
  cleanup();
  await vi.advanceTimersByTimeAsync(20_000);
  sessionStorage.clear();
  localStorage.clear();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Let everything happen that happens within this time. */
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

async function start(config: Partial<WebRTCConfig> = {}): Promise<void> {
  render(<InterviewRoom config={{ baseUrl: 'http://control.test', token: 'user', ...config }} />);
  await press('Start the interview');
}

async function press(name: string): Promise<void> {
  screen.getByRole('button', { name }).click();
  await pass(2_000);
}

const status = () => document.querySelector('.viva-manager')?.getAttribute('data-status');
const words = (code: string) => screen.queryByText(wordsFor(code).title);

describe('each error code has its recovery and its words', () => {
  test('SDP_EXCHANGE_FAILED: the same session, another offer', async () => {
    const usual = world.onOffer;
    world.onOffer = (socket) => socket.fail('SDP_EXCHANGE_FAILED');
    await start();
    expect(words('SDP_EXCHANGE_FAILED')).not.toBeNull();
    world.onOffer = usual;
    await pass(10_000);
    expect(status()).toBe('connected');
    expect(words('SDP_EXCHANGE_FAILED')).toBeNull();
    expect(world.to('interview-start')).toHaveLength(1);
    const offers = world.sockets.flatMap(({ sent }) => sent.filter(({ type }) => type === 'offer'));
    expect(offers.length).toBeGreaterThan(1);
    expect(world.sockets).toHaveLength(1);
  });

  test('WEBRTC_CONNECTION_FAILED: another session, the first given back', async () => {
    world.onAnswer = (peer) => peer.become('failed');
    await start();
    expect(words('WEBRTC_CONNECTION_FAILED')).not.toBeNull();
    world.onAnswer = (peer) => peer.become('connected');
    await pass(10_000);
    expect(status()).toBe('connected');
    const starts = world.to('interview-start');
    expect(starts.length).toBeGreaterThan(1);
    expect(new Set(starts.map(({ key }) => key)).size).toBe(starts.length);
    expect(world.to('/v1/sessions/session-1/end')).toHaveLength(1);
    expect(world.left.sockets).toBe(1);
  });

  test('AUTHENTICATION_FAILED: a fresh token, asked for once', async () => {
    world.replies.push(['interview-start', { ...problem('AUTHENTICATION_FAILED'), status: 401 }]);
    const token = vi.fn(async () => `user-${token.mock.calls.length}`);
    await start({ token });
    await pass(10_000);
    expect(status()).toBe('connected');
    expect(world.to('interview-start').map((asked) => asked.token)).toEqual(['user-1', 'user-2']);
  });

  test('AUTHENTICATION_FAILED: where the fresh token is refused too, the person is told', async () => {
    for (const _ of [1, 2]) {
      world.replies.push(['interview-start', { ...problem('AUTHENTICATION_FAILED'), status: 401 }]);
    }
    await start();
    await pass(10_000);
    expect(status()).toBe('error');
    expect(words('AUTHENTICATION_FAILED')).not.toBeNull();
    expect(world.to('interview-start')).toHaveLength(2);
  });

  test('VM_PROVISIONING_FAILED: another region', async () => {
    const refused = problem('VM_PROVISIONING_FAILED', { triedRegions: ['fra'] });
    world.replies.push(['interview-start', refused]);
    await start({ regions: ['fra', 'ams'] });
    await pass(10_000);
    expect(status()).toBe('connected');
    const asked = world.to('interview-start').map(({ body }) => body.region);
    expect(asked).toEqual(['fra', 'ams']);
  });

  test('TRANSCRIPT_PROCESSING_FAILED: the audio goes on under a warning, until it works', async () => {
    await start();
    await act(async () => world.socket.fail('TRANSCRIPT_PROCESSING_FAILED'));
    expect(status()).toBe('connected');
    expect(screen.getAllByText('Transcript temporarily unavailable').length).toBeGreaterThan(0);
    expect(world.left).toMatchObject({ peers: 1, sockets: 1 });
    await act(async () => world.socket.say('session_ready', readyData({ callId: 'call-1' })));
    await pass(500);
    expect(screen.queryByText('Transcript temporarily unavailable')).toBeNull();
    expect(world.peers).toHaveLength(1);
  });

  const waiting: ErrorCode[] = ['RATE_LIMITED', 'QUOTA_EXCEEDED', 'UNAVAILABLE'];
  test.each(waiting)('%s: the same again, after a wait', async (code) => {
    world.replies.push(['interview-start', problem(code, { retryAfter: 5 })]);
    await start();
    expect(words(code)).not.toBeNull();
    expect(world.to('interview-start')).toHaveLength(1);
    await pass(4_000);
    expect(status()).toBe('connected');
    const keys = world.to('interview-start').map(({ key }) => key);
    expect(keys).toEqual([keys[0], keys[0]]);
  });

  const final: ErrorCode[] = [
    'INVALID_REQUEST',
    'FORBIDDEN',
    'NOT_FOUND',
    'CONFLICT',
    'SESSION_ENDED',
  ];
  test.each(final)('%s: told at once, and nothing left behind', async (code) => {
    world.replies.push(['interview-start', problem(code)]);
    await start();
    await pass(30_000);
    expect(status()).toBe('error');
    expect(words(code)).not.toBeNull();
    expect(screen.getByRole('alert').textContent).toContain(code);
    expect(world.to('interview-start')).toHaveLength(1);
    expect(world.left).toEqual({ sockets: 0, peers: 0, tracks: 0, contexts: 0 });
    await press('Try again');
    expect(status()).toBe('connected');
  });

  test('no code is left out', () => {
    const shown = ['SDP_EXCHANGE_FAILED', 'WEBRTC_CONNECTION_FAILED', 'AUTHENTICATION_FAILED'];
    const more = ['VM_PROVISIONING_FAILED', 'TRANSCRIPT_PROCESSING_FAILED'];
    expect([...shown, ...more, ...waiting, ...final].sort()).toEqual(
      Object.keys(errorRecoveryMap).sort(),
    );
  });
});

describe('in the middle of an interview', () => {
  test('a lost WebSocket comes back and says what is known; the audio goes on', async () => {
    await start();
    const entry = {
      itemId: 'A1',
      revision: 4,
      previousItemId: null,
      speaker: 'ai',
      content: 'Who are you?',
      timestamp: '2026-11-24T09:00:00Z',
      final: true,
      truncated: false,
      witness: 'sideband',
      confidence: null,
      metadata: null,
    };
    await act(async () => world.socket.say('transcript', { entries: [entry] }));
    await act(async () => world.socket.lose());
    expect(document.querySelector('.viva-manager')?.getAttribute('data-signalling')).toBe('lost');
    expect(status()).toBe('connected');
    await pass(5_000);
    expect(world.sockets).toHaveLength(2);
    expect(world.socket.sent[0]).toMatchObject({ type: 'session', data: { known: { A1: 4 } } });
    expect(world.peers).toHaveLength(1);
    expect(screen.getByText('Who are you?')).toBeTruthy();
  });

  test('a silent proxy is noticed by its heartbeat', async () => {
    await start();
    world.socket.onSession = () => {};
    await pass(14_000);
    expect(world.sockets).toHaveLength(1);
    await pass(20_000);
    expect(world.sockets.length).toBeGreaterThan(1);
    expect(world.left.sockets).toBe(1);
    expect(status()).toBe('connected');
  });

  test('a call that fails is replaced, and held until the other one stands', async () => {
    await start();
    const [first] = world.peers;
    world.onAnswer = () => {};
    await act(async () => first?.become('failed'));
    await pass(100);
    expect(status()).toBe('reconnecting');
    expect(first?.connectionState).toBe('failed');
    expect(world.socket.sent.at(-1)).toMatchObject({ type: 'offer', data: { replaces: 'call-1' } });
    await act(async () => world.peer.become('connected'));
    expect(status()).toBe('connected');
    expect(first?.connectionState).toBe('closed');
    expect(world.to('interview-start')).toHaveLength(1);
  });

  test('a call that is interrupted for less than five seconds is kept', async () => {
    await start();
    await act(async () => world.peer.become('disconnected'));
    await pass(4_000);
    await act(async () => world.peer.become('connected'));
    await pass(10_000);
    expect(world.peers).toHaveLength(1);
    await act(async () => world.peer.become('disconnected'));
    await pass(6_000);
    expect(world.peers).toHaveLength(2);
    expect(status()).toBe('connected');
  });

  test('what the proxy misses is sent from our own account', async () => {
    await start();
    const item = {
      id: 'U1',
      type: 'message',
      role: 'user',
      status: 'completed',
      content: [{ type: 'input_text', text: 'I am Ada.' }],
    };
    await act(async () =>
      world.peer.channel.say({ type: 'conversation.item.done', item, previous_item_id: null }),
    );
    const missing = readyData({ callId: 'call-1', missing: ['U1'] });
    await act(async () => world.socket.say('session_ready', missing));
    await pass(200);
    const [sent] = world.to('transcript-processor');
    expect(sent?.token).toBe('token-1');
    expect(sent?.body).toMatchObject({
      events: [
        { itemId: 'U1', content: 'I am Ada.', speaker: 'candidate', sessionId: 'session-1' },
      ],
    });
  });

  test('a token is renewed at four fifths of its life, and shown to the proxy', async () => {
    const life = btoa(JSON.stringify({ iat: 0, exp: 1_000 }));
    world.replies.push([
      'session-token',
      { status: 200, body: { sessionToken: `h.${life}.s`, expiresAt: '2026-11-24T10:00:00Z' } },
    ]);
    await start();
    await pass(480_000); // an unreadable token counts as ten minutes long
    expect(world.to('session-token')).toHaveLength(1);
    const shown = world.socket.sent.filter(({ data }) => data.token !== undefined);
    expect(shown.map(({ data }) => data.token)).toEqual([`h.${life}.s`]);
    await pass(790_000);
    expect(world.to('session-token')).toHaveLength(1);
    await pass(20_000);
    expect(world.to('session-token')).toHaveLength(2);
  });

  test('another window that takes over is told, and nothing fights for the session', async () => {
    await start();
    await act(async () => world.socket.lose(4001));
    await pass(30_000);
    expect(status()).toBe('error');
    expect(words('CONFLICT')).not.toBeNull();
    expect(world.sockets).toHaveLength(1);
    expect(world.left.peers).toBe(0);
  });

  test('the end is told, and the copies in the browser go', async () => {
    await start();
    expect(sessionStorage.getItem('webrtc-session')).toContain('session-1');
    await act(async () =>
      world.socket.say('session_ended', { reason: 'max_duration', transcriptComplete: true }),
    );
    await pass(100);
    expect(status()).toBe('disconnected');
    expect(screen.getByText(/The time of this interview is over/)).toBeTruthy();
    expect(sessionStorage.length + localStorage.length).toBe(0);
    expect(world.left).toEqual({ sockets: 0, peers: 0, tracks: 0, contexts: 0 });
  });

  test('an end at which the store lacks something: our account is sent until it is taken', async () => {
    await start();
    const content = [{ type: 'input_text', text: 'I am Ada.' }];
    const item = { id: 'U1', type: 'message', role: 'user', status: 'completed', content };
    await act(async () =>
      world.peer.channel.say({ type: 'conversation.item.done', item, previous_item_id: null }),
    );
    world.replies.push(['transcript-processor', problem('UNAVAILABLE')]);
    await act(async () =>
      world.socket.say('session_ended', { reason: 'completed', transcriptComplete: false }),
    );
    await pass(0);
    expect(localStorage.getItem('transcript-session-1')).toContain('I am Ada.');
    await pass(5_000);
    expect(world.to('transcript-processor')).toHaveLength(2);
    expect(sessionStorage.length + localStorage.length).toBe(0);
    expect(screen.getByText('I am Ada.')).toBeTruthy();
  });

  test('a microphone that may not be used is explained', async () => {
    world.microphone = () => {
      throw new DOMException('no', 'NotAllowedError');
    };
    await start();
    expect(status()).toBe('error');
    expect(words('MICROPHONE_DENIED')).not.toBeNull();
    expect(world.asked).toHaveLength(0);
  });
});
