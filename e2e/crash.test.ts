import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand, type ServerProcess, spawnServer, temporaryDirectory } from '../src/testing/process.ts';
import { bearer, cookieOf, PASSWORD, sendRequest } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';

const KILLS = 25;
const CLIENTS = 4;

interface CreatedCredential {
  readonly id: string;
  readonly secret: string;
  readonly path: '/v1/access-tokens' | '/v1/api-keys';
}

test(`after ${KILLS} kills at random moments, every acknowledged creation and deletion is still in effect`, async (t) => {
  const directory = temporaryDirectory();
  const alive = new Map<string, CreatedCredential>();
  const dead = new Map<string, CreatedCredential>();
  let uses = 0;
  // After each start, deletions wait this long: leases that the database does not know may still be valid.
  const environment = { DEVPILOT_REVOCATION_BOUND: '200ms' };
  let server = await spawnServer(directory.path, environment);
  const sendJson = <Body>(path: string, headers: Record<string, string>, body?: unknown, method?: string) =>
    sendRequest<Body>(server.url, path, { headers, body, ...(method !== undefined && { method }) });
  const signedUp = await sendJson(
    '/v1/people',
    {},
    {
      name: 'Ada',
      email: 'ada@example.com',
      password: PASSWORD,
      setupCode: server.setupCode,
    },
  );
  assert.equal(signedUp.status, 201);
  const person = bearer(cookieOf(signedUp).split('=')[1] ?? '');
  assert.equal((await sendJson('/v1/workspaces', person, { name: 'Acme' })).status, 201);
  const counted = await sendJson<CreatedCredential>('/v1/api-keys', person, { name: 'Counted', permissions: ['read'] });

  /** Creates and deletes until the server is killed. */
  async function hammer(client: number): Promise<void> {
    for (let index = client; ; index++) {
      const path = index % 2 === 0 ? '/v1/access-tokens' : '/v1/api-keys';
      const rights = index % 2 === 0 ? { scopes: ['all'] } : { permissions: ['read'] };
      const created = await sendJson<CreatedCredential>(path, person, { name: `Round ${index}`, ...rights });
      assert.equal(created.status, 201, created.text);
      const { id, secret } = created.body;
      alive.set(id, { id, secret, path });
      uses++;
      await sendJson('/v1/authorize', bearer(counted.body.secret));
      if (index % 3 === 0) continue;
      // Between request and acknowledgement, both outcomes are correct.
      alive.delete(id);
      const deleted = await sendJson(`${path}/${id}`, person, undefined, 'DELETE');
      assert.equal(deleted.status, 204, deleted.text);
      dead.set(id, { id, secret, path });
    }
  }

  const isKilled = (error: unknown) => error instanceof TypeError && /fetch failed|terminated/.test(error.message);
  async function killOnce(victim: ServerProcess): Promise<void> {
    const clients = Array.from({ length: CLIENTS }, (_, client) =>
      hammer(client).catch((error: unknown) => {
        if (!isKilled(error)) throw error;
      }),
    );
    // Wait for some acknowledged work, however slow the machine is; the moment of the kill after that is random.
    const enough = alive.size + dead.size + 4 + Math.floor(Math.random() * 8);
    await until(async () => alive.size + dead.size >= enough);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    const { signal } = await victim.stop('SIGKILL');
    assert.equal(signal, 'SIGKILL');
    await Promise.all(clients);
  }

  async function check(credentials: Iterable<CreatedCredential>, status: number): Promise<void> {
    for (const { id, secret } of credentials) {
      const { status: found } = await sendJson('/v1/authorize', bearer(secret));
      assert.equal(found, status, `${id} gets ${found}, not ${status}`);
    }
  }

  for (let kill = 0; kill < KILLS; kill++) {
    const known = new Set([...alive.keys(), ...dead.keys()]);
    await killOnce(server);
    server = await spawnServer(directory.path, environment);
    await check(
      [...alive.values()].filter(({ id }) => !known.has(id)),
      200,
    );
    await check(
      [...dead.values()].filter(({ id }) => !known.has(id)),
      401,
    );
  }
  await check(alive.values(), 200);
  await check(dead.values(), 401);
  const { body } = await sendJson<{ useCount: number }>(`/v1/api-keys/${counted.body.id}`, person);
  assert.ok(body.useCount <= uses, `${body.useCount} uses counted of ${uses}`);
  t.diagnostic(`${alive.size} created, ${dead.size} deleted, ${body.useCount} of ${uses} uses counted`);
  assert.ok(dead.size > 0 && alive.size > 0 && dead.size + alive.size > 2 * KILLS);
  await server.stop('SIGTERM');
  assert.equal((await runCommand(['audit', 'verify'], { DEVPILOT_DATA_DIR: directory.path })).code, 0);
  directory.remove();
});
