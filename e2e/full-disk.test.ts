import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ServerProcess, spawnServer } from '../src/testing/process.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import {
  bearer,
  createKey,
  PASSWORD,
  sendRequest,
  signInRemotePerson,
  signUpRemoteOwner,
  type TestPerson,
} from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';

/** Size of the disk reserve of a server. */
const RESERVE_BYTES = 4 * 1_048_576;

const root = temporaryDirectory();
const disk = join(root, 'disk');
execFileSync('mkdir', [disk]);
// Mounting requires root. There is no other safe way to fill a disk.
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'devpilot-test', disk]).status === 0;
after(() => {
  if (isMounted) spawnSync('umount', [disk]);
});

const filler = join(disk, 'filler');
/** Fills the file system. */
function fillDisk(): void {
  const descriptor = openSync(filler, 'a');
  for (let size = 1_048_576; size >= 1; ) {
    try {
      writeSync(descriptor, Buffer.alloc(size));
    } catch {
      size = Math.floor(size / 4);
    }
  }
  closeSync(descriptor);
}

describe('on a full disk', { skip: isMounted ? false : 'no file system can be mounted here' }, () => {
  const directory = join(disk, 'data');
  const reserve = join(directory, 'devpilot.reserve');
  let server: ServerProcess;
  let owner: TestPerson;
  const statusOf = async (secret: string) =>
    (await sendRequest(server.url, '/v1/authorize', { headers: bearer(secret) })).status;
  before(async () => {
    server = await spawnServer(directory, { DEVPILOT_METRICS: '127.0.0.1:0' });
    owner = await signUpRemoteOwner(server);
  });
  after(() => server.stop('SIGKILL'));

  test('deletions, deactivations, sign-ins and sign-outs work, and other writes fail until there is space again', async () => {
    const keys = await Promise.all(Array.from({ length: 40 }, () => createKey(owner, ['read'])));
    const [deactivated, revoked, ...deleted] = keys;
    const invitation = { email: 'grace@example.com', role: 'member' };
    const { code } = (await owner.call<{ code: string }>('/v1/invitations', { body: invitation })).body;
    const body = { name: 'Grace', email: invitation.email, password: PASSWORD, invitation: code };
    const graceId = (await sendRequest<{ id: string }>(server.url, '/v1/people', { body })).body.id;
    const grace = await signInRemotePerson(server.url, invitation.email);
    const resetLink = await owner.call<{ url: string }>(`/v1/people/${graceId}/password-reset`, { method: 'POST' });
    assert.ok(deactivated !== undefined && revoked !== undefined);
    await until(async () => existsSync(reserve) && statSync(reserve).size === RESERVE_BYTES, 20_000);

    fillDisk();
    const createOneKey = () =>
      owner.call<{ detail: string }>('/v1/api-keys', { body: { name: 'One more', permissions: ['read'] } });
    let response = await createOneKey();
    // The WAL still has some space that it allocated earlier.
    for (let tries = 0; response.status === 201 && tries < 2_000; tries++) response = await createOneKey();
    assert.equal(response.status, 503, response.text);
    assert.match(response.body.detail, /disk is full/);

    for (const { id, secret } of deleted) {
      const deletion = await owner.call(`/v1/api-keys/${id}`, { method: 'DELETE' });
      assert.equal(deletion.status, 204, deletion.text);
      assert.equal(await statusOf(secret), 401);
    }
    const deactivation = await owner.call(`/v1/api-keys/${deactivated.id}`, {
      method: 'PATCH',
      body: { active: false },
    });
    assert.equal(deactivation.status, 200, deactivation.text);
    assert.equal(await statusOf(deactivated.secret), 401);
    const revocation = await sendRequest(server.url, '/v1/revoke', {
      body: new URLSearchParams({ token: revoked.secret }),
    });
    assert.equal(revocation.status, 200);
    assert.equal(await statusOf(revoked.secret), 401);
    const resetPath = `/v1/password-resets/${new URL(resetLink.body.url).hash.slice(1)}`;
    assert.equal(
      (await sendRequest(server.url, resetPath, { body: { password: 'quite another passphrase' } })).status,
      204,
    );
    assert.equal((await grace.call('/v1/me')).status, 401);
    const disabled = await owner.call(`/v1/people/${graceId}`, { method: 'PATCH', body: { disabled: true } });
    assert.equal(disabled.status, 200, disabled.text);
    const secondSession = await signInRemotePerson(server.url, owner.email);
    assert.equal((await secondSession.call('/v1/sessions/current', { method: 'DELETE' })).status, 204);
    assert.equal((await createOneKey()).status, 503);

    const ready = await sendRequest<{ warning?: string }>(server.url, '/readyz');
    assert.equal(ready.status, 200);
    assert.match(ready.body.warning ?? '', /disk is full/);
    assert.match(await (await fetch(server.metricsUrl ?? '')).text(), /devpilot_disk_full 1\n/);

    // After a kill and a restart on the full disk, the deletions are still in effect.
    await server.stop('SIGKILL');
    fillDisk();
    server = await spawnServer(directory, { DEVPILOT_METRICS: '127.0.0.1:0' });
    for (const { secret } of deleted.slice(0, 5)) assert.equal(await statusOf(secret), 401);

    rmSync(filler);
    owner = await signInRemotePerson(server.url, owner.email);
    await until(async () => (await createOneKey()).status === 201, 20_000);
    await until(async () => statSync(reserve).size === RESERVE_BYTES, 20_000);
    assert.equal((await server.stop('SIGTERM')).code, 0);
    server = await spawnServer(directory, { DEVPILOT_METRICS: '127.0.0.1:0' });
    assert.equal(await statusOf(deleted[0]?.secret ?? ''), 401);
  });
});
