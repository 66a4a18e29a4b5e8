import { expect, test } from 'vitest';
import type { RealtimeServerEvent } from '../src/generated.ts';
import { PresenceStore } from '../src/presence.ts';

const item_id = 'U1';
const heard = 'conversation.item.input_audio_transcription.completed' as const;

test('the interviewer listens, thinks and speaks, as the events tell', () => {
  const presence = new PresenceStore();
  const after = (event: RealtimeServerEvent) => {
    presence.hear(event);
    const { interviewer, isCandidateSpeaking } = presence.getSnapshot();
    return isCandidateSpeaking ? `${interviewer}, candidate speaks` : interviewer;
  };
  expect(after({ type: 'response.created', response: { id: 'r1' } })).toBe('thinking');
  expect(after({ type: 'output_audio_buffer.started', response_id: 'r1' })).toBe('speaking');
  expect(after({ type: 'response.done', response: { id: 'r1' } })).toBe('speaking');
  expect(presence.getSnapshot().isReplying).toBe(true);
  expect(after({ type: 'output_audio_buffer.stopped', response_id: 'r1' })).toBe('listening');
  expect(presence.getSnapshot().isReplying).toBe(false);
  expect(after({ type: 'input_audio_buffer.speech_started', item_id })).toBe(
    'listening, candidate speaks',
  );
  expect(after({ type: 'input_audio_buffer.speech_stopped', item_id })).toBe('thinking');
});

test('a cough that gets no reply leaves nobody waiting', () => {
  const presence = new PresenceStore();
  presence.hear({ type: 'input_audio_buffer.speech_started', item_id });
  presence.hear({ type: 'input_audio_buffer.speech_stopped', item_id });
  presence.hear({ type: heard, item_id, transcript: '' });
  expect(presence.getSnapshot().interviewer).toBe('listening');
});

test('a reply that is cancelled before it sounds is over', () => {
  const presence = new PresenceStore();
  presence.hear({ type: 'response.created', response: { id: 'r1' } });
  presence.hear({ type: 'response.done', response: { id: 'r1', status: 'cancelled' } });
  expect(presence.getSnapshot()).toEqual({
    interviewer: 'listening',
    isCandidateSpeaking: false,
    isReplying: false,
  });
});
