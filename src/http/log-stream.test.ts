import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import { Agent, get } from 'node:http';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import type { Run, Script } from '../contract/scripts.ts';
import type { Server } from '../contract/servers.ts';
import { signUpOwner, startTestServer, type TestServer } from '../testing/test-server.ts';
import { until } from '../testing/until.ts';

let testServer: TestServer;
before(async () => {
  testServer = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } });
});
after(() => testServer.close());

/** Requests a URL through an agent and reads the whole body. Resolves to the status. */
function getWith(agent: Agent, url: string, cookie: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: { cookie } }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    }).once('error', reject);
  });
}

test('reading logs leaves no "close" listeners on the connection', async () => {
  const owner = await signUpOwner(testServer);
  const server = await owner.call<Server>('/v1/servers', { body: { name: 'Local server', kind: 'local' } });
  const script = await owner.call<Script>('/v1/scripts', {
    body: { name: 'Print a line', body: 'echo one', serverId: server.body.id },
  });
  const { id } = (await owner.call<Run>(`/v1/scripts/${script.body.id}/runs`, { body: { parameters: {} } })).body;
  await until(async () => (await owner.call<Run>(`/v1/runs/${id}`)).body.finishedAt !== null);

  const logPath = `/v1/runs/${id}/logs`;
  const sockets = new Set<Socket>();
  const closeListenerCounts: number[] = [];
  subscribe('http.server.request.start', (message) => {
    const { request, socket } = message as { request: { url: string }; socket: Socket };
    if (request.url !== logPath) return;
    sockets.add(socket);
    closeListenerCounts.push(socket.listenerCount('close'));
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let count = 0; count < 3; count++)
    assert.equal(await getWith(agent, testServer.url + logPath, owner.cookie), 200);
  agent.destroy();
  assert.equal(sockets.size, 1);
  assert.deepEqual(closeListenerCounts, Array(3).fill(closeListenerCounts[0]));
});
