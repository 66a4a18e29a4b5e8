// A microphone and a loudspeaker for clients in Node, and the WebRTC that browsers have built in.

import wrtc from '@roamhq/wrtc';

export const SAMPLE_RATE = 24_000;

Object.assign(globalThis, { RTCPeerConnection: wrtc.RTCPeerConnection });

/** A microphone that sends silence, and speech when it is told to. */
export function microphone() {
  const source = new wrtc.nonstandard.RTCAudioSource();
  const samples = SAMPLE_RATE / 100; // the source takes 10 ms at a time
  let waiting = Buffer.alloc(0);
  const timer = setInterval(() => {
    const frame = new Int16Array(samples);
    const piece = waiting.subarray(0, samples * 2);
    waiting = waiting.subarray(piece.length);
    for (let i = 0; i < piece.length >> 1; i++) frame[i] = piece.readInt16LE(i * 2);
    source.onData({ samples: frame, sampleRate: SAMPLE_RATE, channelCount: 1 });
  }, 10);
  return {
    stream: new wrtc.MediaStream([source.createTrack()]),
    say: (pcm) => {
      waiting = Buffer.concat([waiting, pcm]);
    },
    stop: () => clearInterval(timer),
  };
}

/** Where the SDK puts the remote track; tells how loud it was at its loudest. */
export function loudspeaker() {
  const heard = { loudest: 0, sink: undefined };
  return {
    heard,
    set srcObject(stream) {
      heard.sink = new wrtc.nonstandard.RTCAudioSink(stream.getAudioTracks()[0]);
      heard.sink.ondata = ({ samples }) => {
        for (const sample of samples) heard.loudest = Math.max(heard.loudest, Math.abs(sample));
      };
    },
  };
}
