import { type DeviceCode, WebRTCConnectionError } from './errors.ts';

const constraints: MediaTrackConstraints = {
  channelCount: 1,
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};

/**
 * Open the microphone. The caller owns the track, and stops it.
 *
 * Rejects with `MICROPHONE_DENIED`, `MICROPHONE_MISSING` or `MICROPHONE_BUSY`.
 * Source: W3C Media Capture and Streams, "getUserMedia()".
 */
export async function openMicrophone(deviceId?: string): Promise<MediaStreamTrack> {
  const devices = globalThis.navigator?.mediaDevices;
  if (devices === undefined) {
    throw refusal('MICROPHONE_DENIED', 'A page has a microphone only over https or on localhost.');
  }
  const wanted = deviceId === undefined ? {} : { deviceId: { exact: deviceId } };
  try {
    const stream = await devices.getUserMedia({ audio: { ...constraints, ...wanted } });
    const [track] = stream.getAudioTracks();
    if (track === undefined) throw new DOMException('no track', 'NotFoundError');
    return track;
  } catch (error) {
    throw explained((error as Partial<Error> | null)?.name);
  }
}

function explained(name: string | undefined): WebRTCConnectionError {
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return refusal('MICROPHONE_DENIED', 'The browser does not let this page use the microphone.');
    case 'NotFoundError':
    case 'OverconstrainedError':
      return refusal('MICROPHONE_MISSING', 'There is no such microphone.');
    default:
      return refusal('MICROPHONE_BUSY', 'The microphone does not answer.');
  }
}

function refusal(code: DeviceCode, message: string): WebRTCConnectionError {
  return new WebRTCConnectionError(message, code);
}
