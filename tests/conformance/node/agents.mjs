// `@openai/agents-realtime`: one conversation, over WebRTC or a WebSocket (TRANSPORT).

import { readFileSync } from 'node:fs';
import {
  OpenAIRealtimeWebRTC,
  OpenAIRealtimeWebSocket,
  RealtimeAgent,
  RealtimeSession,
  tool,
} from '@openai/agents-realtime';
import { z } from 'zod';
import { loudspeaker, microphone, SAMPLE_RATE } from './audio.mjs';
import { finish, key, tell, tellEvent, untilEvent, url } from './tell.mjs';

const answer = readFileSync(process.env.SPEECH); // s16le mono

function overWebRtc() {
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
