import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { test } from 'node:test';
import { type ServerProcess, spawnServer } from '../src/testing/process.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import { bearer, cookieOf, PASSWORD, sendRequest } from '../src/testing/test-server.ts';
import { scaledTimeout } from '../src/testing/timeouts.ts';
import { until } from '../src/testing/until.ts';

const KILLS = 2;
const STOPS = 3;
const CLIENTS = 32;

async function signUpWithKey(server: ServerProcess) {
  const response = await sendRequest(server.url, '/v1/people', {
    body: { name: 'Ada', email: 'ada@example.com', password: PASSWORD, setupCode: server.setupCode },
  });
  assert.equal(response.status, 201, response.text);
  const personHeaders = bearer(cookieOf(response).split('=')[1] ?? '');
  await sendRequest(server.url, '/v1/workspaces', { headers: personHeaders, body: { name: 'Acme' } });
  const created = await sendRequest<{ id: string; secret: string }>(server.url, '/v1/api-keys', {
    headers: personHeaders,
    body: { name: 'Counted', permissions: ['read'] },
  });
  return { personHeaders, key: created.body };
}

/** Sends a request over a kept-alive connection. Resolves to its status or to the code of its error. */
function requestKeptAlive(agent: Agent, url: string, secret: string): Promise<number | string> {
  return new Promise((resolve) => {
    get(url, { agent, headers: bearer(secret) }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    }).once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

test(`after ${KILLS} kills, no use older than a second is missing, and none is counted twice`, async () => {
  const directory = temporaryDirectory();
  let server = await spawnServer(directory);
  const { personHeaders, key } = await signUpWithKey(server);
  let countedBefore = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const agent = new Agent({ keepAlive: true });
    const acceptedAtMs: number[] = [];
    let isOver = false;
    const client = async () => {
      while (!isOver) {
        // Each use is followed by a denied request, whose write must not delay the write of the use.
        if ((await requestKeptAlive(agent, `${server.url}/v1/authorize?permission=read`, key.secret)) === 200)
          acceptedAtMs.push(performance.now());
        await requestKeptAlive(agent, `${server.url}/v1/authorize?permission=write`, key.secret);
      }
    };
    const clients = [client(), client()];
    const earliestKillMs = performance.now() + 1200 + kill * 170;
    await until(async () => performance.now() > earliestKillMs && acceptedAtMs.length > 10);
    const killedAtMs = performance.now();
    await server.stop('SIGKILL');
    isOver = true;
    await Promise.all(clients);
    agent.destroy();
    server = await spawnServer(directory);
    const { body } = await sendRequest<{ useCount: number }>(server.url, `/v1/api-keys/${key.id}`, {
      headers: personHeaders,
    });
    const guaranteed = acceptedAtMs.filter((time) => time < killedAtMs - scaledTimeout(1000)).length;
    const newlyCounted = body.useCount - countedBefore;
    assert.ok(
      newlyCounted >= guaranteed,
      `${newlyCounted} counted of ${acceptedAtMs.length}, at least ${guaranteed} are guaranteed`,
    );
    // A use can be counted although the kill prevented its response: at most one per client.
    assert.ok(
      newlyCounted <= acceptedAtMs.length + clients.length,
      `${newlyCounted} counted of ${acceptedAtMs.length}`,
    );
    countedBefore = body.useCount;
  }
  await server.stop('SIGTERM');
});

test(`${STOPS} graceful stops under load reset no kept-alive connection`, async () => {
  const directory = temporaryDirectory();
  let isFirstStart = true;
  let secret = '';
  const errors: (number | string)[] = [];
  for (let stop = 0; stop < STOPS; stop++) {
    const server = await spawnServer(directory);
    if (isFirstStart) ({ secret } = (await signUpWithKey(server)).key);
    isFirstStart = false;
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
    let acceptedCount = 0;
    const client = async (index: number) => {
      const path = index % 2 === 0 ? '/v1/authorize?permission=read' : '/v1/whoami';
      for (;;) {
        const result = await requestKeptAlive(agent, server.url + path, secret);
        if (result === 200) acceptedCount++;
        // The server no longer listens: the request was never sent, and another node can serve it.
        else if (result === 'ECONNREFUSED') return;
        else errors.push(result);
        if (result !== 200) return;
      }
    };
    const clients = Array.from({ length: CLIENTS }, (_, index) => client(index));
    await until(async () => acceptedCount > 20 * CLIENTS);
    assert.equal((await server.stop('SIGTERM')).code, 0);
    await Promise.all(clients);
    agent.destroy();
  }
  assert.deepEqual(errors, []);
});
