import type { ConnectionMetrics } from './connection.ts';
import { asConnectionError, errorOf } from './errors.ts';
import type { ClientEvent } from './realtime.ts';
import { type Readable, Store, until } from './store.ts';
import { aborting, sleep, Tasks, within } from './tasks.ts';
import type { Answer } from './way.ts';

export const channelLabel = 'oai-events';
/** For ICE candidates; the offer may go without any, so this is the price of a TURN server. */
export const gatherMs = 1_000;
export const connectMs = 15_000;
const channelMs = 10_000;
/** How long the browser's `disconnected` may last before the call counts as lost. */
export const patienceMs = 5_000;
const statsMs = 1_000;

/** Who is told what of a call. None of them waits. */
export interface CallListener {
  /** A message of the data channel, as it came. */
  readonly onMessage: (data: unknown) => void;
  /** The interviewer's sound. */
  readonly onStream: (stream: MediaStream) => void;
  readonly onMetrics: (metrics: ConnectionMetrics) => void;
}

export interface CallOptions {
  /** Sends an SDP offer wherever it must go, and gives the answer. */
  readonly exchange: (sdp: string) => Promise<Answer>;
  /** What is sent; null sends nothing, for a candidate who only types. */
  readonly microphone: MediaStreamTrack | null;
  readonly iceServers: RTCIceServer[];
  readonly listener: CallListener;
  readonly signal: AbortSignal;
}

/**
 * Why a call is lost: the other side has closed its data channel, or nothing comes any more. The
 * browser does not always notice the first otherwise; an end of the interview may be behind it.
 */
export type CallLoss = 'closed' | 'silent';

/** One call with the voice model over WebRTC: audio both ways and the `oai-events` channel. */
export interface VoiceCall {
  /** As the voice model names it, where it does. */
  readonly id: string | null;
  /** From the offer to the answer, and to the connected call. */
  readonly metrics: ConnectionMetrics;
  readonly loss: Readable<CallLoss | null>;
  /** Send an event to the voice model; rejects if the data channel does not open or is closed. */
  send(event: ClientEvent): Promise<void>;
  /** Send another microphone, or none. */
  switchMicrophone(track: MediaStreamTrack | null): Promise<void>;
  /** End it. Nothing of it is left afterwards. */
  close(): Promise<void>;
}

/**
 * Offer a call and connect it.
 *
 * Rejects with what `exchange` rejects with, with `SDP_EXCHANGE_FAILED` if the answer cannot be
 * used, and with `WEBRTC_CONNECTION_FAILED` if no audio can flow within 15 s.
 */
export async function openCall(options: CallOptions): Promise<VoiceCall> {
  const { exchange, microphone, iceServers, listener, signal } = options;
  const peer = new RTCPeerConnection({ iceServers });
  const tasks = new Tasks(() => {}); // what ends them ends the call, which is noticed as such
  const loss = new Store<CallLoss | null>(null);
  const close = async () => {
    dismiss(peer);
    await tasks.stop();
  };
  try {
    const transceiver = peer.addTransceiver(microphone ?? 'audio', { direction: 'sendrecv' });
    peer.ontrack = ({ track, streams }) =>
      listener.onStream(streams[0] ?? new MediaStream([track]));
    const channel = openChannel(peer, listener, loss);
    const state = watchState(peer, loss, tasks);
    await describe(peer, signal);
    const offeredAt = performance.now();
    const answer = await aborting(exchange(peer.localDescription?.sdp ?? ''), signal);
    const offerAnswerMs = performance.now() - offeredAt;
    await accept(peer, answer.sdp);
    await untilConnected(state, signal);
    const connectedMs = performance.now() - offeredAt;
    tasks.start((stopped) => measure(peer, listener, offeredAt, stopped));
    return {
      id: answer.callId,
      metrics: { offerAnswerMs, connectedMs },
      loss,
      send: (event) => sendOn(channel, event, tasks.signal),
      switchMicrophone: (track) => transceiver.sender.replaceTrack(track),
      close,
    };
  } catch (error) {
    await close();
    signal.throwIfAborted();
    throw asConnectionError(error);
  }
}

function openChannel(
  peer: RTCPeerConnection,
  listener: CallListener,
  loss: Store<CallLoss | null>,
): RTCDataChannel {
  const channel = peer.createDataChannel(channelLabel);
  channel.onmessage = ({ data }) => listener.onMessage(data);
  channel.onclose = () => loss.set('closed');
  return channel;
}

