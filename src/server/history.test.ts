import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { guard } from '../sdk/guard.ts';
import { TEST_SECRET } from '../testing/engines.ts';
import { freePort, startPostgres } from '../testing/postgres.ts';
import { startStallingProxy } from '../testing/stalling-proxy.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import {
  bearer,
  createKey,
  createTestPerson,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { until } from '../testing/until.ts';
import { createBackup } from './backup.ts';
import { restore } from './restore.ts';
import { readSettings } from './settings.ts';

const BOUND = { DEVPILOT_REVOCATION_BOUND: '2s' };

/**
 * Deletes a token and retries on 503, because the first write after a restart of the database can fail on a lost
 * connection. If the deletion was committed despite the 503, the next response is 404.
 */
async function deleteToken(owner: TestPerson, { id }: { readonly id: string }): Promise<void> {
  let isOutcomeUnknown = false;
  await until(async () => {
    const { status } = await owner.call(`/v1/access-tokens/${id}`, { method: 'DELETE' });
    if (status === 503) isOutcomeUnknown = true;
    else if (!isOutcomeUnknown || status !== 404) assert.equal(status, 204);
    return status !== 503;
  });
}

const statusAt = async (server: TestServer, { secret }: { readonly secret: string }) =>
  (await server.call('/v1/authorize', { headers: bearer(secret) })).status;

const createThreeTokens = (owner: TestPerson) =>
  Promise.all(Array.from({ length: 3 }, () => createToken(owner, ['modify_env'])));

test('a node that applied revocations missing from a restored database accepts no credential deleted after the restore', async () => {
  const postgres = await startPostgres();
  const proxy = await startStallingProxy(postgres.port);
  const copy = `${postgres.directory}-copy`;
  const servers: TestServer[] = [];
  try {
    const url = new URL(await postgres.createDatabase());
    const start = async (port: number) => {
      url.port = String(port);
      const environment = { DATABASE_URL: url.href, DEVPILOT_SECRET: TEST_SECRET, ...BOUND };
      const server = await startTestServer({ environment });
      servers.push(server);
      return server;
    };
    const first = await start(postgres.port);
    const disconnectedNode = await start(proxy.port);
    const signedUp = await signUpOwner(disconnectedNode);
    const owner = createTestPerson(first, signedUp);
    const [keptToken, ...deletedTokens] = await createThreeTokens(owner);
    assert.ok(keptToken);
    await postgres.stop('SIGINT');
    // `-a` preserves the owner, which must be the user that runs PostgreSQL.
    execFileSync('cp', ['-a', postgres.directory, copy]);
    await postgres.start();
    await until(async () => (await first.call('/readyz')).status === 200);
    await until(async () => (await disconnectedNode.call('/readyz')).status === 200);

    // The restored database will lack two revocations, which the disconnected node applies, and a token.
    for (const token of deletedTokens) await deleteToken(owner, token);
    const lostToken = await createToken(owner, ['modify_env']);
    assert.deepEqual(
      [await statusAt(disconnectedNode, keptToken), await statusAt(disconnectedNode, lostToken)],
      [200, 200],
    );
    // From now on, the disconnected node cannot reach a database. It accepts cached records until its lease ends.
    proxy.retarget(await freePort());
    await postgres.stop('SIGKILL');
    rmSync(postgres.directory, { recursive: true });
    renameSync(copy, postgres.directory);
    rmSync(join(postgres.directory, 'postmaster.pid'), { force: true });
    await postgres.start();

    // The restored database lacks the latest renewals, so the second node cannot see that the lease of the disconnected
    // node is still valid.
    const second = await start(postgres.port);
    const ownerOnRestored = createTestPerson(second, owner);
    await deleteToken(ownerOnRestored, keptToken);
    assert.notEqual(await statusAt(disconnectedNode, keptToken), 200);
    // These deletions reuse the lost revocation numbers.
    for (const token of deletedTokens) await deleteToken(ownerOnRestored, token);
    proxy.retarget(postgres.port);
    await until(async () => (await disconnectedNode.call('/readyz')).status === 200);
    assert.deepEqual(
      [await statusAt(disconnectedNode, keptToken), await statusAt(disconnectedNode, lostToken)],
      [401, 401],
    );
    // A server that has not reconnected cannot write its uses, and fails to stop cleanly.
    await until(async () => (await first.call('/readyz')).status === 200);
  } finally {
    await Promise.allSettled(servers.map((server) => server.close()));
    await proxy.close();
    await postgres.close();
  }
});

test('a guard that applied revocations missing from a restored backup accepts no credential deleted after the restore', async () => {
  const directory = temporaryDirectory();
  const [before, restored, backup] = ['before', 'restored', 'backup'].map((name) => join(directory, name));
  assert.ok(before && restored && backup);
  const environment = { PORT: String(await freePort()), ...BOUND };
  let server = await startTestServer({ dataDirectory: before, environment });
  const owner = await signUpOwner(server);
  const key = await createKey(owner, ['read'], { guard: true });
  let heartbeats = 0;
  let isDisconnected = false;
  const guarded = guard({
    url: server.url,
    scope: 'modify_env',
    apiKey: key.secret,
    fetch: (input, init) => {
      if (isDisconnected) return Promise.reject(new TypeError('disconnected'));
      if (String(input).endsWith('/beats')) heartbeats++;
      return fetch(input, init);
    },
  });
  try {
    const [keptToken, ...deletedTokens] = await createThreeTokens(owner);
    assert.ok(keptToken);
    const handler = guarded.wrap(() => new Response('admitted'));
    const statusOf = async ({ secret }: { readonly secret: string }) =>
      (await handler(new Request('http://x/', { headers: bearer(secret) }))).status;
    assert.equal(await guarded.ready(), true);
    await createBackup(readSettings({ DEVPILOT_DATA_DIR: before }), backup, { withSecret: true }, () => undefined);

    for (const token of deletedTokens) await deleteToken(owner, token);
    const lostToken = await createToken(owner, ['modify_env']);
    assert.deepEqual([await statusOf(keptToken), await statusOf(lostToken)], [200, 200]);
    isDisconnected = true;
    await server.running.close();
    await restore(readSettings({ DEVPILOT_DATA_DIR: restored }), backup, () => undefined);
    server = await startTestServer({ dataDirectory: restored, environment });
    const ownerOnRestored = createTestPerson(server, owner);
    await deleteToken(ownerOnRestored, keptToken);
    assert.notEqual(await statusOf(keptToken), 200);
    for (const token of deletedTokens) await deleteToken(ownerOnRestored, token);
    isDisconnected = false;
    const heartbeatsBefore = heartbeats;
    await until(async () => heartbeats > heartbeatsBefore + 3 && (await statusOf(keptToken)) !== 503);
    assert.deepEqual([await statusOf(keptToken), await statusOf(lostToken)], [401, 401]);
  } finally {
    await guarded.close();
    await server.close();
  }
});
