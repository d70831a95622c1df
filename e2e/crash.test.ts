import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand, type ServerProcess, spawnServer } from '../src/testing/process.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
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
  const active = new Map<string, CreatedCredential>();
  const deleted = new Map<string, CreatedCredential>();
  let uses = 0;
  // After each start, deletions wait this long, because a guard can still hold a lease that the killed server granted.
  const environment = { DEVPILOT_REVOCATION_BOUND: '200ms' };
  let server = await spawnServer(directory, environment);
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
  const personHeaders = bearer(cookieOf(signedUp).split('=')[1] ?? '');
  assert.equal((await sendJson('/v1/workspaces', personHeaders, { name: 'Acme' })).status, 201);
  const countedKey = await sendJson<CreatedCredential>('/v1/api-keys', personHeaders, {
    name: 'Counted',
    permissions: ['read'],
  });

  /** Creates and deletes credentials until the server is killed. */
  async function createAndDeleteUntilKilled(client: number): Promise<void> {
    for (let index = client; ; index++) {
      const path = index % 2 === 0 ? '/v1/access-tokens' : '/v1/api-keys';
      const rights = index % 2 === 0 ? { scopes: ['all'] } : { permissions: ['read'] };
      const created = await sendJson<CreatedCredential>(path, personHeaders, { name: `Round ${index}`, ...rights });
      assert.equal(created.status, 201, created.text);
      const { id, secret } = created.body;
      active.set(id, { id, secret, path });
      uses++;
      await sendJson('/v1/authorize', bearer(countedKey.body.secret));
      if (index % 3 === 0) continue;
      // Between request and acknowledgement, both outcomes are correct.
      active.delete(id);
      const deletion = await sendJson(`${path}/${id}`, personHeaders, undefined, 'DELETE');
      assert.equal(deletion.status, 204, deletion.text);
      deleted.set(id, { id, secret, path });
    }
  }

  const isConnectionLost = (error: unknown) =>
    error instanceof TypeError && /fetch failed|terminated/.test(error.message);
  async function killDuringWork(runningServer: ServerProcess): Promise<void> {
    const clients = Array.from({ length: CLIENTS }, (_, client) =>
      createAndDeleteUntilKilled(client).catch((error: unknown) => {
        if (!isConnectionLost(error)) throw error;
      }),
    );
    // The server is killed at a random moment after some acknowledged operations, however slow the machine is.
    const target = active.size + deleted.size + 4 + Math.floor(Math.random() * 8);
    await until(async () => active.size + deleted.size >= target);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    const { signal } = await runningServer.stop('SIGKILL');
    assert.equal(signal, 'SIGKILL');
    await Promise.all(clients);
  }

  async function assertStatus(credentials: Iterable<CreatedCredential>, status: number): Promise<void> {
    for (const { id, secret } of credentials) {
      const { status: actual } = await sendJson('/v1/authorize', bearer(secret));
      assert.equal(actual, status, `${id} gets ${actual}, not ${status}`);
    }
  }

  for (let kill = 0; kill < KILLS; kill++) {
    const knownBefore = new Set([...active.keys(), ...deleted.keys()]);
    await killDuringWork(server);
    server = await spawnServer(directory, environment);
    await assertStatus(
      [...active.values()].filter(({ id }) => !knownBefore.has(id)),
      200,
    );
    await assertStatus(
      [...deleted.values()].filter(({ id }) => !knownBefore.has(id)),
      401,
    );
  }
  await assertStatus(active.values(), 200);
  await assertStatus(deleted.values(), 401);
  const { body } = await sendJson<{ useCount: number }>(`/v1/api-keys/${countedKey.body.id}`, personHeaders);
  assert.ok(body.useCount <= uses, `${body.useCount} uses counted of ${uses}`);
  t.diagnostic(`${active.size} active, ${deleted.size} deleted, ${body.useCount} of ${uses} uses counted`);
  assert.ok(deleted.size > 0 && active.size > 0 && deleted.size + active.size > 2 * KILLS);
  await server.stop('SIGTERM');
  assert.equal((await runCommand(['audit', 'verify'], { DEVPILOT_DATA_DIR: directory })).code, 0);
});
