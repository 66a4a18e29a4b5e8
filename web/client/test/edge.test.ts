import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { askEdgeUnlessKnown, Edge, exchangeSdp } from '../src/edge.ts';
import type { WebRTCConnectionError } from '../src/errors.ts';

let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
const asked: { path: string; token: string | undefined; key: unknown; body: unknown }[] = [];

beforeEach(async () => {
  asked.length = 0;
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const isJson = request.headers['content-type'] === 'application/json';
    asked.push({
      path: `${request.method} ${request.url}`,
      token: request.headers.authorization,
      key: request.headers['idempotency-key'],
      body: isJson ? JSON.parse(body) : body,
    });
    answer(request, response, body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function json(status: number, body: unknown) {
  answer = (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
}

const failure = (act: Promise<unknown>): Promise<WebRTCConnectionError> =>
  act.then(
    () => {
      throw new Error('it did not fail');
    },
    (error) => error,
  );

test('a request carries its token, its key and its body', async () => {
  json(200, { sessionId: 's' });
  const edge = new Edge(`${url}/`, async () => 'user');
  expect(await edge.start({ architecture: 'direct' }, 'key-1')).toEqual({ sessionId: 's' });
  expect(asked).toEqual([
    {
      path: 'POST /functions/v1/interview-start',
      token: 'Bearer user',
      key: 'key-1',
      body: { architecture: 'direct' },
    },
  ]);
});

test('a source of tokens is asked once, and again when told to', async () => {
  json(200, {});
  let count = 0;
  const edge = new Edge(url, async () => `user-${++count}`);
  await edge.start({}, 'k');
  await edge.renewAsUser('s');
  await edge.refresh();
  await edge.renewAsUser('s');
  expect(asked.map(({ token }) => token)).toEqual([
    'Bearer user-1',
    'Bearer user-1',
    'Bearer user-2',
  ]);
});

test('a problem document becomes an error with all that it says', async () => {
  json(503, {
    code: 'VM_PROVISIONING_FAILED',
    detail: 'No machine in fra.',
    retryAfter: 2.5,
    triedRegions: ['fra'],
    requestId: 'r-1',
  });
  const error = await failure(new Edge(url, 't').start({}, 'k'));
  expect(error).toMatchObject({
    name: 'WebRTCConnectionError',
    message: 'No machine in fra.',
    code: 'VM_PROVISIONING_FAILED',
    retryable: true,
    recovery: 'retry_with_different_region',
    details: { retryAfter: 2_500, triedRegions: ['fra'], requestId: 'r-1' },
  });
});

test.each([
  [401, 'AUTHENTICATION_FAILED'],
  [404, 'NOT_FOUND'],
  [429, 'RATE_LIMITED'],
  [502, 'UNAVAILABLE'],
])('an answer of somebody in between, status %i, counts by its status', async (status, code) => {
  answer = (_request, response) => {
    response.writeHead(status, { 'content-type': 'text/html' });
    response.end('<h1>Bad gateway</h1>');
  };
  expect((await failure(new Edge(url, 't').renew('t'))).code).toBe(code);
});

test('a code that is not known is one of a service that does not answer', async () => {
  json(418, { code: 'TEAPOT', detail: 'short and stout' });
  expect((await failure(new Edge(url, 't').renew('t'))).code).toBe('UNAVAILABLE');
});

test('nobody there, a redirect, nonsense and too much are all told as no answer', async () => {
  const edge = new Edge(url, 't');
  answer = (_request, response) => response.destroy();
  expect((await failure(edge.renew('t'))).code).toBe('UNAVAILABLE');
  answer = (_request, response) => {
    response.writeHead(307, { location: 'http://127.0.0.1:1/' });
    response.end();
  };
  expect((await failure(edge.renew('t'))).code).toBe('UNAVAILABLE');
  answer = (_request, response) => response.end('{"half":');
  expect((await failure(edge.renew('t'))).code).toBe('UNAVAILABLE');
  answer = (_request, response) => response.end(' '.repeat(9 * 1024 * 1024));
  expect((await failure(edge.renew('t'))).code).toBe('UNAVAILABLE');
  expect((await failure(new Edge('http://127.0.0.1:1', 't').renew('t'))).message).not.toContain(
    'Bearer',
  );
});

test('an answer without a body is an answer', async () => {
  answer = (_request, response) => {
    response.writeHead(204);
    response.end();
  };
  expect(await new Edge(url, 't').reportCall('s/1', 't', 'rtc_1')).toBeUndefined();
  expect(asked[0]).toMatchObject({
    path: 'POST /v1/sessions/s%2F1/call',
    body: { callId: 'rtc_1' },
  });
});

test('what is known already is not sent again', async () => {
  answer = (request, response) => {
    const isKnown = request.headers['if-none-match'] === '"7"';
    response.writeHead(isKnown ? 304 : 200, { etag: '"7"' });
    response.end(isKnown ? '' : '{"sessionId":"s"}');
  };
  const ask = (tag: string | null) =>
    askEdgeUnlessKnown(url, 'showSession', { token: 't', places: { sessionId: 's' } }, tag);
  expect(await ask(null)).toEqual({ answer: { sessionId: 's' }, tag: '"7"' });
  expect(await ask('"6"')).toEqual({ answer: { sessionId: 's' }, tag: '"7"' });
  expect(await ask('"7"')).toBeNull();
  answer = (_request, response) => response.writeHead(304).end();
  expect((await failure(ask(null))).code).toBe('UNAVAILABLE');
});

test('an offer goes to the voice model as SDP, and the call is named by its place', async () => {
  answer = (request, response, body) => {
    expect(request.headers['content-type']).toBe('application/sdp');
    response.writeHead(201, { location: '/v1/realtime/calls/rtc_7' });
    response.end(`answer to ${body}`);
  };
  expect(await exchangeSdp(url, 'ek_1', 'v=0')).toEqual({ sdp: 'answer to v=0', callId: 'rtc_7' });
  expect(asked[0]?.token).toBe('Bearer ek_1');
  json(401, {});
  expect((await failure(exchangeSdp(url, 'ek_1', 'v=0'))).code).toBe('AUTHENTICATION_FAILED');
  json(400, {});
  expect((await failure(exchangeSdp(url, 'ek_1', 'v=0'))).code).toBe('SDP_EXCHANGE_FAILED');
});
