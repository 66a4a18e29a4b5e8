// The `openai` package for Node: client secrets, a session over a WebSocket, a call's sideband.

import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { finish, key, tell, tellEvent, until, url } from './tell.mjs';

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });

function open(props) {
  const socket = new OpenAIRealtimeWS(props, client);
  socket.on('event', tellEvent);
  socket.on('error', (error) => tell({ error: { message: error.message, code: error.error?.code } }));
  return socket;
}

const next = (socket, type) => until(type, (found) => socket.once(type, found));
const closed = (socket) => until('close', (found) => socket.socket.once('close', found));

async function writeInASession(instructions) {
  const secret = await client.realtime.clientSecrets.create({
    session: { type: 'realtime', instructions, output_modalities: ['text'] },
  });
  tell({ secret: secret.value.slice(0, 3), instructions: secret.session.instructions });
  const socket = open({ model: 'gpt-realtime-2.1' });
  await next(socket, 'session.created');
  socket.send({
    type: 'session.update',
    session: { type: 'realtime', instructions, output_modalities: ['text'] },
  });
  await next(socket, 'session.updated');
  socket.send({ type: 'response.create' });
  const done = await next(socket, 'response.done');
  tell({ written: done.response.output[0].content[0].text });
  socket.send({ type: 'response.cancel', event_id: 'mine' });
  await next(socket, 'error');
  const ended = closed(socket);
  socket.close();
  await ended;
}

async function followACall(callID) {
  const socket = open({ callID });
  await next(socket, 'session.created');
  socket.send({ type: 'response.create' });
  await next(socket, 'output_audio_buffer.stopped');
  const ended = closed(socket);
  await client.realtime.calls.hangup(callID);
  tell({ closed: await ended });
  try {
    await client.realtime.calls.hangup(callID);
  } catch (error) {
    tell({ hungUpTwice: { name: error.constructor.name, status: error.status, code: error.code } });
  }
}

await writeInASession(process.env.INSTRUCTIONS);
await followACall(process.env.CALL_ID);
finish();