/** Follow the connection's state; what lasts too long, or is final, loses the call. */
function watchState(
  peer: RTCPeerConnection,
  loss: Store<CallLoss | null>,
  tasks: Tasks,
): Store<RTCPeerConnectionState> {
  const state = new Store<RTCPeerConnectionState>(peer.connectionState);
  peer.onconnectionstatechange = () => {
    state.set(peer.connectionState);
    if (peer.connectionState === 'failed' || peer.connectionState === 'closed') loss.set('silent');
    if (peer.connectionState === 'disconnected') {
      tasks.start(async (signal) => {
        await sleep(patienceMs, signal);
        if (peer.connectionState === 'disconnected') loss.set('silent');
      });
    }
  };
  return state;
}

/** Make the offer, and give ICE a moment to find addresses. */
async function describe(peer: RTCPeerConnection, signal: AbortSignal): Promise<void> {
  await peer.setLocalDescription();
  const gathering = new Store(peer.iceGatheringState);
  peer.onicegatheringstatechange = () => gathering.set(peer.iceGatheringState);
  gathering.set(peer.iceGatheringState);
  const gathered = (limit: AbortSignal) =>
    until(gathering, (state) => state === 'complete', limit).then(() => {});
  await within(gatherMs, signal, gathered, () => new Error('late')).catch(() => {});
  peer.onicegatheringstatechange = null;
  signal.throwIfAborted();
}

async function accept(peer: RTCPeerConnection, sdp: string): Promise<void> {
  try {
    await peer.setRemoteDescription({ type: 'answer', sdp });
  } catch {
    throw errorOf('SDP_EXCHANGE_FAILED', 'The answer to the offer cannot be used.');
  }
}

async function untilConnected(
  state: Store<RTCPeerConnectionState>,
  signal: AbortSignal,
): Promise<void> {
  const failed = () =>
    errorOf(
      'WEBRTC_CONNECTION_FAILED',
      'No audio connection could be made. A firewall may block UDP; a TURN server helps.',
    );
  const final = (limit: AbortSignal) =>
    until(state, (one) => ['connected', 'failed', 'closed'].includes(one), limit);
  if ((await within(connectMs, signal, final, failed)) !== 'connected') throw failed();
}

async function sendOn(
  channel: RTCDataChannel,
  event: ClientEvent,
  signal: AbortSignal,
): Promise<void> {
  const closed = () => errorOf('WEBRTC_CONNECTION_FAILED', "The call's data channel is not open.");
  if (channel.readyState === 'connecting') {
    const opened = () =>
      new Promise<void>((resolve) => {
        channel.addEventListener('open', () => resolve(), { once: true });
      });
    await within(channelMs, signal, opened, closed);
  }
  if (channel.readyState !== 'open') throw closed();
  channel.send(JSON.stringify(event));
}

/** Measure the path each second, and note when the interviewer was first heard. */
async function measure(
  peer: RTCPeerConnection,
  listener: CallListener,
  offeredAt: number,
  signal: AbortSignal,
): Promise<void> {
  let isHeard = false;
  for (;;) {
    const metrics = metricsOf(await peer.getStats());
    if (!isHeard && metrics.isHeard) {
      isHeard = true;
      listener.onMetrics({ firstAudioMs: performance.now() - offeredAt });
    }
    listener.onMetrics(metrics.path);
    await sleep(isHeard ? statsMs : statsMs / 10, signal);
  }
}

type Stat = Readonly<Record<string, unknown>>;

/** W3C WebRTC Statistics: `candidate-pair`, `inbound-rtp`. */
function metricsOf(report: RTCStatsReport): { isHeard: boolean; path: ConnectionMetrics } {
  let isHeard = false;
  let path: ConnectionMetrics = {};
  report.forEach((stat: Stat) => {
    if (stat.type === 'candidate-pair' && stat.nominated && isNumber(stat.currentRoundTripTime)) {
      path = { ...path, roundTripMs: stat.currentRoundTripTime * 1000 };
    }
    if (stat.type === 'inbound-rtp' && stat.kind === 'audio') {
      const { packetsReceived, packetsLost, jitter, totalAudioEnergy } = stat;
      isHeard = isNumber(totalAudioEnergy) && totalAudioEnergy > 1e-6;
      if (isNumber(packetsReceived) && isNumber(packetsLost) && packetsReceived > 0) {
        const loss = Math.max(0, packetsLost) / (packetsReceived + Math.max(0, packetsLost));
        path = { ...path, loss };
      }
      if (isNumber(jitter)) path = { ...path, jitterMs: jitter * 1000 };
    }
  });
  return { isHeard, path };
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function dismiss(peer: RTCPeerConnection): void {
  peer.ontrack = peer.onconnectionstatechange = peer.onicegatheringstatechange = null;
  peer.close();
}
