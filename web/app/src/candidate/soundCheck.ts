import {
  askEdge,
  iceServersOf,
  openCall,
  readEvent,
  type VoiceCall,
  type wire,
} from '@vivavoce/client';

/** Who is told how the check goes. */
export interface CheckListener {
  /** Milliseconds there and back, on the way that the sound goes. */
  readonly onRoundTrip: (milliseconds: number) => void;
  /** What was understood; empty where something was heard and nothing understood. */
  readonly onWords: (words: string) => void;
}

/**
 * Make a call on the way of the interview that only listens, and says what it has understood. It
 * ends with `signal`, and by itself after a while.
 *
 * Rejects with what the invitation is refused with, with `RATE_LIMITED`, `SDP_EXCHANGE_FAILED`, or
 * with `WEBRTC_CONNECTION_FAILED` if neither UDP nor TURN gets through.
 */
export async function openCheck(
  token: () => Promise<string>,
  microphone: MediaStreamTrack | null,
  listener: CheckListener,
  signal: AbortSignal,
): Promise<VoiceCall> {
  const known = await token();
  const servers = await askEdge(location.origin, 'showCheckServers', { token: known });
  const call = await openCall({
    exchange: async (offer) => {
      const made = await askEdge(location.origin, 'checkSound', { token: known, body: { offer } });
      return { sdp: made.answer, callId: made.callId };
    },
    microphone,
    iceServers: iceServersOf(servers),
    listener: {
      onMessage: (data) => {
        const words = wordsOf(readEvent(data));
        if (words !== null) listener.onWords(words);
      },
      onStream: () => {}, // it says nothing
      onMetrics: ({ roundTripMs }) => {
        if (roundTripMs !== undefined) listener.onRoundTrip(roundTripMs);
      },
    },
    signal,
  });
  signal.addEventListener('abort', () => void call.close(), { once: true });
  if (signal.aborted) await call.close();
  return call;
}

/** What an event says was understood; null if it is about something else. */
export function wordsOf(event: wire.RealtimeServerEvent | null): string | null {
  switch (event?.type) {
    case 'conversation.item.input_audio_transcription.completed':
      return event.transcript?.trim() ?? '';
    case 'conversation.item.input_audio_transcription.failed':
      return '';
    default:
      return null;
  }
}
