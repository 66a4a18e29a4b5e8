import { act, cleanup, render, renderHook, screen } from '@testing-library/react';
import {
  errorOf,
  type TranscriptEntry,
  transcriptKey,
  WebRTCConnectionError,
} from '@vivavoce/client';
import type { ReactNode } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser, sdpProxyUrl } from '../../testing/browser.ts';
import {
  InterviewRoom,
  SessionProvider,
  TranscriptPanel,
  TranscriptProvider,
  useConnectionState,
  useOpenAIConnection,
  useRetry,
  useSDPProxy,
  useTranscriptManager,
  useWebRTC,
  type WebRTCConfig,
  WebRTCProvider,
} from '../src/index.ts';

let world: FakeBrowser;

beforeEach(() => {
  vi.useFakeTimers();
  world = new FakeBrowser();
});

afterEach(async () => {
  cleanup();
  await vi.advanceTimersByTimeAsync(20_000);
  sessionStorage.clear();
  localStorage.clear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const config: WebRTCConfig = { baseUrl: 'http://control.test', token: 'user' };
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const openaiConfig = {
  url: 'http://model.test/v1/realtime/calls',
  model: 'm',
  voice: 'v',
  instructions: '',
};

function entry(itemId: string, content: string, more: Partial<TranscriptEntry> = {}) {
  return {
    itemId,
    revision: 1,
    previousItemId: null,
    speaker: 'ai',
    content,
    timestamp: '2026-11-24T09:00:00Z',
    final: true,
    truncated: false,
    witness: 'sideband',
    confidence: null,
    metadata: null,
    ...more,
  } satisfies TranscriptEntry;
}

test('useWebRTC connects, shows what is said in batches, and leaves', async () => {
  let renders = 0;
  const { result } = renderHook(() => {
    renders += 1;
    return useWebRTC(config);
  });
  expect(result.current.status).toBe('idle');
  await act(() => result.current.connect());
  expect(result.current).toMatchObject({ status: 'connected', isRecording: true });
  await pass(1_000);
  const before = renders;
  await act(async () => {
    for (let revision = 1; revision <= 30; revision += 1) {
      const one = entry('A1', `Word ${revision}`, { revision, final: false });
      world.socket.say('transcript', { entries: [one] });
    }
  });
  expect(result.current.transcript).toEqual([]);
  await pass(100);
  expect(result.current.transcript.map(({ content }) => content)).toEqual(['Word 30']);
  expect(renders - before).toBeLessThanOrEqual(2);
  let left: Promise<void> | undefined;
  await act(async () => {
    left = result.current.disconnect();
  });
  await act(async () =>
    world.socket.say('session_ended', { reason: 'candidate_left', transcriptComplete: true }),
  );
  await left;
  expect(world.to('/v1/sessions/session-1/end')).toHaveLength(1);
  expect(result.current.status).toBe('disconnected');
  expect(result.current.ending).toEqual({ reason: 'candidate_left', transcriptComplete: true });
  expect(world.left).toEqual({ sockets: 0, peers: 0, tracks: 0, contexts: 0 });
});

test.each([
  [['Built in', 'Headset'], ['Headset']],
  [['Built in'], ['Headset', undefined]],
])('with %j it opens the chosen microphone, or any other if that is gone', async (all, wanted) => {
  world.devices = all;
  const { result } = renderHook(() => useWebRTC({ ...config, microphoneId: 'Headset' }));
  await act(() => result.current.connect());
  expect(world.wanted).toEqual(wanted);
  expect(result.current).toMatchObject({ status: 'connected', isRecording: true });
});

test('connect never rejects: what failed stands in the state', async () => {
  world.replies.push([
    'interview-start',
    { status: 400, body: { code: 'INVALID_REQUEST', detail: 'no' } },
  ]);
  const { result } = renderHook(() => useWebRTC(config));
  await act(() => result.current.connect());
  expect(result.current.status).toBe('error');
  expect(result.current.error).toBeInstanceOf(WebRTCConnectionError);
  expect(result.current.error?.code).toBe('INVALID_REQUEST');
});

test('a session that was started elsewhere is taken up without starting another', async () => {
  const given: WebRTCConfig = {
    baseUrl: 'http://control.test',
    sessionId: 'session-1',
    sessionToken: 'token-1',
    proxyUrl: sdpProxyUrl,
    openaiConfig,
    stunServers: ['stun:stun.test'],
  };
  const { result } = renderHook(() => useWebRTC(given));
  await act(() => result.current.connect());
  expect(result.current.status).toBe('connected');
  expect(world.to('interview-start')).toHaveLength(0);
  expect(world.socket.url).toBe(sdpProxyUrl);
  expect(world.socket.protocols).toEqual(['viva.v1', 'bearer.token-1']);
});

test('a page that is loaded again shows its copy and comes back to the same call', async () => {
  const first = render(<InterviewRoom config={config} />);
  screen.getByRole('button', { name: 'Start the interview' }).click();
  await pass(500);
  await act(async () => world.socket.say('transcript', { entries: [entry('A1', 'Who?')] }));
  await pass(1_500);
  first.unmount();
  await pass(100);

  render(<InterviewRoom config={config} />);
  expect(screen.getByText('Who?')).toBeTruthy();
  expect(screen.getByText(/before the connection was lost/)).toBeTruthy();
  screen.getByRole('button', { name: 'Go on' }).click();
  await pass(500);
  expect(world.to('interview-start')).toHaveLength(1);
  expect(world.socket.sent[0]).toMatchObject({ type: 'session', data: { known: { A1: 1 } } });
  const offer = world.socket.sent.find(({ type }) => type === 'offer');
  expect(offer?.data.replaces).toBe('call-1');
  expect(screen.queryByText(/before the connection was lost/)).toBeNull();
});

test('a tab comes back only to a session of the same interview', async () => {
  const first = renderHook(() => useWebRTC({ ...config, scope: 'invitation-1' }));
  await act(() => first.result.current.connect());
  first.unmount();
  await pass(100);
  for (const other of [{ scope: 'invitation-2' }, {}, { baseUrl: 'http://other.test' }]) {
    expect(renderHook(() => useWebRTC({ ...config, ...other })).result.current.canResume).toBe(
      false,
    );
  }
  const same = renderHook(() => useWebRTC({ ...config, scope: 'invitation-1' }));
  expect(same.result.current.canResume).toBe(true);
  await act(() => same.result.current.connect());
  expect(world.to('interview-start')).toHaveLength(1);
});

test('a session that is over when the page comes back is not started anew', async () => {
  const { result, unmount } = renderHook(() => useWebRTC(config));
  await act(() => result.current.connect());
  unmount();
  await pass(100);
  const again = renderHook(() => useWebRTC(config));
  await act(async () => {
    void again.result.current.connect();
  });
  await act(async () => world.socket.lose(4410));
  await pass(60_000);
  expect(world.to('interview-start')).toHaveLength(1);
  expect(again.result.current.status).toBe('disconnected');
  expect(again.result.current.ending).toEqual({ reason: null, transcriptComplete: null });
  expect(sessionStorage.length).toBe(0);
});

test('direct: offers with its secret, reports the call, sends what was said', async () => {
  world.architecture = 'direct';
  const { result } = renderHook(() =>
    useWebRTC({ ...config, request: { architecture: 'direct' } }),
  );
  await act(() => result.current.connect());
  expect(result.current.status).toBe('connected');
  expect(world.sockets).toHaveLength(0);
  expect(world.to('/v1/realtime/calls')[0]?.token).toBe('ek_1');
  expect(world.to('/call')[0]?.body).toEqual({ callId: 'rtc_1' });
  expect(world.peer.channel.sent).toEqual([{ type: 'response.create', response: {} }]);
  const item = { id: 'U1', role: 'user', content: [{ type: 'input_text', text: 'I am Ada.' }] };
  await act(async () => world.peer.channel.say({ type: 'conversation.item.done', item }));
  await pass(300);
  const [sent] = world.to('transcript-processor');
  expect(sent?.body).toMatchObject({ events: [{ itemId: 'U1', content: 'I am Ada.' }] });
});

test('direct: what is said is stored with how loud it was', async () => {
  world.architecture = 'direct';
  const { result } = renderHook(() => useWebRTC(config));
  await act(() => result.current.connect());
  const { channel } = world.peer;
  channel.say({ type: 'input_audio_buffer.speech_started', item_id: 'U1' });
  await pass(1_000);
  channel.say({ type: 'input_audio_buffer.speech_stopped', item_id: 'U1' });
  const kind = 'conversation.item.input_audio_transcription.completed';
  channel.say({ type: kind, item_id: 'U1', transcript: 'I am Ada.' });
  await pass(300);
  const [sent] = world.to('transcript-processor');
  expect(sent?.body).toMatchObject({
    events: [{ content: 'I am Ada.', metadata: { audioLevel: 0.25, processingLatency: 0 } }],
  });
});

test('direct: an interview that began in another browser goes on without a greeting', async () => {
  world.architecture = 'direct';
  world.stored = [entry('A1', 'Who?', { witness: 'client' })];
  const { result } = renderHook(() => useWebRTC(config));
  await act(() => result.current.connect());
  const [told, begun] = world.peer.channel.sent;
  expect(told).toMatchObject({
    type: 'conversation.item.create',
    item: { id: 'A1', role: 'assistant', content: [{ type: 'output_text', text: 'Who?' }] },
  });
  expect(begun).toEqual({ type: 'response.create', response: {} });
  await pass(200);
  expect(result.current.transcript.map(({ content }) => content)).toEqual(['Who?']);
});

test('direct: transcripts that cannot be stored warn, are kept, and are sent again', async () => {
  world.architecture = 'direct';
  const refused = { status: 503, body: { code: 'UNAVAILABLE', detail: 'away' } };
  world.replies.push(['transcript-processor', refused], ['transcript-processor', refused]);
  const { result } = renderHook(() => useWebRTC(config));
  await act(() => result.current.connect());
  const item = { id: 'U1', role: 'user', content: [{ type: 'input_text', text: 'I am Ada.' }] };
  await act(async () => world.peer.channel.say({ type: 'conversation.item.done', item }));
  await pass(200);
  expect(result.current).toMatchObject({ status: 'connected' });
  expect(result.current.warning?.title).toBe('Transcript temporarily unavailable');
  await pass(20_000);
  expect(result.current.warning).toBeNull();
  expect(world.to('transcript-processor')).toHaveLength(3);
});

test('typed answers and the repeat button are items of the conversation', async () => {
  const { result } = renderHook(() => useWebRTC(config));
  await act(() => result.current.connect());
  const { channel } = world.peer;
  await act(async () => channel.say({ type: 'response.created', response: { id: 'r1' } }));
  await act(() => result.current.interview.say(' I am Ada. '));
  expect(channel.sent.map(({ type }) => type)).toEqual([
    'response.cancel',
    'output_audio_buffer.clear',
    'conversation.item.create',
    'response.create',
  ]);
  expect(channel.sent[2]).toMatchObject({
    item: { role: 'user', content: [{ type: 'input_text', text: 'I am Ada.' }] },
  });
  await act(() => result.current.interview.pause());
  expect(world.to('/events')[0]?.body).toEqual({ type: 'pause' });
  expect(result.current).toMatchObject({ isPaused: true, isRecording: false });
  expect(world.tracks.at(-1)?.enabled).toBe(false);
});

test('useTranscriptManager shows this browser’s copy of a session, and forgets it', () => {
  localStorage.setItem(transcriptKey('old'), JSON.stringify([entry('A1', 'Who?'), { x: 1 }]));
  const { result } = renderHook(() => useTranscriptManager('old'));
  expect(result.current.transcript.map(({ content }) => content)).toEqual(['Who?']);
  expect(result.current.isCached).toBe(true);
  result.current.cleanup();
  expect(localStorage.length).toBe(0);
});

test('a session that begins clears the copies of those before', async () => {
  localStorage.setItem(transcriptKey('old'), JSON.stringify([entry('A1', 'Who?')]));
  localStorage.setItem('theirs', 'kept');
  const { result } = renderHook(() => useWebRTC(config));
  await act(() => result.current.connect());
  await act(async () => world.socket.say('transcript', { entries: [entry('B1', 'Hello.')] }));
  await pass(2_000);
  expect(Object.keys(localStorage).sort()).toEqual(['theirs', transcriptKey('session-1')]);
  expect(result.current.transcript.map(({ content }) => content)).toEqual(['Hello.']);
});

test('a browser that keeps nothing holds the interview all the same', async () => {
  const refuse = () => {
    throw new DOMException('no', 'QuotaExceededError');
  };
  vi.spyOn(Storage.prototype, 'setItem').mockImplementation(refuse);
  vi.spyOn(Storage.prototype, 'getItem').mockImplementation(refuse);
  const { result } = renderHook(() => useWebRTC(config));
  await act(() => result.current.connect());
  await pass(2_000);
  expect(result.current.status).toBe('connected');
  vi.restoreAllMocks();
});

test('the providers give everything inside one interview', async () => {
  const inside = (props: { readonly children: ReactNode }) => (
    <SessionProvider>
      <WebRTCProvider config={config}>
        <TranscriptProvider>
          {props.children}
          <TranscriptPanel />
        </TranscriptProvider>
      </WebRTCProvider>
    </SessionProvider>
  );
  const hooks = () => [useConnectionState(), useTranscriptManager()] as const;
  const { result } = renderHook(hooks, { wrapper: inside });
  await act(() => result.current[0].connect());
  await act(async () => world.socket.say('transcript', { entries: [entry('A1', 'Who?')] }));
  await pass(200);
  expect(result.current[0].status).toBe('connected');
  expect(result.current[1].transcript).toHaveLength(1);
  expect(screen.getByRole('log').textContent).toContain('Who?');
  expect(() => renderHook(() => useConnectionState())).toThrow('WebRTCProvider');
});

test('useSDPProxy exchanges an offer, and shares one WebSocket per URL', async () => {
  const proxy = { url: sdpProxyUrl, sessionId: 'session-1', sessionToken: 'token-1' };
  const one = renderHook(() => useSDPProxy(proxy));
  const other = renderHook(() => useSDPProxy(sdpProxyUrl));
  expect(one.result.current.status).toBe('closed');
  expect(await act(() => one.result.current.exchange('v=0'))).toBe('a');
  expect(other.result.current.isOpen).toBe(true);
  expect(await act(() => other.result.current.exchange('v=0'))).toBe('a');
  expect(world.sockets).toHaveLength(1);
  one.unmount();
  await pass(0);
  expect(other.result.current.status).toBe('closed');
  expect(world.left.sockets).toBe(0);
});

test('useOpenAIConnection holds a call of its own, and closes all of it', async () => {
  const clientSecret = { value: 'ek_1', expiresAt: '2026-11-24T10:00:00Z' };
  const heard: unknown[] = [];
  const { result, unmount } = renderHook(() =>
    useOpenAIConnection({ ...openaiConfig, clientSecret, onMessage: (data) => heard.push(data) }),
  );
  await act(() => result.current.connect());
  expect(result.current).toMatchObject({ status: 'connected', callId: 'rtc_1' });
  await act(() => result.current.send({ type: 'response.create' }));
  world.peer.channel.say({ type: 'session.created' });
  expect(heard).toEqual(['{"type":"session.created"}']);
  await act(async () => world.peer.channel.lose());
  expect(result.current.status).toBe('lost');
  unmount();
  await pass(0);
  expect(world.left).toEqual({ sockets: 0, peers: 0, tracks: 0, contexts: 0 });
});

test('useRetry counts attempts, and gives up what waits on unmount', async () => {
  const { result, unmount } = renderHook(() => useRetry({ maxAttempts: 3, jitter: false }));
  const failures = [errorOf('UNAVAILABLE', 'one'), errorOf('UNAVAILABLE', 'two')];
  const doing = result.current.retry(async () => {
    const failure = failures.shift();
    if (failure) throw failure;
    return 'done';
  });
  await pass(1_500);
  expect(result.current).toMatchObject({ retryCount: 2, isRetrying: true });
  await pass(2_000);
  expect(await doing).toBe('done');
  expect(result.current).toMatchObject({ retryCount: 2, isRetrying: false });
  expect('error' in result.current).toBe(false);

  const waiting = result.current.retry(async () => Promise.reject(errorOf('UNAVAILABLE', 'x')));
  const outcome = waiting.catch((error) => error.name);
  await pass(100);
  unmount();
  expect(await outcome).toBe('AbortError');
  expect(vi.getTimerCount()).toBe(0);
});
