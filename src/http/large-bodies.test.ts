import assert from 'node:assert/strict';
import { type ClientRequest, request } from 'node:http';
import { after, before, test } from 'node:test';
import {
  bearer,
  createToken,
  createWorkspaceFor,
  signUpOwner,
  startTestServer,
  type TestServer,
} from '../testing/test-server.ts';
import { until } from '../testing/until.ts';

const PATH = '/v1/activity/events';
const LARGE = 2 * 1_048_576;

let testServer: TestServer;
let [secret, neighborSecret] = ['', ''];
before(async () => {
  testServer = await startTestServer();
  const owner = await signUpOwner(testServer);
  secret = (await createToken(owner, ['activity_tracker'])).secret;
  neighborSecret = (await createToken(await createWorkspaceFor(owner, testServer, 'Neighbor'), ['activity_tracker']))
    .secret;
});
after(() => testServer.close());

const slowRequests: ClientRequest[] = [];
/** Starts a request whose body never arrives completely. Resolves with the status of the response. */
function sendSlowly(statuses: number[], tokenSecret: string, headers: Record<string, string | number>): void {
  const slow = request(testServer.url + PATH, {
    method: 'POST',
    headers: { ...bearer(tokenSecret), 'content-type': 'application/json', expect: '100-continue', ...headers },
  });
  slow.on('error', () => undefined);
  slow.on('continue', () => statuses.push(100));
  slow.on('response', (response) => statuses.push(response.resume().statusCode ?? 0));
  slow.flushHeaders();
  slowRequests.push(slow);
}

test('large bodies that arrive slowly cannot exhaust memory, and leave room for other workspaces', async () => {
  const event = { specversion: '1.0', id: 'one', source: 'shop', type: 'sold' };
  const small = () => testServer.call(PATH, { headers: bearer(secret), body: event });
  const statuses: number[] = [];
  for (let count = 0; count < 20; count++) sendSlowly(statuses, secret, { 'content-length': LARGE });
  await until(() => Promise.resolve(statuses.length === 20));
  assert.deepEqual([statuses.filter((status) => status === 100).length, statuses.includes(429)], [16, true]);
  assert.equal((await small()).status, 201, 'small bodies are not limited');
  const chunked: number[] = [];
  sendSlowly(chunked, secret, { 'transfer-encoding': 'chunked' });
  const neighbor: number[] = [];
  sendSlowly(neighbor, neighborSecret, { 'content-length': LARGE });
  await until(() => Promise.resolve(chunked.length + neighbor.length === 2));
  assert.deepEqual([chunked, neighbor], [[429], [100]]);
  for (const slow of slowRequests) slow.destroy();
  await until(async () => {
    const retried: number[] = [];
    sendSlowly(retried, secret, { 'content-length': LARGE });
    await until(() => Promise.resolve(retried.length > 0));
    return retried[0] === 100;
  });
  for (const slow of slowRequests) slow.destroy();
});
