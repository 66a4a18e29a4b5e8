import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { accessKey, enter, keepAccess, keptAccess, leave } from '../src/console/access.ts';

let server: Server;
let origin: string;
let status = 200;
const bodies: string[] = [];
const asked: string[] = [];
const access = { accessToken: 'token', expiresAt: '2999-01-01T00:00:00Z' };

beforeEach(async () => {
  bodies.length = 0;
  asked.length = 0;
  status = 200;
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    bodies.push(body);
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.writeHead(status, {
      'content-type': 'application/json',
      'access-control-allow-origin': '*',
      'access-control-allow-headers': '*, authorization',
      'access-control-allow-methods': '*',
    });
    const codes: Record<number, string> = { 401: 'AUTHENTICATION_FAILED', 404: 'NOT_FOUND' };
    const problem = { code: codes[status] ?? 'UNAVAILABLE', detail: 'no' };
    response.end(JSON.stringify(status === 200 ? access : problem));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A tab at an address, and what it has in its storage. */
function tab(hash: string) {
  const kept = new Map<string, string>();
  const addresses: string[] = [];
  const door = {
    location: { origin, hash, pathname: '/console/sessions', search: '?interview=4f' },
    history: {
      replaceState: (_state: unknown, _title: string, url?: string | URL | null) =>
        void addresses.push(String(url)),
    },
    storage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    },
  };
  return { door, kept, addresses };
}

test('a link lets in, and its secret leaves the address', async () => {
  const { door, kept, addresses } = tab('#secret');
  expect(await enter(door)).toEqual({ status: 'inside', access });
  expect(bodies.at(-1)).toBe('{"secret":"secret"}');
  expect(addresses).toEqual(['/console/sessions?interview=4f']);
  expect(JSON.parse(kept.get(accessKey) ?? '')).toEqual(access);
});

test('a link that was used lets nobody in', async () => {
  status = 404;
  const { door, addresses } = tab('#secret');
  expect(await enter(door)).toEqual({ status: 'outside', why: 'used_link' });
  expect(addresses).toHaveLength(1);
});

test('while nobody answers the link stays where it is', async () => {
  status = 503;
  const { door, addresses } = tab('#secret');
  expect(await enter(door)).toMatchObject({ status: 'failed', error: { code: 'UNAVAILABLE' } });
  expect(addresses).toEqual([]);
});

test('a tab that has access goes in, and one without does not', async () => {
  const { door } = tab('');
  expect(await enter(door)).toEqual({ status: 'outside', why: 'no_link' });
  keepAccess(door.storage, access);
  expect(await enter(door)).toEqual({ status: 'inside', access });
  keepAccess(door.storage, null);
  expect(await enter(door)).toEqual({ status: 'outside', why: 'no_link' });
  expect(bodies).toEqual([]);
});

test.each([
  [204, 'left'],
  [401, 'left'],
  [503, 'left_unheard'],
])('whoever leaves forgets the access and has it taken back: %i', async (answered, outcome) => {
  const { door, kept } = tab('');
  keepAccess(door.storage, access);
  status = answered;
  expect(await leave(door, access)).toBe(outcome);
  expect(kept.size).toBe(0);
  expect(asked.at(-1)).toBe('DELETE /functions/v1/console-token Bearer token');
});

test.each(['', 'null', '{', '{"accessToken":1}', '{"accessToken":"t","expiresAt":"never"}'])(
  'what is kept as %s opens nothing',
  (text) => {
    const { door, kept } = tab('');
    kept.set(accessKey, text);
    expect(keptAccess(door.storage, Date.now())).toBeNull();
  },
);

test('access that has expired opens nothing', () => {
  const { door } = tab('');
  keepAccess(door.storage, access);
  expect(keptAccess(door.storage, Date.parse(access.expiresAt))).toBeNull();
});
