import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { DeployKey, GitHostCheck } from '../contract/deploy-keys.ts';
import type { Page } from '../contract/paging.ts';
import { sshHostOf } from '../contract/repository.ts';
import { gitEnvironment } from '../platform/deployments/git-environment.ts';
import { generateKeyPair } from '../runner/key-pair.ts';
import { createTestRepository, type TestRepository } from '../testing/git-repository.ts';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import {
  createServerResource,
  createTestApp,
  deployAndWait,
  readDeploymentLog,
  type TestApp,
} from '../testing/test-deployments.ts';
import {
  bearer,
  createKey,
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
let gitHost: TestSshd;
let app: TestApp;
const folder = temporaryDirectory();
const repositories: TestRepository[] = [];
const repositoryUrl = (name: string) => `ssh://${gitHost.user}@127.0.0.1:${gitHost.port}${join(folder, name)}`;
const deployKeyPath = (action = '') => `/v1/apps/${app.id}/deploy-key${action}`;
const confirmHostKey = (body: object = {}, person = owner) =>
  person.call<DeployKey>(deployKeyPath('/confirm'), {
    body: { host: '127.0.0.1', port: gitHost.port, hostKey: gitHost.hostKey, ...body },
  });
async function replaceKey(): Promise<DeployKey> {
  const created = await owner.call<DeployKey>(deployKeyPath(), { method: 'POST' });
  assert.equal(created.status, 201, created.text);
  return created.body;
}
/** Publishes a repository on the Git host, with the commits that `fill` makes. */
function publish(name: string, fill: (repository: TestRepository) => void): void {
  const repository = createTestRepository();
  repositories.push(repository);
  fill(repository);
  repository.git('clone', '--quiet', '--bare', repository.path, join(folder, name));
}
before(async () => {
  [testServer, gitHost] = await Promise.all([
    startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } }),
    startSshd(),
  ]);
  owner = await signUpOwner(testServer);
  publish('lib.git', (repository) => repository.commit({ 'lib.txt': 'lib' }));
  publish('shop.git', (repository) => {
    repository.commit({ '.gitmodules': '[submodule "lib"]\n\tpath = lib\n\turl = ../lib.git\n' });
    repository.git('update-index', '--add', '--cacheinfo', `160000,${repositories[0]?.git('rev-parse', 'HEAD')},lib`);
    repository.git('commit', '--quiet', '--message', 'Submodule');
  });
  app = await createTestApp(owner, (await createServerResource(owner)).id, { repository: repositoryUrl('shop.git') });
});
after(() => Promise.all([testServer.close(), gitHost.close()]));

test('an app with a deploy key is deployed once a person has confirmed the host key of its Git host', async () => {
  const { body: initial } = await owner.call<DeployKey>(deployKeyPath());
  assert.deepEqual([initial.publicKey, initial.host, initial.hostKey], [null, '127.0.0.1', null]);
  assert.equal((await confirmHostKey()).status, 404);
  const { publicKey, ...created } = await replaceKey();
  assert.match(publicKey ?? '', /^ssh-ed25519 \S+ devpilot-shop-\d+$/);
  assert.deepEqual([created.host, created.port, created.hostKey], ['127.0.0.1', gitHost.port, null]);
  const refused = await app.deploy();
  assert.equal(refused.status, 409);
  assert.match(refused.text, /host key of 127\.0\.0\.1 is not confirmed/);

  const { body: check } = await owner.call<GitHostCheck>(deployKeyPath('/check'), { method: 'POST' });
  assert.deepEqual(check.hostKeys, [gitHost.hostKey]);
  assert.equal((await app.deploy()).status, 409, 'a check confirms no host key');
  const key = await createKey(owner, ['write', 'manage_apps']);
  const body = { host: '127.0.0.1', port: gitHost.port, hostKey: gitHost.hostKey };
  const byKey = await testServer.call(deployKeyPath('/confirm'), { body, headers: bearer(key.secret) });
  assert.equal(byKey.status, 403);
  const member = await signUpMember(testServer, owner, 'member', 'member@example.com');
  assert.equal((await confirmHostKey({}, member)).status, 403);
  assert.equal((await confirmHostKey({ port: 22 })).status, 409);
  assert.equal((await confirmHostKey()).body.hostKey, gitHost.hostKey);

  gitHost.authorize([]);
  assert.match((await deployAndWait(owner, app)).error ?? '', /Permission denied \(publickey\)/);
  gitHost.authorize([publicKey ?? '']);
  const done = await deployAndWait(owner, app);
  assert.equal(done.status, 'completed', done.error ?? '');
  assert.equal(readFileSync(join(app.directory, 'current/lib/lib.txt'), 'utf8'), 'lib');
  assert.deepEqual(
    (await readDeploymentLog(owner, done.id)).filter(({ text }) => /ssh|key|agent|Identity/i.test(text)),
    [],
  );
  // The agent that held the deploy key ends with the step that needed the key.
  await until(async () => !execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).includes('ssh-agent -t 2400'));
});

