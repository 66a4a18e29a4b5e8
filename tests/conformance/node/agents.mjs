// `@openai/agents-realtime`: one conversation, over WebRTC or a WebSocket (TRANSPORT).

import { readFileSync } from 'node:fs';
import {
  OpenAIRealtimeWebRTC,
  OpenAIRealtimeWebSocket,
  RealtimeAgent,
  RealtimeSession,
  tool,
} from '@openai/agents-realtime';
import wrtc from '@roamhq/wrtc';
import { z } from 'zod';
import { finish, key, tell, tellEvent, untilEvent, url } from './tell.mjs';

const SAMPLE_RATE = 24_000;
const answer = readFileSync(process.env.SPEECH); // s16le mono

/** A microphone that sends silence, and speech when it is told to. */
function microphone() {
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
function loudspeaker() {
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

function overWebRtc() {
  Object.assign(globalThis, { RTCPeerConnection: wrtc.RTCPeerConnection });
  const ours = microphone();
  const theirs = loudspeaker();
  const transport = new OpenAIRealtimeWebRTC({
    baseUrl: `${url}/v1/realtime/calls`,
    mediaStream: ours.stream,
    audioElement: theirs,
  });
  const end = () => {
    ours.stop();
    theirs.heard.sink?.stop();
  };
  return { transport, say: ours.say, end, loudest: () => theirs.heard.loudest };
}

function overWebSocket() {
  const transport = new OpenAIRealtimeWebSocket({
    url: `${url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime-2.1`,
  });
  let loudest = 0;
  transport.on('audio', ({ data }) => {
    for (const sample of new Int16Array(data)) loudest = Math.max(loudest, Math.abs(sample));
  });
  const say = (pcm) => {
    const whole = Buffer.concat([pcm, Buffer.alloc(SAMPLE_RATE * 2 * 3)]);
    transport.sendAudio(whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.length));
  };
  return { transport, say, end: () => {}, loudest: () => loudest };
}

async function mint(session) {
  const response = await fetch(`${url}/v1/realtime/client_secrets`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ session }),
  });
  return (await response.json()).value;
}

const { transport, say, end, loudest } =
  process.env.TRANSPORT === 'webrtc' ? overWebRtc() : overWebSocket();
const called = [];
const weather = tool({
  name: 'get_weather',
  description: 'Says how the weather is.',
  parameters: z.object({ city: z.string() }),
  execute: ({ city }) => {
    called.push(city);
    return 'Sunny.';
  },
});
const agent = new RealtimeAgent({
  name: 'Interviewer',
  instructions: process.env.INSTRUCTIONS,
  tools: [weather],
});
const session = new RealtimeSession(agent, { transport, model: 'gpt-realtime-2.1' });
transport.on('*', tellEvent);
session.on('error', ({ error }) => tell({ error: String(error?.error?.message ?? error) }));

await session.connect({ apiKey: await mint({ type: 'realtime' }) });
tell({ callId: transport.callId ?? null });

transport.sendEvent({ type: 'response.create' });
await untilEvent(transport, process.env.TRANSPORT === 'webrtc' ? 'output_audio_buffer.stopped' : 'response.done');
tell({ loudest: loudest() });

const answered = untilEvent(transport, 'response.output_audio_transcript.done');
const over = untilEvent(transport, 'response.done');
const retrieved = untilEvent(transport, (event) =>
  event.type === 'conversation.item.retrieved' && event.item.role === 'user');
say(answer);
await Promise.all([answered, over, retrieved]);
tell({ history: session.history.map(({ role, content }) => ({ role, text: text(content) })) });

const used = untilEvent(transport, (event) =>
  event.type === 'response.done' && event.response.output.at(-1)?.type === 'message');
transport.sendEvent({ type: 'response.create', response: { tool_choice: 'required' } });
await used;
tell({ called });

const begun = untilEvent(transport, 'response.content_part.added');
session.sendMessage('Please say that again.');
await begun;
session.interrupt();
session.close();
end();
finish();

function text(content) {
  return content.map((part) => part.transcript ?? part.text ?? '').join(' ');
}
