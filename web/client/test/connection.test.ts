import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { advance, Connection } from '../src/connection.ts';
import { errorOf } from '../src/errors.ts';
import type { ConnectionEvent, ConnectionStatus } from '../src/generated.ts';

/** The very file that the Python client runs on. */
const file = new URL('../../../src/vivavoce/protocol/connection.json', import.meta.url);
const table: {
  initial: ConnectionStatus;
  states: Record<ConnectionStatus, Partial<Record<ConnectionEvent, ConnectionStatus>>>;
} = JSON.parse(readFileSync(file, 'utf-8'));
const statuses = Object.keys(table.states) as ConnectionStatus[];
const events = [...new Set(Object.values(table.states).flatMap(Object.keys))] as ConnectionEvent[];
const moves = statuses.flatMap((status) => events.map((event) => [status, event] as const));

test.each(moves)('%s, %s: as the table says', (status, event) => {
  expect(advance(status, event)).toBe(table.states[status][event]);
});

test('a connection begins as the table says and moves only by it', () => {
  const connection = new Connection();
  expect(connection.status).toBe(table.initial);
  let chance = 1;
  let status = table.initial;
  for (let step = 0; step < 2_000; step += 1) {
    chance = (chance * 16_807) % 2_147_483_647;
    const event = events[chance % events.length] as ConnectionEvent;
    const next = table.states[status][event];
    expect(connection.move(event)).toBe(next !== undefined);
    status = next ?? status;
    expect(connection.status).toBe(status);
  }
});

describe('what goes with the status', () => {
  const failure = errorOf('SDP_EXCHANGE_FAILED', 'no answer');

  test('attempts are counted until a call stands, which clears the error too', () => {
    const connection = new Connection();
    connection.move('connect');
    connection.countRetry(failure);
    connection.countRetry(failure);
    expect(connection.getSnapshot()).toMatchObject({ retryCount: 2, error: failure });
    connection.move('connected');
    const state = connection.getSnapshot();
    expect(state.retryCount).toBe(0);
    expect('error' in state).toBe(false);
    expect(state.lastConnected).toBeInstanceOf(Date);
  });

  test('the microphone is sent only while a call stands', () => {
    const connection = new Connection();
    connection.noteMicrophone(true);
    expect(connection.getSnapshot().isRecording).toBe(false);
    connection.move('connect');
    connection.move('connected');
    expect(connection.getSnapshot().isRecording).toBe(true);
    connection.move('lost');
    expect(connection.getSnapshot().isRecording).toBe(false);
  });

  test('signalling that is lost leaves the status alone', () => {
    const connection = new Connection();
    connection.move('connect');
    connection.move('connected');
    connection.noteSignalling('lost');
    expect(connection.getSnapshot()).toMatchObject({ status: 'connected', signalling: 'lost' });
  });

  test('watchers hear of every change, and of nothing else', () => {
    const connection = new Connection();
    let heard = 0;
    const stop = connection.subscribe(() => {
      heard += 1;
    });
    connection.move('connect');
    connection.noteSignalling('closed');
    connection.move('closed');
    expect(heard).toBe(1);
    stop();
    connection.move('failed');
    expect(heard).toBe(1);
  });
});