test('a deploy key is used for the confirmed host only, and no longer after it is replaced', async () => {
  const first = await replaceKey();
  gitHost.authorize([first.publicKey ?? '']);
  await confirmHostKey();
  await app.edit({ repository: repositoryUrl('shop.git').replace('127.0.0.1', 'localhost') });
  assert.equal((await app.deploy()).status, 409);
  await app.edit({ repository: repositoryUrl('shop.git') });

  const otherHostKey = generateKeyPair('other').publicKey.split(' ').slice(0, 2).join(' ');
  assert.equal((await confirmHostKey({ hostKey: otherHostKey })).status, 200);
  assert.match((await deployAndWait(owner, app)).error ?? '', /Host key verification failed/);
  await confirmHostKey();
  const second = await replaceKey();
  assert.equal(second.hostKey, gitHost.hostKey);
  assert.match((await deployAndWait(owner, app)).error ?? '', /Permission denied/);
  gitHost.authorize([second.publicKey ?? '']);
  assert.equal((await deployAndWait(owner, app)).status, 'completed');
});

test('another workspace has no access to the deploy key, and the activity log never contains the private key', async () => {
  const { publicKey } = await replaceKey();
  const stranger = await createWorkspaceFor(owner, testServer, 'Stranger');
  for (const [method, action] of [
    ['GET', ''],
    ['POST', ''],
    ['DELETE', ''],
    ['POST', '/check'],
  ] as const) {
    assert.equal((await stranger.call(deployKeyPath(action), { method })).status, 404, `${method} ${action}`);
  }
  const { text } = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${app.id}`);
  assert.ok(text.includes(publicKey ?? '-') && !text.includes('PRIVATE'));
  assert.equal((await owner.call(deployKeyPath(), { method: 'DELETE' })).status, 204);
  assert.equal((await owner.call<DeployKey>(deployKeyPath())).body.publicKey, null);
  assert.equal((await owner.call(deployKeyPath(), { method: 'DELETE' })).status, 404);
});

test('git reaches the ssh-agent that holds the deploy key only for the host and port of the repository', () => {
  const bin = temporaryDirectory();
  writeFileSync(join(bin, 'ssh'), '#!/bin/sh\nprintf "%s\\n" "$SSH_AUTH_SOCK" "$@"\n', { mode: 0o755 });
  const environment = gitEnvironment({
    kind: 'deploy_key',
    host: 'git.example.com',
    port: 2222,
    privateKey: 'secret',
    hostKey: 'ssh-ed25519 AAAA',
  });
  const runGitSsh = (...args: string[]) =>
    execFileSync('/bin/sh', ['-c', `${environment['GIT_SSH_COMMAND']} "$@"`, 'git', ...args], {
      env: {
        ...environment,
        PATH: `${bin}:${process.env['PATH']}`,
        SSH_AUTH_SOCK: '/agent',
        DP_KNOWN_HOSTS: '/tmp dir/known',
      },
      encoding: 'utf8',
    }).split('\n');
  const command = "git-upload-pack 'shop.git'";
  const matching = runGitSsh('-o', 'SendEnv=GIT_PROTOCOL', '-p', '2222', 'git@Git.example.com', command);
  assert.equal(matching[0], '/agent');
  assert.ok(matching.includes('-oStrictHostKeyChecking=yes') && matching.includes('/dev/null'));
  // ssh splits the value at spaces unless it is quoted.
  assert.ok(matching.includes('-oUserKnownHostsFile="/tmp dir/known"'));
  assert.deepEqual(matching.slice(-7), [
    '-o',
    'SendEnv=GIT_PROTOCOL',
    '-p',
    '2222',
    'git@Git.example.com',
    command,
    '',
  ]);
  for (const args of [
    ['git@git.example.com'],
    ['-p', '2222', 'git@git.example.com.evil.test'],
    ['-p', '2222', 'git.example.com@evil.test'],
    ['-p', '22', '--', 'git@git.example.com'],
  ]) {
    assert.deepEqual(runGitSsh(...args, command), ['', '-oBatchMode=yes', ...args, command, '']);
  }
});

test('the SSH host of a repository URL is the host that git connects to', () => {
  const hosts = {
    'git@GitHub.com:ada/shop.git': 'github.com 22',
    'ssh://git@git.example.com:2222/shop.git': 'git.example.com 2222',
    'ssh://[2001:DB8::1]/shop.git': '2001:db8::1 22',
    'ssh://git.example.com@evil.test/shop.git': 'evil.test 22',
    'https://git.example.com/shop.git': null,
    '/srv/shop.git': null,
    'ssh://-oProxyCommand=x/shop.git': null,
    'ssh://git%2eexample.com/shop.git': null,
  };
  for (const [url, expected] of Object.entries(hosts)) {
    const host = sshHostOf(url);
    assert.equal(host === null ? null : `${host.host} ${host.port}`, expected, url);
  }
});

test('a workspace can run at most eight checks of Git hosts at a time, which leaves capacity for other workspaces', async () => {
  const sockets = new Set<Socket>();
  let isSilent = true; // Connections are accepted but get no response.
  const slowGitHost = createServer((socket) => {
    socket.on('error', () => undefined);
    if (isSilent) sockets.add(socket);
    else socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(slowGitHost, 'listening');
  const repository = `ssh://git@127.0.0.1:${(slowGitHost.address() as AddressInfo).port}/srv/slow.git`;
  const createSlowApp = async (person: TestPerson) => {
    const { body: project } = await person.call<{ id: string }>('/v1/projects', { body: { name: 'Slow' } });
    const created = await person.call<{ id: string }>('/v1/apps', {
      body: { projectId: project.id, name: 'Slow', repository },
    });
    return created.body.id;
  };
  const ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, 'Checks');
  const [ownerAppId, appIdOfOtherWorkspace] = [await createSlowApp(owner), await createSlowApp(ownerInOtherWorkspace)];
  const retryAfterHeaders: (string | null)[] = [];
  const check = async (person: TestPerson, id: string) => {
    const { status, headers } = await person.call(`/v1/apps/${id}/deploy-key/check`, { method: 'POST' });
    if (status === 429) retryAfterHeaders.push(headers.get('retry-after'));
    return status;
  };
  const checks = Array.from({ length: 12 }, () => check(owner, ownerAppId));
  await until(async () => retryAfterHeaders.length >= 4);
  checks.push(check(ownerInOtherWorkspace, appIdOfOtherWorkspace));
  await until(async () => sockets.size > 0);
  isSilent = false;
  for (const socket of sockets) socket.destroy();
  const statuses = await Promise.all(checks);
  slowGitHost.close();
  assert.deepEqual(retryAfterHeaders, ['10', '10', '10', '10']);
  assert.equal(statuses.at(-1), 200);
  assert.equal(await check(owner, ownerAppId), 200, 'a finished check no longer counts');
});
