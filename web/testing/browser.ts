/**
 * Stand-ins for what a browser has and Node has not: sockets, calls, sound, microphones, HTTP.
 *
 * They count what is open, so that a test can say that nothing is left. What they stand for is
 * tested in a real browser (tests/e2e).
 */
import { vi } from 'vitest';

/** One request that the page made. */
export interface Asked {
  readonly path: string;
  readonly token: string;
  readonly key: string | null;
  readonly body: Record<string, unknown>;
}

export type Reply = { readonly status: number; readonly body: unknown };
export type Sent = { readonly type: string; readonly data: Record<string, unknown> };

/** What a problem document of the API looks like. */
export function problem(code: string, more: Record<string, unknown> = {}): Reply {
  const body = { code, detail: `It failed: ${code}.`, requestId: 'r-1', ...more };
  return { status: 503, body };
}

export const sdpProxyUrl = 'ws://control.test/s/session-1/ws';

const at = '2026-11-24T09:00:00Z';

export function readyData(more: Record<string, unknown> = {}) {
  return {
    status: 'ready',
    resumed: false,
    answer: null,
    callId: null,
    iceServers: [],
    expiresAt: '2026-11-24T10:00:00Z',
    missing: [],
    ...more,
  };
}

/** The whole world around a page. */
export class FakeBrowser {
  readonly asked: Asked[] = [];
  readonly sockets: FakeSocket[] = [];
  readonly peers: FakePeer[] = [];
  readonly tracks: FakeTrack[] = [];
  readonly contexts: FakeContext[] = [];
  /** Answers to requests, by the end of the path, first come first served; else all is well. */
  readonly replies: [path: string, reply: Reply][] = [];
  /** What a proxy does about an offer; it answers, unless told otherwise. */
  onOffer: (socket: FakeSocket, callId: string) => void = (socket, callId) =>
    socket.say('session_ready', readyData({ answer: { type: 'answer', sdp: 'a' }, callId }));
  /** What becomes of a call once it is answered. */
  onAnswer: (peer: FakePeer) => void = (peer) => peer.become('connected');
  microphone: () => FakeTrack = () => new FakeTrack(this.tracks);
  architecture: 'hybrid' | 'direct' = 'hybrid';
  offers = 0;
  /** The microphones that there are, by name and id in one. */
  devices: string[] = [];
  /** Which of them were asked for; undefined for any. */
  readonly wanted: (string | undefined)[] = [];
  /** Of whatever is measured, 0 to 1. */
  loudness = 0.25;
  /** What was said in the session before, in another browser. */
  stored: unknown[] = [];

  constructor() {
    const world = this;
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => this.#fetch(url, init));
    vi.stubGlobal(
      'WebSocket',
      class extends FakeSocket {
        constructor(url: string, protocols: string[]) {
          super(url, protocols, world);
        }
      },
    );
    vi.stubGlobal(
      'RTCPeerConnection',
      class extends FakePeer {
        constructor() {
          super(world);
        }
      },
    );
    vi.stubGlobal(
      'AudioContext',
      class extends FakeContext {
        constructor() {
          super(world);
        }
      },
    );
    vi.stubGlobal('MediaStream', class {});
    vi.stubGlobal(
      'Audio',
      class {
        srcObject: unknown = null;
        play = async () => {};
        pause = () => {};
      },
    );
    vi.stubGlobal('navigator', {
      mediaDevices: {
        addEventListener: () => {},
        removeEventListener: () => {},
        enumerateDevices: async () =>
          world.devices.map((label) => ({ kind: 'audioinput', deviceId: label, label })),
        getUserMedia: async ({ audio }: { audio: { deviceId?: { exact: string } } }) => {
          const id = audio.deviceId?.exact;
          world.wanted.push(id);
          if (id !== undefined && !world.devices.includes(id)) {
            throw new DOMException('gone', 'OverconstrainedError');
          }
          const track = world.microphone();
          track.deviceId = id ?? '';
          return { getAudioTracks: () => [track] };
        },
      },
    });
  }

  /** What is still open; every number must be 0 in the end. */
  get left() {
    return {
      sockets: this.sockets.filter(({ readyState }) => readyState < 2).length,
      peers: this.peers.filter(({ connectionState }) => connectionState !== 'closed').length,
      tracks: this.tracks.filter(({ readyState }) => readyState === 'live').length,
      contexts: this.contexts.filter(({ state }) => state !== 'closed').length,
    };
  }

