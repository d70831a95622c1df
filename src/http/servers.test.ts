import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AuditEvent } from '../contract/audit-events.ts';
import { parseHostKey } from '../contract/host-key.ts';
import type { Page } from '../contract/paging.ts';
import type { Server, ServerCheck } from '../contract/servers.ts';
import { generateKeyPair } from '../runner/key-pair.ts';
import { listOwnKeyFolders } from '../testing/running-processes.ts';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
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

async function createServer(overrides: object = {}): Promise<Server> {
  const created = await owner.call<Server>('/v1/servers', {
    body: {
      name: 'Loopback',
      kind: 'ssh',
      host: '127.0.0.1',
      port: sshd.port,
      user: sshd.user,
      hostKey: sshd.hostKey,
      ...overrides,
    },
  });
  assert.equal(created.status, 201, created.text);
  return created.body;
}
const checkServer = (server: Server) => owner.call<ServerCheck>(`/v1/servers/${server.id}/check`, { method: 'POST' });

test("a check connects once the server's public key is installed, and the private key is never returned or stored unencrypted", async () => {
  const server = await createServer();
  assert.match(server.publicKey ?? '', /^ssh-ed25519 [A-Za-z0-9+/]+={0,2} devpilot-loopback$/);
  sshd.authorize([]);
  const withoutKey = await checkServer(server);
  assert.equal(withoutKey.status, 200);
  assert.equal(withoutKey.body.ok, false);
  assert.match(withoutKey.body.message, /Permission denied/);
  assert.equal(withoutKey.body.hostKey, sshd.hostKey);
  sshd.authorize([server.publicKey ?? '']);
  const connected = await checkServer(server);
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
  assert.ok(
    memory !== undefined && memory !== null && memory.availableBytes > 0 && memory.availableBytes < memory.totalBytes,
  );
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

test('a host whose key differs from the pinned one is refused', async () => {
  const pinned = parseHostKey(generateKeyPair('other').publicKey);
  const server = await createServer({ hostKey: pinned });
  sshd.authorize([server.publicKey ?? '']);
  const refused = await checkServer(server);
  assert.equal(refused.body.ok, false);
  assert.match(refused.body.message, /differs from the pinned one/);
  assert.equal(refused.body.hostKey, sshd.hostKey);
});

test('a changed host key is shown next to the pinned one, and trusted only after a person has accepted it', async () => {
  const pinned = parseHostKey(generateKeyPair('pinned').publicKey) ?? '';
  const server = await createServer({ hostKey: pinned });
  sshd.authorize([server.publicKey ?? '']);
  assert.equal(server.offeredHostKey, null);
  const path = `/v1/servers/${server.id}`;
  const accept = (hostKey: unknown, person = owner) => person.call<Server>(`${path}/host-key`, { body: { hostKey } });
  assert.equal((await accept(sshd.hostKey)).status, 409, 'no check has received this key yet');
  const refused = await checkServer(server);
  assert.match(refused.body.message, /differs from the pinned one\. Nothing was sent to the host\./);
  const shown = (await owner.call<Server>(path)).body;
  assert.deepEqual([shown.hostKey, shown.offeredHostKey], [pinned, sshd.hostKey]);
  assert.equal((await checkServer(server)).body.ok, false, 'refused until a person accepts the key');
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
  assert.equal((await checkServer(server)).body.message, 'Connected.');
  const events = await owner.call<Page<AuditEvent>>(
    `/v1/audit-events?target=${server.id}&action=server.host_key_replaced`,
  );
  assert.match(JSON.stringify(events.body.data[0]?.detail), /"before":.*SHA256:.*"after":.*SHA256:/);
});

test('an edit of the connection withdraws the offered host key', async () => {
  const otherSshd = await startSshd();
  try {
    const server = await createServer({ port: otherSshd.port });
    otherSshd.authorize([server.publicKey ?? '']);
    sshd.authorize([server.publicKey ?? '']);
    const readOfferedHostKey = async () => (await owner.call<Server>(`/v1/servers/${server.id}`)).body.offeredHostKey;
    await checkServer(server);
    assert.equal(await readOfferedHostKey(), otherSshd.hostKey);
    const moved = await owner.call(`/v1/servers/${server.id}`, { method: 'PATCH', body: { port: sshd.port } });
    assert.equal(moved.status, 200);
    assert.equal(await readOfferedHostKey(), null);
  } finally {
    await otherSshd.close();
  }
});

test('a check detects an SSH user that runs no commands, even if the host keeps the session open', async () => {
  const message = 'Please login as the user "ubuntu" rather than the user "root".';
  const cloudImageSshd = await startSshd([`ForceCommand echo '${message}'; echo; sleep 10; exit 142`]);
  try {
    const server = await createServer({ port: cloudImageSshd.port, hostKey: cloudImageSshd.hostKey });
    cloudImageSshd.authorize([server.publicKey ?? '']);
    const { ok, message: reported, hostKey } = (await checkServer(server)).body;
    assert.deepEqual([ok, hostKey], [false, cloudImageSshd.hostKey]);
    assert.match(reported, /Set the user of the server to ubuntu\./);
  } finally {
    await cloudImageSshd.close();
  }
});

test('a check returns all host keys, the preferred type first, and the free space for the app directories', async () => {
  const directory = temporaryDirectory();
  const types = ['ecdsa', 'rsa'];
  for (const type of types)
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', '', '-f', join(directory, type)]);
  const multiKeySshd = await startSshd([
    ...types.map((type) => `HostKey ${join(directory, type)}`),
    'ListenAddress ::1',
  ]);
  try {
    const server = await createServer({ port: multiKeySshd.port, hostKey: null });
    const first = await checkServer(server);
    const expected = [
      multiKeySshd.hostKey,
      ...types.map((type) => readFileSync(join(directory, `${type}.pub`), 'utf8').trim()),
    ];
    assert.deepEqual([first.body.hostKey, first.body.hostKeys], [expected[0], expected]);
    for (const host of ['web_1.internal', '_web', 'web-1.example.com.', 'fe80::1%eth0.100'])
      assert.equal((await createServer({ host, hostKey: null })).host, host);
    // Any of the keys can be pinned. The zone of an address is passed to ssh; zone 1 is the loopback interface.
    const hosts: [string, string | undefined][] = [
      ['::1%1', expected[1]],
      ['127.0.0.1', expected[2]],
    ];
    for (const [host, hostKey] of hosts) {
      const pinned = await createServer({ host, port: multiKeySshd.port, hostKey });
      multiKeySshd.authorize([pinned.publicKey ?? '']);
      assert.equal((await checkServer(pinned)).body.message, 'Connected.', host);
    }
    const project = (await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Space' } })).body;
    const appDirectory = `${directory}/not/there/yet`;
    const app = { projectId: project.id, name: 'Space', serverId: server.id, directory: appDirectory };
    assert.equal((await owner.call('/v1/apps', { body: app })).status, 201);
    await owner.call(`/v1/servers/${server.id}`, { method: 'PATCH', body: { hostKey: multiKeySshd.hostKey } });
    multiKeySshd.authorize([server.publicKey ?? '']);
    const { resources } = (await checkServer(server)).body;
    assert.deepEqual(
      resources?.disks.map(({ directory }) => directory),
      [appDirectory],
    );
    assert.ok((resources?.disks[0]?.freeBytes ?? 0) > 0);
  } finally {
    await multiKeySshd.close();
  }
});

test("without a pinned host key, a check returns the host's key, and pinning it enables connections", async () => {
  const server = await createServer({ hostKey: null });
  sshd.authorize([server.publicKey ?? '']);
  const first = await checkServer(server);
  assert.equal(first.body.ok, false);
  const { hostKey } = first.body;
  assert.equal((await owner.call(`/v1/servers/${server.id}`, { method: 'PATCH', body: { hostKey } })).status, 200);
  assert.equal((await checkServer(server)).body.ok, true);
});

test('a check reports a host that cannot be reached', async () => {
  const server = await createServer({ port: 1 });
  const response = await checkServer(server);
  assert.equal(response.status, 200);
  assert.deepEqual([response.body.ok, response.body.hostKey], [false, null]);
});

test('a check requires manage_servers and is recorded with the API key that requested it', async () => {
  const server = await createServer({ port: 1 });
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

test('OpenSSH derives the same public key from a generated private key', () => {
  const { privateKey, publicKey } = generateKeyPair('devpilot-test');
  // The key is written to a private file first, because ssh-keygen refuses a file that others can read.
  const derived = execFileSync('sh', ['-c', 'umask 077; f=$(mktemp); cat >"$f"; ssh-keygen -y -f "$f"; rm "$f"'], {
    input: privateKey,
  });
  assert.equal(derived.toString().trim(), publicKey);
});

test('local servers can be created and used only if the operator allows them', async () => {
  const withLocalServers = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } });
  let currentServer = withLocalServers;
  try {
    const person = await signUpOwner(withLocalServers);
    const created = await person.call<Server>('/v1/servers', { body: { name: 'Local', kind: 'local' } });
    assert.equal(created.status, 201);
    const { host, port, user, hostKey, publicKey } = created.body;
    assert.deepEqual([host, port, user, hostKey, publicKey], [null, null, null, null, null]);
    const withHost = { name: 'Remote host', kind: 'local', host: 'example.com' };
    assert.equal((await person.call('/v1/servers', { body: withHost })).status, 422);
    const withAddress = { name: 'Local with address', kind: 'local', host: 'localhost', port: 22, user: 'deploy' };
    const createdWithAddress = await person.call<Server>('/v1/servers', { body: withAddress });
    assert.deepEqual(
      [
        createdWithAddress.status,
        createdWithAddress.body.host,
        createdWithAddress.body.port,
        createdWithAddress.body.user,
      ],
      [201, 'localhost', 22, 'deploy'],
    );
    const checked = await person.call<ServerCheck>(`/v1/servers/${created.body.id}/check`, { method: 'POST' });
    assert.equal(checked.body.ok, true);
    const refused = await owner.call('/v1/servers', { body: { name: 'Local', kind: 'local' } });
    assert.equal(refused.status, 422);
    assert.match(refused.text, /the operator has not allowed local servers/);
    // An existing local server runs nothing once local servers are no longer allowed.
    await withLocalServers.running.close();
    currentServer = await startTestServer({ dataDirectory: withLocalServers.dataDirectory });
    const personAfterRestart = createTestPerson(currentServer, person);
    const refusedCheck = await personAfterRestart.call(`/v1/servers/${created.body.id}/check`, { method: 'POST' });
    assert.equal(refusedCheck.status, 409);
    assert.match(refusedCheck.text, /no longer allows local servers/);
  } finally {
    await currentServer.close();
  }
});

test('only workspaces owned by an operator can have local servers or loopback and link-local hosts', async () => {
  const environment = { DEVPILOT_LOCAL_SERVER: 'on', DEVPILOT_WORKSPACES: 'anyone' };
  const sharedServer = await startTestServer({ environment });
  try {
    const operator = await signUpOwner(sharedServer);
    const graceInOtherWorkspace = await createWorkspaceFor(
      await signUpMember(sharedServer, operator, 'admin', 'grace@example.com'),
      sharedServer,
      'Other',
    );
    const local = { name: 'Local', kind: 'local' };
    const refusedLocal = await graceInOtherWorkspace.call('/v1/servers', { body: local });
    assert.equal(refusedLocal.status, 422, refusedLocal.text);
    assert.match(refusedLocal.text, /only for workspaces that an operator owns/);
    const serverAt = (host: string, port = sshd.port) => ({ name: host, kind: 'ssh', host, port, user: sshd.user });
    const addresses = ['127.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', '0.0.0.0', '::1%1', 'fe80::1%eth0'];
    for (const host of [...addresses, 'localhost', 'localhost.', 'a_b.localhost.']) {
      const refused = await graceInOtherWorkspace.call('/v1/servers', { body: serverAt(host) });
      assert.equal(refused.status, 422, host);
    }
    // A name that resolves to such an address is refused when connecting, whether the port is open or not.
    for (const port of [sshd.port, 1]) {
      const created = await graceInOtherWorkspace.call<Server>('/v1/servers', { body: serverAt('127.1', port) });
      assert.equal(created.status, 201, created.text);
      const checked = await graceInOtherWorkspace.call<ServerCheck>(`/v1/servers/${created.body.id}/check`, {
        method: 'POST',
      });
      assert.equal(checked.body.ok, false);
      assert.match(checked.body.message, /loopback and link-local hosts are only for workspaces that an operator owns/);
      const moved = { method: 'PATCH', body: { host: 'localhost' } };
      assert.equal((await graceInOtherWorkspace.call(`/v1/servers/${created.body.id}`, moved)).status, 422);
    }
    // A local server runs nothing once its workspace is no longer owned by an operator.
    const created = await operator.call<Server>('/v1/servers', { body: local });
    assert.equal(created.status, 201, created.text);
    const members = await operator.call<Page<{ id: string; email: string }>>('/v1/members');
    const memberId = members.body.data.find(({ email }) => email === 'grace@example.com')?.id;
    const transferred = await operator.call(`/v1/workspaces/${operator.workspaceId}/owner`, { body: { memberId } });
    assert.ok(transferred.status < 300, transferred.text);
    assert.equal((await operator.call(`/v1/servers/${created.body.id}/check`, { method: 'POST' })).status, 409);
    // The new owner is not an operator, and cannot transfer the workspace back to one.
    const operatorMemberId = members.body.data.find(({ email }) => email === operator.email)?.id;
    const graceAsNewOwner = createTestPerson(sharedServer, {
      email: graceInOtherWorkspace.email,
      cookie: graceInOtherWorkspace.cookie,
      workspaceId: operator.workspaceId,
    });
    const transferredBack = await graceAsNewOwner.call<{ code: string }>(
      `/v1/workspaces/${operator.workspaceId}/owner`,
      {
        body: { memberId: operatorMemberId },
      },
    );
    assert.deepEqual([transferredBack.status, transferredBack.body.code], [403, 'forbidden'], transferredBack.text);
    assert.equal((await operator.call('/v1/servers', { body: local })).status, 422);
  } finally {
    await sharedServer.close();
  }
});

test('a server that an API key creates, or whose connection is edited, runs nothing until it is confirmed', async () => {
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
  const expectRefused = async () => {
    const refused = await app.deploy();
    assert.equal(refused.status, 409, refused.text);
    assert.match(refused.text, /is not confirmed/);
    const { id } = (await owner.call<{ id: string }>(`/v1/scripts/${scriptId}/runs`, { body: {} })).body;
    const readRun = async () => (await owner.call<{ status: string; error: string | null }>(`/v1/runs/${id}`)).body;
    await until(async () => (await readRun()).status === 'failed');
    assert.match((await readRun()).error ?? '', /is not confirmed/);
  };
  await expectRefused();
  // A check can still sign in, but it runs no commands.
  assert.match((await checkServer(byKey.body)).body.message, /^Signed in\. No commands run on the server/);
  const read = await owner.call<Server>(path);
  const etag = read.headers.get('etag') ?? '';
  const confirm = (headers: Record<string, string> = {}) =>
    owner.call<Server>(`${path}/confirm`, { method: 'POST', headers });
  assert.deepEqual((await confirm({ 'if-match': etag })).body.confirmed, true);
  assert.equal((await checkServer(byKey.body)).body.message, 'Connected.');
  assert.equal((await deployAndWait(owner, app)).status, 'completed');
  const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${byKey.body.id}&action=server.confirmed`);
  assert.equal(log.body.data[0]?.detail['hostKey'], sshd.hostKey);
  // An edit of the name keeps the confirmation. An edit of the connection ends it and creates a new key pair.
  assert.equal((await owner.call<Server>(path, { method: 'PATCH', body: { name: 'Other' } })).body.confirmed, true);
  const connectionEdits: readonly object[] = [
    { host: 'localhost' },
    { port: 22 },
    { user: 'nobody' },
    { hostKey: parseHostKey(generateKeyPair('other').publicKey) },
  ];
  let previousPublicKey = byKey.body.publicKey;
  for (const connectionEdit of connectionEdits) {
    const { body: moved } = await owner.call<Server>(path, { method: 'PATCH', body: connectionEdit });
    assert.deepEqual(
      [moved.confirmed, moved.publicKey === previousPublicKey],
      [false, false],
      JSON.stringify(connectionEdit),
    );
    previousPublicKey = moved.publicKey;
    assert.equal((await confirm({ 'if-match': etag })).status, 409);
    assert.equal((await confirm()).body.confirmed, true);
    // Both events contain the whole connection, not only the edited field.
    const { body: events } = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${byKey.body.id}&limit=2`);
    const [confirmed, edited] = events.data.map(({ detail }) => detail);
    const hostKeyBytes = Buffer.from(moved.hostKey?.split(' ')[1] ?? '', 'base64');
    const digest = createHash('sha256').update(hostKeyBytes).digest('base64').replace('=', '');
    const connection = `${moved.user}@${moved.host} port ${moved.port}, host key SHA256:${digest}`;
    assert.equal(confirmed?.['connection'], connection);
    assert.equal((edited?.['after'] as { connection?: string } | undefined)?.connection, connection);
  }
  await owner.call(path, { method: 'PATCH', body: { port: sshd.port } });
  await expectRefused();
});
