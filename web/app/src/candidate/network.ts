import { asConnectionError, askEdge, errorOf, type WebRTCConnectionError } from '@vivavoce/client';

const callMs = 10_000;
const rounds = 3;

/** How the way to us is. */
export interface NetworkFacts {
  /** Milliseconds of the fastest of a few round trips. */
  readonly roundTripMs: number;
}

/**
 * Ask whether we can be reached, and whether this browser can hold a call at all.
 *
 * Rejects with `UNAVAILABLE`, `WEBRTC_CONNECTION_FAILED`, or what the invitation is refused with.
 */
export async function checkNetwork(
  token: () => Promise<string>,
  signal: AbortSignal,
): Promise<NetworkFacts> {
  const known = await token();
  const times: number[] = [];
  for (let round = 0; round < rounds && !signal.aborted; round += 1) {
    const began = performance.now();
    await askEdge(location.origin, 'showWelcome', { token: known });
    times.push(performance.now() - began);
  }
  await loopACall(signal);
  return { roundTripMs: Math.round(Math.min(...times)) };
}

/** Two ends in this page find each other: some browsers and policies forbid calls altogether. */
async function loopACall(signal: AbortSignal): Promise<void> {
  if (typeof RTCPeerConnection === 'undefined') {
    throw errorOf('WEBRTC_CONNECTION_FAILED', 'This browser cannot make calls.');
  }
  const near = new RTCPeerConnection();
  const far = new RTCPeerConnection();
  try {
    near.onicecandidate = ({ candidate }) => void far.addIceCandidate(candidate ?? undefined);
    far.onicecandidate = ({ candidate }) => void near.addIceCandidate(candidate ?? undefined);
    const opened = isOpen(near.createDataChannel('check'), signal);
    await near.setLocalDescription();
    await far.setRemoteDescription(near.localDescription as RTCSessionDescription);
    await far.setLocalDescription();
    await near.setRemoteDescription(far.localDescription as RTCSessionDescription);
    await opened;
  } finally {
    near.close();
    far.close();
  }
}

function isOpen(channel: RTCDataChannel, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () =>
      reject(errorOf('WEBRTC_CONNECTION_FAILED', 'This browser lets no call through.'));
    const timer = setTimeout(fail, callMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      fail();
    });
    channel.onopen = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

/** The same, as an outcome in place of a rejection. */
export async function networkOutcome(
  token: () => Promise<string>,
  signal: AbortSignal,
): Promise<NetworkFacts | WebRTCConnectionError> {
  return checkNetwork(token, signal).catch(asConnectionError);
}
