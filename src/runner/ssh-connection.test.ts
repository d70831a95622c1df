import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isNodeLocal, isNodeLocalHost } from '../outbound/addresses.ts';
import { startConnectionProxy } from '../testing/connection-proxy.ts';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { until } from '../testing/until.ts';
import { generateKeyPair } from './key-pair.ts';
import { type RunTarget, run } from './run.ts';
import type { SshTarget } from './ssh.ts';
import {
  allowedAddresses,
  createConnectionPool,
  NODE_LOCAL_REFUSED_MESSAGE,
  SshConnectFailure,
  UNREACHABLE_MESSAGE,
} from './ssh-connection.ts';

let sshd: TestSshd;
const keyPair = generateKeyPair('test');
const folder = temporaryDirectory();
process.env['TMPDIR'] = folder;
before(async () => {
  sshd = await startSshd();
  sshd.authorize([keyPair.publicKey]);
});
after(() => sshd.close());
const targetAt = (port: number, overrides: Partial<SshTarget> = {}): RunTarget & { kind: 'ssh' } => ({
  kind: 'ssh',
  host: '127.0.0.1',
  port,
  user: sshd.user,
  hostKey: sshd.hostKey,
  privateKey: keyPair.privateKey,
  allowNodeLocal: true,
  ...overrides,
});
const shellStep = (body: string) => ({ command: { interpreter: ['/bin/sh'], body } });

test('all steps of a job share one connection per server, and its key and socket are removed', async () => {
  const proxy = await startConnectionProxy(sshd.port, () => false);
  const connections = createConnectionPool();
  const target = connections.pooled(targetAt(proxy.port));
  const ran = await Promise.all([run(target, shellStep('exit 3')), run(target, shellStep('exit 4'))]);
  assert.deepEqual(
    ran.map(({ exitCode }) => exitCode),
    [3, 4],
  );
  assert.equal((await run(target, shellStep('cat; exit 5'))).exitCode, 5);
  assert.equal(proxy.attemptCount(), 1);
  const [connectionFolder = ''] = readdirSync(folder).filter((name) => name.startsWith('devpilot-ssh-'));
  // Only the socket is left.
  assert.deepEqual(readdirSync(join(folder, connectionFolder)), ['s']);
  await connections.close();
  assert.ok(!existsSync(join(folder, connectionFolder)));
  await proxy.close();
});

test('a lost connection is reopened for the next step, despite refused attempts', async () => {
  // Behaves like a rate-limiting firewall: refuses two attempts after the first connection.
  const proxy = await startConnectionProxy(sshd.port, (count) => count === 2 || count === 3);
  const connections = createConnectionPool();
  const target = connections.pooled(targetAt(proxy.port), [10, 20]);
  assert.equal((await run(target, shellStep('true'))).exitCode, 0);
  const running = run(target, shellStep(`touch ${folder}/begun; sleep 30`));
  await until(async () => existsSync(join(folder, 'begun')));
  proxy.closeConnections();
  assert.equal((await running).problem, 'The connection to the server was lost.');
  assert.deepEqual([(await run(target, shellStep('exit 6'))).exitCode, proxy.attemptCount()], [6, 4]);
  await connections.close();
  await proxy.close();
});

test('closed ports and other protocols cause the same error, and the error of an SSH server that refuses the key contains its message', async () => {
  const refusingProxy = await startConnectionProxy(sshd.port, () => true);
  const smtpServer = createServer((socket) =>
    socket.on('error', () => undefined).end('220 mail.example.com ESMTP\r\n'),
  );
  await new Promise<void>((resolve) => smtpServer.listen(0, '127.0.0.1', resolve));
  const silentServer = createServer((socket) => socket.on('error', () => undefined).end());
  await new Promise<void>((resolve) => silentServer.listen(0, '127.0.0.1', resolve));
  const ports = [
    1,
    refusingProxy.port,
    (smtpServer.address() as { port: number }).port,
    (silentServer.address() as { port: number }).port,
  ];
  for (const port of ports)
    assert.equal((await run(targetAt(port), shellStep('id'))).problem, UNREACHABLE_MESSAGE, String(port));
  assert.equal(
    (await run(targetAt(22, { host: 'no-such-host.invalid' }), shellStep('id'))).problem,
    UNREACHABLE_MESSAGE,
  );
  const unknownKey = { privateKey: generateKeyPair('unknown').privateKey };
  assert.match(
    (await run(targetAt(sshd.port, unknownKey), shellStep('id'))).problem ?? '',
    /^Connection failed: .*Permission denied/,
  );
  await refusingProxy.close();
  smtpServer.close();
  silentServer.close();
});

test('loopback and link-local addresses are recognized in every notation, and refused unless allowed', async () => {
  const local = [
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    '169.254.169.254',
    '::1',
    '::',
    'fe80::1%eth0',
    '::ffff:127.0.0.1',
  ];
  const embeddedInIpv6 = [
    '::ffff:7f00:1',
    '::ffff:a9fe:a9fe',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b::169.254.169.254',
  ];
  for (const address of [...local, ...embeddedInIpv6]) assert.ok(isNodeLocal(address), address);
  for (const address of ['10.0.0.5', '192.168.1.1', '8.8.8.8', '2001:db8::1', '::ffff:10.0.0.1', 'example.com'])
    assert.ok(!isNodeLocal(address), address);
  for (const host of ['localhost', 'LOCALHOST.', 'a.localhost', '[::1]']) assert.ok(isNodeLocalHost(host), host);
  // For names and abbreviated addresses, the resolved address is checked. No connection is made.
  for (const host of ['127.0.0.1', 'localhost', '127.1', '2130706433', '0x7f.1']) {
    const expected = { name: SshConnectFailure.name, message: NODE_LOCAL_REFUSED_MESSAGE };
    await assert.rejects(allowedAddresses({ host, allowNodeLocal: false }), expected, host);
  }
  const proxy = await startConnectionProxy(sshd.port, () => false);
  assert.equal(
    (await run(targetAt(proxy.port, { allowNodeLocal: false }), shellStep('id'))).problem,
    NODE_LOCAL_REFUSED_MESSAGE,
  );
  assert.equal(proxy.attemptCount(), 0);
  await proxy.close();
});
