import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AuditEvent } from '../contract/audit-events.ts';
import { parseHostKey } from '../contract/host-key.ts';
import type { Page } from '../contract/paging.ts';
import type { Server, ServerCheck } from '../contract/servers.ts';
import { generateKeyPair } from '../runner/key-pair.ts';
import { listOwnKeyFolders } from '../testing/running-processes.ts';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
import { createTestApp, deployAndWait } from '../testing/test-deployments.ts';
import {
  bearer,
  createKey,
  createTestPerson,
  createWorkspaceFor,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { until } from '../testing/until.ts';

let testServer: TestServer;
let owner: TestPerson;
let sshd: TestSshd;
before(async () => {
  [testServer, sshd] = await Promise.all([startTestServer(), startSshd()]);
  owner = await signUpOwner(testServer);
});
after(() => Promise.all([testServer.close(), sshd.close()]));

async function newServer(more: object = {}): Promise<Server> {
  const created = await owner.call<Server>('/v1/servers', {
    body: {
      name: 'Loopback',
      kind: 'ssh',
      host: '127.0.0.1',
      port: sshd.port,
      user: sshd.user,
      hostKey: sshd.hostKey,
      ...more,
    },
  });
  assert.equal(created.status, 201, created.text);
  return created.body;
}
const check = (server: Server) => owner.call<ServerCheck>(`/v1/servers/${server.id}/check`, { method: 'POST' });

test('a server connects once its public key is installed, and its private key appears nowhere', async () => {
  const server = await newServer();
  assert.match(server.publicKey ?? '', /^ssh-ed25519 [A-Za-z0-9+/]+={0,2} devpilot-loopback$/);
  sshd.authorize([]);
  const early = await check(server);
  assert.equal(early.status, 200);
  assert.equal(early.body.ok, false);
  assert.match(early.body.message, /Permission denied/);
  assert.equal(early.body.hostKey, sshd.hostKey);
  sshd.authorize([server.publicKey ?? '']);
  const connected = await check(server);
  assert.deepEqual(
    { ...connected.body, resources: null },
    { ok: true, message: 'Connected.', hostKey: sshd.hostKey, hostKeys: [sshd.hostKey], resources: null },
  );
  const { disks = [], memory, load, cpuCount } = connected.body.resources ?? {};
  assert.deepEqual(
    disks.map(({ directory }) => directory),
    ['/'],
  );
  for (const { freeBytes, totalBytes } of disks) assert.ok(freeBytes > 0 && freeBytes <= totalBytes);
  assert.ok(memory != null && memory.availableBytes > 0 && memory.availableBytes < memory.totalBytes);
  assert.equal(load?.length, 3);
  assert.equal(cpuCount, availableParallelism());
  assert.deepEqual(listOwnKeyFolders(), []);
  for (const path of [`/v1/servers/${server.id}`, '/v1/servers', '/v1/audit-events']) {
    assert.doesNotMatch((await owner.call(path)).text, /PRIVATE KEY|sealed|privateKey/);
  }
  for (const file of readdirSync(testServer.dataDirectory)) {
    assert.ok(!readFileSync(join(testServer.dataDirectory, file)).includes('PRIVATE KEY'), file);
  }
});

test('a host with a key other than the pinned one is not connected to', async () => {
  const pinned = parseHostKey(generateKeyPair('other').publicKey);
  const server = await newServer({ hostKey: pinned });
  sshd.authorize([server.publicKey ?? '']);
  const refused = await check(server);
  assert.equal(refused.body.ok, false);
  assert.match(refused.body.message, /differs from the pinned one/);
  assert.equal(refused.body.hostKey, sshd.hostKey);
});

test('a changed host key is shown beside the pinned one, and trusted only after a person has accepted it', async () => {
  const pinned = parseHostKey(generateKeyPair('before').publicKey) ?? '';
  const server = await newServer({ hostKey: pinned });
  sshd.authorize([server.publicKey ?? '']);
  assert.equal(server.offeredHostKey, null);
  const path = `/v1/servers/${server.id}`;
  const accept = (hostKey: unknown, person = owner) => person.call<Server>(`${path}/host-key`, { body: { hostKey } });
  assert.equal((await accept(sshd.hostKey)).status, 409, 'no check has received it');
  const refused = await check(server);
  assert.match(refused.body.message, /differs from the pinned one\. Nothing was sent to the host\./);
  const shown = (await owner.call<Server>(path)).body;
  assert.deepEqual([shown.hostKey, shown.offeredHostKey], [pinned, sshd.hostKey]);
  assert.equal((await check(server)).body.ok, false, 'nothing connects until then');
  const key = await createKey(owner, ['write', 'manage_servers']);
  const byKey = await testServer.call(`${path}/host-key`, {
    body: { hostKey: sshd.hostKey },
    headers: bearer(key.secret),
  });
  assert.equal(byKey.status, 403);
  assert.equal((await accept(parseHostKey(generateKeyPair('third').publicKey))).status, 409);
  const accepted = await accept(sshd.hostKey);
  assert.equal(accepted.status, 200, accepted.text);
  const { hostKey, offeredHostKey, publicKey, confirmed } = accepted.body;
  assert.deepEqual([hostKey, offeredHostKey, publicKey, confirmed], [sshd.hostKey, null, server.publicKey, true]);
  assert.equal((await check(server)).body.message, 'Connected.');
  const events = await owner.call<Page<AuditEvent>>(
    `/v1/audit-events?target=${server.id}&action=server.host_key_replaced`,
  );
  assert.match(JSON.stringify(events.body.data[0]?.detail), /"before":.*SHA256:.*"after":.*SHA256:/);
});

test('a check that receives the pinned key again withdraws the other one, and an edit does too', async () => {
  const other = await startSshd();
  try {
    const server = await newServer({ port: other.port });
    other.authorize([server.publicKey ?? '']);
    sshd.authorize([server.publicKey ?? '']);
    const offered = async () => (await owner.call<Server>(`/v1/servers/${server.id}`)).body.offeredHostKey;
    await check(server);
    assert.equal(await offered(), other.hostKey);
    const moved = await owner.call(`/v1/servers/${server.id}`, { method: 'PATCH', body: { port: sshd.port } });
    assert.equal(moved.status, 200);
    assert.equal(await offered(), null);
  } finally {
    await other.close();
  }
});

test('a check names an account that runs nothing, also one that keeps the session open', async () => {
  const message = 'Please login as the user "ubuntu" rather than the user "root".';
  const cloudImage = await startSshd([`ForceCommand echo '${message}'; echo; sleep 10; exit 142`]);
  try {
    const server = await newServer({ port: cloudImage.port, hostKey: cloudImage.hostKey });
    cloudImage.authorize([server.publicKey ?? '']);
    const { ok, message: shown, hostKey } = (await check(server)).body;
    assert.deepEqual([ok, hostKey], [false, cloudImage.hostKey]);
    assert.match(shown, /Set the user of the server to ubuntu\./);
  } finally {
    await cloudImage.close();
  }
});

test('all host keys are shown, the preferred type first, and free space for the directories of the apps', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'devpilot-host-keys-'));
  const types = ['ecdsa', 'rsa'];
  for (const type of types)
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', '', '-f', join(folder, type)]);
  const many = await startSshd([...types.map((type) => `HostKey ${join(folder, type)}`), 'ListenAddress ::1']);
  try {
    const server = await newServer({ port: many.port, hostKey: null });
    const first = await check(server);
    const expected = [many.hostKey, ...types.map((type) => readFileSync(join(folder, `${type}.pub`), 'utf8').trim())];
    assert.deepEqual([first.body.hostKey, first.body.hostKeys], [expected[0], expected]);
    for (const host of ['web_1.internal', '_web', 'web-1.example.com.', 'fe80::1%eth0.100'])
      assert.equal((await newServer({ host, hostKey: null })).host, host);
    // Any of them can be pinned; the zone of an address is passed on (1 is the loopback interface).
    const hosts: [string, string | undefined][] = [
      ['::1%1', expected[1]],
      ['127.0.0.1', expected[2]],
    ];
    for (const [host, hostKey] of hosts) {
      const pinned = await newServer({ host, port: many.port, hostKey });
      many.authorize([pinned.publicKey ?? '']);
      assert.equal((await check(pinned)).body.message, 'Connected.', host);
    }
    const project = (await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Space' } })).body;
    const directory = `${folder}/not/there/yet`;
    const app = { projectId: project.id, name: 'Space', serverId: server.id, directory };
    assert.equal((await owner.call('/v1/apps', { body: app })).status, 201);
    await owner.call(`/v1/servers/${server.id}`, { method: 'PATCH', body: { hostKey: many.hostKey } });
    many.authorize([server.publicKey ?? '']);
    const { resources } = (await check(server)).body;
    assert.deepEqual(
      resources?.disks.map(({ directory }) => directory),
      [directory],
    );
    assert.ok((resources?.disks[0]?.freeBytes ?? 0) > 0);
  } finally {
    await many.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("without a pinned key the check shows the host's key, and pinning it enables connections", async () => {
  const server = await newServer({ hostKey: null });
  sshd.authorize([server.publicKey ?? '']);
  const first = await check(server);
  assert.equal(first.body.ok, false);
  const { hostKey } = first.body;
  assert.equal((await owner.call(`/v1/servers/${server.id}`, { method: 'PATCH', body: { hostKey } })).status, 200);
  assert.equal((await check(server)).body.ok, true);
});

test('a host that does not respond is reported in time', async () => {
  const server = await newServer({ port: 1 });
  const response = await check(server);
  assert.equal(response.status, 200);
  assert.deepEqual([response.body.ok, response.body.hostKey], [false, null]);
});

test('a check needs manage_servers and is recorded with the API key that requested it', async () => {
  const server = await newServer({ port: 1 });
  for (const [permission, status] of [
    ['write', 403],
    ['read', 403],
    ['manage_servers', 200],
  ] as const) {
    const key = await createKey(owner, [permission]);
    const path = `/v1/servers/${server.id}/check`;
    const response = await testServer.call(path, { method: 'POST', headers: bearer(key.secret) });
    assert.equal(response.status, status, permission);
    if (status !== 200) continue;
    const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${server.id}&action=server.checked`);
    assert.equal(log.body.data[0]?.credential?.id, key.id);
  }
});

test('OpenSSH reads a generated key pair, and its public half is the one shown', () => {
  const { privateKey, publicKey } = generateKeyPair('devpilot-test');
  // From standard input into a private file, since the client refuses a key that others can read.
  const read = execFileSync('sh', ['-c', 'umask 077; f=$(mktemp); cat >"$f"; ssh-keygen -y -f "$f"; rm "$f"'], {
    input: privateKey,
  });
  assert.equal(read.toString().trim(), publicKey);
});

test('local servers exist only if the operator allows them', async () => {
  const allowing = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } });
  let last = allowing;
  try {
    const person = await signUpOwner(allowing);
    const created = await person.call<Server>('/v1/servers', { body: { name: 'Right here', kind: 'local' } });
    assert.equal(created.status, 201);
    const { host, port, user, hostKey, publicKey } = created.body;
    assert.deepEqual([host, port, user, hostKey, publicKey], [null, null, null, null, null]);
    const withHost = { name: 'Not here', kind: 'local', host: 'example.com' };
    assert.equal((await person.call('/v1/servers', { body: withHost })).status, 422);
    const named = { name: 'Right here, named', kind: 'local', host: 'localhost', port: 22, user: 'deploy' };
    const shown = await person.call<Server>('/v1/servers', { body: named });
    assert.deepEqual(
      [shown.status, shown.body.host, shown.body.port, shown.body.user],
      [201, 'localhost', 22, 'deploy'],
    );
    const checked = await person.call<ServerCheck>(`/v1/servers/${created.body.id}/check`, { method: 'POST' });
    assert.equal(checked.body.ok, true);
    const refused = await owner.call('/v1/servers', { body: { name: 'Right here', kind: 'local' } });
    assert.equal(refused.status, 422);
    assert.match(refused.text, /the operator has not allowed local servers/);
    // One that exists already runs nothing once they are no longer allowed.
    await allowing.running.close();
    last = await startTestServer({ dataDirectory: allowing.dataDirectory });
    const later = createTestPerson(last, person.email, person.cookie, person.workspaceId);
    const unchecked = await later.call(`/v1/servers/${created.body.id}/check`, { method: 'POST' });
    assert.equal(unchecked.status, 409);
    assert.match(unchecked.text, /no longer allows local servers/);
  } finally {
    await last.close();
  }
});

test('only workspaces owned by an operator have local servers and hosts on loopback or link-local addresses', async () => {
  const environment = { DEVPILOT_LOCAL_SERVER: 'on', DEVPILOT_WORKSPACES: 'anyone' };
  const own = await startTestServer({ environment });
  try {
    const operator = await signUpOwner(own);
    const other = await createWorkspaceFor(
      await signUpMember(own, operator, 'admin', 'grace@example.com'),
      own,
      'Other',
    );
    const local = { name: 'Right here', kind: 'local' };
    const refusedLocal = await other.call('/v1/servers', { body: local });
    assert.equal(refusedLocal.status, 422, refusedLocal.text);
    assert.match(refusedLocal.text, /only for workspaces that an operator owns/);
    const serverAt = (host: string, port = sshd.port) => ({ name: host, kind: 'ssh', host, port, user: sshd.user });
    const addresses = ['127.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', '0.0.0.0', '::1%1', 'fe80::1%eth0'];
    for (const host of [...addresses, 'localhost', 'localhost.', 'a_b.localhost.']) {
      const refused = await other.call('/v1/servers', { body: serverAt(host) });
      assert.equal(refused.status, 422, host);
    }
    // A name that resolves to such an address is refused on connecting, whether the port is open or not.
    for (const port of [sshd.port, 1]) {
      const created = await other.call<Server>('/v1/servers', { body: serverAt('127.1', port) });
      assert.equal(created.status, 201, created.text);
      const checked = await other.call<ServerCheck>(`/v1/servers/${created.body.id}/check`, { method: 'POST' });
      assert.equal(checked.body.ok, false);
      assert.match(checked.body.message, /loopback and link-local hosts are only for workspaces that an operator owns/);
      const moved = { method: 'PATCH', body: { host: 'localhost' } };
      assert.equal((await other.call(`/v1/servers/${created.body.id}`, moved)).status, 422);
    }
    // A local server runs nothing once its workspace is no longer owned by an operator.
    const created = await operator.call<Server>('/v1/servers', { body: local });
    assert.equal(created.status, 201, created.text);
    const members = await operator.call<Page<{ id: string; email: string }>>('/v1/members');
    const memberId = members.body.data.find(({ email }) => email === 'grace@example.com')?.id;
    const given = await operator.call(`/v1/workspaces/${operator.workspaceId}/owner`, { body: { memberId } });
    assert.ok(given.status < 300, given.text);
    assert.equal((await operator.call(`/v1/servers/${created.body.id}/check`, { method: 'POST' })).status, 409);
    // Nor can somebody else make an operator its owner.
    const heir = members.body.data.find(({ email }) => email === operator.email)?.id;
    const grace = createTestPerson(own, other.email, other.cookie, operator.workspaceId);
    const back = await grace.call<{ code: string }>(`/v1/workspaces/${operator.workspaceId}/owner`, {
      body: { memberId: heir },
    });
    assert.deepEqual([back.status, back.body.code], [403, 'forbidden'], back.text);
    assert.equal((await operator.call('/v1/servers', { body: local })).status, 422);
  } finally {
    await own.close();
  }
});

test('a server that an API key creates or anyone moves waits for a confirmation, with a new key pair', async () => {
  const key = await createKey(owner, ['write', 'manage_servers']);
  const body = {
    name: 'By key',
    kind: 'ssh',
    host: '127.0.0.1',
    port: sshd.port,
    user: sshd.user,
    hostKey: sshd.hostKey,
  };
  const byKey = await testServer.call<Server>('/v1/servers', { body, headers: bearer(key.secret) });
  assert.deepEqual([byKey.status, byKey.body.confirmed], [201, false], byKey.text);
  const app = await createTestApp(owner, byKey.body.id);
  const script = { name: 'Date', body: 'date', serverId: byKey.body.id };
  const { id: scriptId } = (await owner.call<{ id: string }>('/v1/scripts', { body: script })).body;
  const path = `/v1/servers/${byKey.body.id}`;
  sshd.authorize([byKey.body.publicKey ?? '']);
  const refuses = async () => {
    const refused = await app.deploy();
    assert.equal(refused.status, 409, refused.text);
    assert.match(refused.text, /is not confirmed/);
    const { id } = (await owner.call<{ id: string }>(`/v1/scripts/${scriptId}/runs`, { body: {} })).body;
    let run: { status: string; error: string | null } | undefined;
    await until(async () => (run = (await owner.call<typeof run>(`/v1/runs/${id}`)).body)?.status === 'failed');
    assert.match(run?.error ?? '', /is not confirmed/);
  };
  await refuses();
  // Signing in can be checked; it runs nothing.
  assert.match((await check(byKey.body)).body.message, /^Signed in\. No commands run on the server/);
  const read = await owner.call<Server>(path);
  const tag = read.headers.get('etag') ?? '';
  const confirm = (headers: Record<string, string> = {}) =>
    owner.call<Server>(`${path}/confirm`, { method: 'POST', headers });
  assert.deepEqual((await confirm({ 'if-match': tag })).body.confirmed, true);
  assert.equal((await check(byKey.body)).body.message, 'Connected.');
  assert.equal((await deployAndWait(owner, app)).status, 'completed');
  const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${byKey.body.id}&action=server.confirmed`);
  assert.equal(log.body.data[0]?.detail['hostKey'], sshd.hostKey);
  // The name does not affect where steps run; each of these fields does, for every principal that changes it.
  assert.equal((await owner.call<Server>(path, { method: 'PATCH', body: { name: 'Other' } })).body.confirmed, true);
  const moves: readonly object[] = [
    { host: 'localhost' },
    { port: 22 },
    { user: 'nobody' },
    { hostKey: parseHostKey(generateKeyPair('other').publicKey) },
  ];
  let before = byKey.body.publicKey;
  for (const move of moves) {
    const { body: moved } = await owner.call<Server>(path, { method: 'PATCH', body: move });
    assert.deepEqual([moved.confirmed, moved.publicKey === before], [false, false], JSON.stringify(move));
    before = moved.publicKey;
    assert.equal((await confirm({ 'if-match': tag })).status, 409);
    assert.equal((await confirm()).body.confirmed, true);
    // Both events list everything that the confirmation covers, whatever the edit changed.
    const { body: events } = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${byKey.body.id}&limit=2`);
    const [confirmed, edited] = events.data.map(({ detail }) => detail);
    const key = Buffer.from(moved.hostKey?.split(' ')[1] ?? '', 'base64');
    const digest = createHash('sha256').update(key).digest('base64').replace('=', '');
    const connection = `${moved.user}@${moved.host} port ${moved.port}, host key SHA256:${digest}`;
    assert.equal(confirmed?.['connection'], connection);
    assert.equal((edited?.['after'] as { connection?: string } | undefined)?.connection, connection);
  }
  await owner.call(path, { method: 'PATCH', body: { port: sshd.port } });
  await refuses();
  app.remove();
});