  /** The requests to a path. */
  to(end: string): Asked[] {
    return this.asked.filter(({ path }) => path.endsWith(end));
  }

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('no socket yet');
    return socket;
  }

  get peer(): FakePeer {
    const peer = this.peers.at(-1);
    if (peer === undefined) throw new Error('no call yet');
    return peer;
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const { pathname } = new URL(url);
    const headers = new Headers(init.headers);
    const isJson = headers.get('content-type') === 'application/json';
    this.asked.push({
      path: pathname,
      token: (headers.get('authorization') ?? '').replace('Bearer ', ''),
      key: headers.get('idempotency-key'),
      body: isJson ? JSON.parse(String(init.body)) : {},
    });
    const index = this.replies.findIndex(([path]) => pathname.endsWith(path));
    const [planned] = index < 0 ? [] : this.replies.splice(index, 1);
    const { status, body } = planned?.[1] ?? this.#usual(pathname);
    if (pathname.endsWith('/calls') && planned === undefined) {
      return new Response('v=0', {
        status: 201,
        headers: { location: '/v1/realtime/calls/rtc_1' },
      });
    }
    return new Response(body === undefined ? null : JSON.stringify(body), { status });
  }

  #usual(path: string): Reply {
    const starts = this.to('interview-start').length;
    const renewals = this.to('session-token').length;
    const clientSecret = { value: 'ek_1', expiresAt: at };
    if (path.endsWith('interview-start')) {
      const isDirect = this.architecture === 'direct';
      const openaiConfig = {
        url: 'http://model.test/v1/realtime/calls',
        model: 'm',
        voice: 'v',
        instructions: '',
      };
      return {
        status: 200,
        body: {
          sessionId: `session-${starts}`,
          sessionToken: `token-${starts}`,
          webrtcConfig: {
            sdpProxyUrl: isDirect ? null : `ws://control.test/s/session-${starts}/ws`,
            openaiConfig: isDirect ? { ...openaiConfig, clientSecret } : openaiConfig,
            stunServers: [],
            turnServers: [],
          },
          metadata: {
            tenantId: 't',
            userId: 'u',
            createdAt: at,
            expiresAt: '2026-11-24T10:00:00Z',
          },
        },
      };
    }
    if (path.endsWith('session-token')) {
      const renewed = { sessionToken: `renewed-${renewals}`, expiresAt: at };
      return {
        status: 200,
        body: this.architecture === 'direct' ? { ...renewed, clientSecret } : renewed,
      };
    }
    if (path.endsWith('/transcript')) return { status: 200, body: { entries: this.stored } };
    if (path.endsWith('transcript-processor')) {
      return { status: 200, body: { accepted: 1, duplicates: 0, rejected: [] } };
    }
    return path.endsWith('/call') ? { status: 204, body: undefined } : { status: 200, body: {} };
  }
}

/** A WebSocket with a proxy behind it. */
export class FakeSocket {
  static readonly OPEN = 1;
  readonly url: string;
  readonly protocols: string[];
  readyState = 0;
  readonly sent: Sent[] = [];
  closedWith: number | undefined;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly #world: FakeBrowser;

  constructor(url: string, protocols: string[], world: FakeBrowser) {
    this.url = url;
    this.protocols = protocols;
    this.#world = world;
    world.sockets.push(this);
    queueMicrotask(() => {
      if (this.readyState !== 0) return;
      this.readyState = 1;
      this.onopen?.();
    });
  }

  send(text: string): void {
    const message: Sent = JSON.parse(text);
    this.sent.push(message);
    if (message.type === 'session') this.onSession();
    if (message.type === 'offer') {
      this.#world.offers += 1;
      this.#world.onOffer(this, `call-${this.#world.offers}`);
    }
  }

  /** What the proxy does about a `session` message. */
  onSession: () => void = () => this.say('session_ready', readyData());

  say(type: string, data: unknown): void {
    this.onmessage?.({ data: JSON.stringify({ type, data, timestamp: at }) });
  }

  fail(code: string): void {
    this.say('error', { code, message: code, retryable: true, recovery: '', details: {} });
  }

  /** The other side, or the network, closes it. */
  lose(code = 1006): void {
    if (this.readyState > 1) return;
    this.readyState = 3;
    this.onclose?.({ code });
  }

  close(code?: number): void {
    this.closedWith ??= code;
    this.readyState = 3;
  }
}

export class FakeChannel extends EventTarget {
  readyState: 'connecting' | 'open' | 'closed' = 'open';
  readonly sent: Record<string, unknown>[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  say(event: Record<string, unknown>): void {
    this.onmessage?.({ data: JSON.stringify(event) });
  }

  lose(): void {
    this.readyState = 'closed';
    this.onclose?.();
  }
}

export class FakePeer {
  connectionState: RTCPeerConnectionState = 'new';
  iceGatheringState = 'complete';
  localDescription: { sdp: string } | null = null;
  ontrack: ((event: unknown) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  onicegatheringstatechange: (() => void) | null = null;
  readonly channel = new FakeChannel();
  readonly #world: FakeBrowser;

  constructor(world: FakeBrowser) {
    this.#world = world;
    world.peers.push(this);
  }

  addTransceiver = () => ({ sender: { replaceTrack: async () => {} } });
  createDataChannel = () => this.channel;
  getStats = async () => new Map();

  async setLocalDescription(): Promise<void> {
    this.localDescription = { sdp: 'v=0' };
  }

  async setRemoteDescription(): Promise<void> {
    queueMicrotask(() => {
      if (this.connectionState !== 'closed') this.#world.onAnswer(this);
    });
  }

  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
    if (state === 'connected') {
      this.ontrack?.({ track: {}, streams: [new MediaStream()] });
    }
  }

  close(): void {
    this.connectionState = 'closed';
  }
}

export class FakeTrack {
  readonly kind = 'audio';
  readyState: 'live' | 'ended' = 'live';
  enabled = true;
  deviceId = '';
  onended: (() => void) | null = null;
  getSettings = () => ({ deviceId: this.deviceId });

  constructor(all: FakeTrack[]) {
    all.push(this);
  }

  stop(): void {
    this.readyState = 'ended';
  }
}

export class FakeContext {
  state = 'running';

  readonly #world: FakeBrowser;

  constructor(world: FakeBrowser) {
    this.#world = world;
    world.contexts.push(this);
  }

  resume = async () => {};
  createMediaStreamSource = () => ({ connect: () => {}, disconnect: () => {} });
  createAnalyser = () => ({
    fftSize: 1024,
    getFloatTimeDomainData: (all: Float32Array) => all.fill(this.#world.loudness),
  });

  async close(): Promise<void> {
    this.state = 'closed';
  }
}
