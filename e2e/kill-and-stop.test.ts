import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { test } from 'node:test';
import { type ServerProcess, spawnServer, temporaryDirectory } from '../src/testing/process.ts';
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
  const person = bearer(cookieOf(response).split('=')[1] ?? '');
  await sendRequest(server.url, '/v1/workspaces', { headers: person, body: { name: 'Acme' } });
  const created = await sendRequest<{ id: string; secret: string }>(server.url, '/v1/api-keys', {
    headers: person,
    body: { name: 'Counted', permissions: ['read'] },
  });
  return { person, key: created.body };
}

/** Sends one request over a kept-alive connection: resolves to its status, or the code of its error. */
function request(agent: Agent, url: string, secret: string): Promise<number | string> {
  return new Promise((resolve) => {
    get(url, { agent, headers: bearer(secret) }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    }).once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

test(`after ${KILLS} kills, no use older than a second is missing, and none is counted twice`, async () => {
  const directory = temporaryDirectory();
  let server = await spawnServer(directory.path);
  const { person, key } = await signUpWithKey(server);
  let counted = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const agent = new Agent({ keepAlive: true });
    const answeredAt: number[] = [];
    let isOver = false;
    const client = async () => {
      while (!isOver) {
        // Each counted use is accompanied by a denial, whose write must not delay it.
        if ((await request(agent, `${server.url}/v1/authorize?permission=read`, key.secret)) === 200)
          answeredAt.push(performance.now());
        await request(agent, `${server.url}/v1/authorize?permission=write`, key.secret);
      }
    };
    const clients = [client(), client()];
    const end = performance.now() + 1200 + kill * 170;
    await until(async () => performance.now() > end && answeredAt.length > 10);
    const killedAt = performance.now();
    await server.stop('SIGKILL');
    isOver = true;
    await Promise.all(clients);
    agent.destroy();
    server = await spawnServer(directory.path);
    const { body } = await sendRequest<{ useCount: number }>(server.url, `/v1/api-keys/${key.id}`, { headers: person });
    const promised = answeredAt.filter((time) => time < killedAt - scaledTimeout(1000)).length;
    const found = body.useCount - counted;
    assert.ok(found >= promised, `${found} counted of ${answeredAt.length}, at least ${promised} are promised`);
    // Accepted, but killed before the response arrived: at most one per client.
    assert.ok(found <= answeredAt.length + clients.length, `${found} counted of ${answeredAt.length}`);
    counted = body.useCount;
  }
  await server.stop('SIGTERM');
  directory.remove();
});

test(`${STOPS} graceful stops under load reset no kept-alive connection`, async () => {
  const directory = temporaryDirectory();
  let first = true;
  let secret = '';
  const errors: (number | string)[] = [];
  for (let stop = 0; stop < STOPS; stop++) {
    const server = await spawnServer(directory.path);
    if (first) ({ secret } = (await signUpWithKey(server)).key);
    first = false;
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
    let answered = 0;
    const client = async (index: number) => {
      const path = index % 2 === 0 ? '/v1/authorize?permission=read' : '/v1/whoami';
      for (;;) {
        const result = await request(agent, server.url + path, secret);
        if (result === 200) answered++;
        // The server no longer listens: the request was never sent, and another node can serve it.
        else if (result === 'ECONNREFUSED') return;
        else errors.push(result);
        if (result !== 200) return;
      }
    };
    const clients = Array.from({ length: CLIENTS }, (_, index) => client(index));
    await until(async () => answered > 20 * CLIENTS);
    assert.equal((await server.stop('SIGTERM')).code, 0);
    await Promise.all(clients);
    agent.destroy();
  }
  assert.deepEqual(errors, []);
  directory.remove();
});
