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
const LARGE_BYTES = 2 * 1_048_576;

let testServer: TestServer;
let [secret, secretOfOtherWorkspace] = ['', ''];
before(async () => {
  testServer = await startTestServer();
  const owner = await signUpOwner(testServer);
  secret = (await createToken(owner, ['activity_tracker'])).secret;
  secretOfOtherWorkspace = (
    await createToken(await createWorkspaceFor(owner, testServer, 'Neighbor'), ['activity_tracker'])
  ).secret;
});
after(() => testServer.close());

const slowRequests: ClientRequest[] = [];
/** Starts a request whose body never arrives. Each status in the server's responses is added to `statuses`. */
function sendSlowly(statuses: number[], tokenSecret: string, headers: Record<string, string | number>): void {
  const slowRequest = request(testServer.url + PATH, {
    method: 'POST',
    headers: { ...bearer(tokenSecret), 'content-type': 'application/json', expect: '100-continue', ...headers },
  });
  slowRequest.on('error', () => undefined);
  slowRequest.on('continue', () => statuses.push(100));
  slowRequest.on('response', (response) => statuses.push(response.resume().statusCode ?? 0));
  slowRequest.flushHeaders();
  slowRequests.push(slowRequest);
}

test('large bodies that arrive slowly cannot exhaust memory, and leave capacity for other workspaces', async () => {
  const event = { specversion: '1.0', id: 'one', source: 'shop', type: 'sold' };
  const sendSmallBody = () => testServer.call(PATH, { headers: bearer(secret), body: event });
  const statuses: number[] = [];
  for (let count = 0; count < 20; count++) sendSlowly(statuses, secret, { 'content-length': LARGE_BYTES });
  await until(() => Promise.resolve(statuses.length === 20));
  // One workspace can use half of the node's 32 slots for large bodies.
  const acceptedCount = statuses.filter((status) => status === 100).length;
  assert.deepEqual([acceptedCount, statuses.includes(429)], [16, true]);
  assert.equal((await sendSmallBody()).status, 201, 'small bodies are not limited');
  const chunkedStatuses: number[] = [];
  sendSlowly(chunkedStatuses, secret, { 'transfer-encoding': 'chunked' });
  const statusesOfOtherWorkspace: number[] = [];
  sendSlowly(statusesOfOtherWorkspace, secretOfOtherWorkspace, { 'content-length': LARGE_BYTES });
  await until(() => Promise.resolve(chunkedStatuses.length + statusesOfOtherWorkspace.length === 2));
  assert.deepEqual([chunkedStatuses, statusesOfOtherWorkspace], [[429], [100]]);
  for (const slowRequest of slowRequests) slowRequest.destroy();
  await until(async () => {
    const retriedStatuses: number[] = [];
    sendSlowly(retriedStatuses, secret, { 'content-length': LARGE_BYTES });
    await until(() => Promise.resolve(retriedStatuses.length > 0));
    return retriedStatuses[0] === 100;
  });
  for (const slowRequest of slowRequests) slowRequest.destroy();
});
