import { type RealtimeServerEvent, realtimeEvents } from './generated.ts';

/** Of one event; `session.created` repeats the instructions and the tools. */
const maxEventCharacters = 1024 * 1024;

/**
 * Read an event of the voice model; null for what we do not know or cannot read.
 *
 * Source: OpenAI API reference, "Realtime server events".
 */
export function readEvent(data: unknown): RealtimeServerEvent | null {
  if (typeof data !== 'string' || data.length > maxEventCharacters) return null;
  try {
    const event: unknown = JSON.parse(data);
    return isKnown(event) ? event : null;
  } catch {
    return null;
  }
}

function isKnown(event: unknown): event is RealtimeServerEvent {
  if (typeof event !== 'object' || event === null) return false;
  const fields = event as Record<string, unknown>;
  if (typeof fields.type !== 'string' || !Object.hasOwn(realtimeEvents, fields.type)) return false;
  const required = realtimeEvents[fields.type as keyof typeof realtimeEvents];
  return Object.entries(required).every(
    ([field, kind]) => fields[field] !== null && typeof fields[field] === kind,
  );
}

/** An event that we send to the voice model. Source: OpenAI API reference, "Client events". */
export type ClientEvent = Readonly<Record<string, unknown>> & { readonly type: string };

export type Role = 'user' | 'assistant' | 'system';

/** Put a message into the conversation. What an assistant said can only be given as text. */
export function createMessage(role: Role, text: string, itemId?: string): ClientEvent {
  const part = role === 'assistant' ? 'output_text' : 'input_text';
  const item = { type: 'message', role, content: [{ type: part, text }] };
  return {
    type: 'conversation.item.create',
    item: itemId === undefined ? item : { ...item, id: itemId },
  };
}

/** Answer a function call of the interviewer. */
export function createFunctionOutput(callId: string, output: string): ClientEvent {
  const item = { type: 'function_call_output', call_id: callId, output };
  return { type: 'conversation.item.create', item };
}

/** Let the interviewer speak now. */
export const createResponse = (): ClientEvent => ({ type: 'response.create', response: {} });

/** Stop the reply that is being made. */
export const cancelResponse = (): ClientEvent => ({ type: 'response.cancel' });

/** Stop the reply that is being played. */
export const clearOutputAudio = (): ClientEvent => ({ type: 'output_audio_buffer.clear' });
