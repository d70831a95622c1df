import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

// A response that is sent before the body is read must reach clients that are still sending (RFC 9112, section 9.6).

let testServer: TestServer;
before(async () => {
  testServer = await startTestServer();
});
after(() => testServer.close());

const BODY = Buffer.alloc(2_000_000, 'a');
const CHUNKED_BODY = Buffer.concat([
  Buffer.from(`${BODY.length.toString(16)}\r\n`),
  BODY,
  Buffer.from('\r\n0\r\n\r\n'),
]);
const SLICE_BYTES = 65_536;
const CLIENT_COUNT = 24;

interface RawResult {
  readonly statusLine: string;
  /** Error code of the connection; null if it was closed without an error. */
  readonly error: string | null;
}

/** Sends everything before reading anything, as simple clients do. Resolves when the connection is closed. */
function sendThenRead(head: readonly string[], body: Uint8Array): Promise<RawResult> {
  const { hostname, port } = new URL(testServer.url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    let error: string | null = null;
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', (cause: NodeJS.ErrnoException) => (error = cause.code ?? cause.message));
    socket.on('close', () => resolve({ statusLine: text.split('\r\n')[0] ?? '', error }));
    socket.pause();
    const send = (from: number): void => {
      if (from >= body.length) socket.resume();
      else socket.write(body.subarray(from, from + SLICE_BYTES), () => setImmediate(send, from + SLICE_BYTES));
    };
    socket.write([...head, '', ''].join('\r\n'), () => send(0));
  });
}

const LENGTH = `Content-Length: ${BODY.length}`;
const JSON_TYPE = 'Content-Type: application/json';
const CLOSE = 'Connection: close';
const HOST = 'Host: 127.0.0.1';

/** Requests that are refused before their body is read. */
const REFUSED: readonly (readonly [description: string, status: number, head: readonly string[], body: Uint8Array])[] =
  [
    ['with a Content-Length over the limit', 413, ['POST /v1/sessions HTTP/1.1', HOST, CLOSE, JSON_TYPE, LENGTH], BODY],
    [
      'with chunks over the limit',
      413,
      ['POST /v1/sessions HTTP/1.1', HOST, CLOSE, JSON_TYPE, 'Transfer-Encoding: chunked'],
      CHUNKED_BODY,
    ],
    ['in HTTP/1.0', 413, ['POST /v1/sessions HTTP/1.0', HOST, JSON_TYPE, LENGTH], BODY],
    ['without a credential', 401, ['POST /v1/access-tokens HTTP/1.1', HOST, CLOSE, JSON_TYPE, LENGTH], BODY],
    ['for an unknown URL', 404, ['POST /v1/nothing HTTP/1.1', HOST, CLOSE, JSON_TYPE, LENGTH], BODY],
    [
      'with an unsupported method',
      405,
      ['POST /v1/whoami HTTP/1.1', HOST, CLOSE, JSON_TYPE, 'Transfer-Encoding: chunked'],
      CHUNKED_BODY,
    ],
    [
      'with an unsupported media type',
      415,
      ['POST /v1/sessions HTTP/1.1', HOST, CLOSE, 'Content-Type: text/plain', LENGTH],
      BODY,
    ],
    ['with a credential in its query', 400, ['POST /v1/revoke?api_key=a HTTP/1.1', HOST, CLOSE, LENGTH], BODY],
    ['for a malformed URL', 400, ['POST /v1/%E0%A4%A HTTP/1.1', HOST, CLOSE, LENGTH], BODY],
    ['to authorize without a credential', 401, ['POST /v1/authorize HTTP/1.1', HOST, CLOSE, LENGTH], BODY],
    ['without a Host header', 400, ['POST /v1/sessions HTTP/1.1', CLOSE, LENGTH], BODY],
    [
      'with headers that are too long',
      400,
      ['POST /v1/sessions HTTP/1.1', HOST, `X: ${BODY.toString()}`],
      new Uint8Array(),
    ],
    ['with a malformed request line', 400, ['POST /v1/ sessions HTTP/1.1', HOST, LENGTH], BODY],
    [
      'with malformed chunks',
      400,
      ['POST /v1/sessions HTTP/1.1', HOST, CLOSE, JSON_TYPE, 'Transfer-Encoding: chunked'],
      BODY,
    ],
    ['for a tunnel', 405, ['CONNECT other.test:443 HTTP/1.1', HOST], BODY],
  ];

for (const [description, status, head, body] of REFUSED) {
  test(`a request ${description} gets ${status}, even while its client is still sending`, async () => {
    const results = await Promise.all(Array.from({ length: CLIENT_COUNT }, () => sendThenRead(head, body)));
    for (const { statusLine, error } of results) {
      assert.equal(error, null, statusLine);
      assert.match(statusLine, new RegExp(`^HTTP/1\\.1 ${status} `));
    }
  });
}

test('a client that keeps its connection alive gets its response and can use the connection again', async () => {
  const { hostname, port } = new URL(testServer.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.write(`POST /v1/access-tokens HTTP/1.1\r\n${HOST}\r\n${LENGTH}\r\n\r\n`);
  socket.write(BODY);
  socket.write(`GET /healthz HTTP/1.1\r\n${HOST}\r\n${CLOSE}\r\n\r\n`);
  await new Promise((resolve) => socket.once('close', resolve));
  assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 401', 'HTTP/1.1 200']);
});

test('a client that sends endlessly gets its response and is disconnected', async () => {
  const { hostname, port } = new URL(testServer.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(`POST /v1/nothing HTTP/1.1\r\n${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(0x100000), Buffer.from('\r\n')]);
  const send = () => {
    if (!socket.destroyed) socket.write(chunk, () => setImmediate(send));
  };
  send();
  await closed;
  assert.match(text, /^HTTP\/1\.1 404 /);
});

/** Sends headers with `Expect: 100-continue`. Resolves to whether the server sent 100, and to the final status. */
function sendExpectingContinue(path: string, length: number): Promise<{ continued: boolean; status: number }> {
  return new Promise((resolve, reject) => {
    let continued = false;
    const request = httpRequest(testServer.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': length, expect: '100-continue' },
    });
    request.on('continue', () => {
      continued = true;
      request.end('{}');
    });
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => {
        resolve({ continued, status: response.statusCode ?? 0 });
        request.destroy();
      });
    });
    request.on('error', reject);
    request.flushHeaders();
  });
}

test('the server sends 100 (Continue) only if it is going to read the body', async () => {
  assert.deepEqual(await sendExpectingContinue('/v1/sessions', 2), { continued: true, status: 422 });
  assert.deepEqual(await sendExpectingContinue('/v1/sessions', BODY.length), { continued: false, status: 413 });
  assert.deepEqual(await sendExpectingContinue('/v1/access-tokens', 2), { continued: false, status: 401 });
  assert.deepEqual(await sendExpectingContinue('/v1/nothing', 2), { continued: false, status: 404 });
  assert.deepEqual(await sendExpectingContinue('/v1/whoami', 2), { continued: false, status: 405 });
  assert.deepEqual(await sendExpectingContinue('/v1/authorize', 2), { continued: false, status: 401 });
});
