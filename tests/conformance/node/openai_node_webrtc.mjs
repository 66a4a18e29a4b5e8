// The `openai` package for Node over WebRTC: it makes the call itself, talks in it and hangs it up.

import OpenAI from 'openai';
import { OpenAIRealtimeWebRTC } from 'openai/realtime/webrtc';
import { loudspeaker, microphone } from './audio.mjs';
import { finish, key, tell, tellEvent, until, url } from './tell.mjs';

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const connection = new OpenAIRealtimeWebRTC();
const ours = microphone();
const theirs = loudspeaker();
connection.onEvent(tellEvent);
connection.peerConnection.addTrack(ours.stream.getAudioTracks()[0]);
connection.peerConnection.ontrack = ({ streams }) => {
  theirs.srcObject = streams[0];
};

let callId;
const created = until('session.created', (found) => connection.on('session.created', found));
await connection.connect({
  exchangeSdp: async (sdp) => {
    const session = { type: 'realtime', instructions: process.env.INSTRUCTIONS };
    const answer = await client.realtime.calls.create({ sdp, session });
    callId = answer.headers.get('Location').split('/').pop();
    return answer.text();
  },
});
tell({ instructions: (await created).session.instructions });

const said = until('response.output_audio_transcript.done', (found) =>
  connection.on('response.output_audio_transcript.done', found));
const started = until('output_audio_buffer.started', (found) =>
  connection.on('output_audio_buffer.started', found));
connection.send({ type: 'response.create' });
await started;
tell({ said: (await said).transcript, loudest: theirs.heard.loudest });

const closed = until('the end', (found) =>
  connection.onConnectionEvent(({ type }) => type === 'closed' && found()));
await client.realtime.calls.hangup(callId);
await closed;
ours.stop();
theirs.heard.sink?.stop();
finish();
