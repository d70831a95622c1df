import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Deployment } from '../src/contract/deployments.ts';
import type { Page } from '../src/contract/paging.ts';
import { ensureCommand } from '../src/testing/debian-packages.ts';
import { killProcess, readPid } from '../src/testing/kill-process.ts';
import { freePort } from '../src/testing/postgres.ts';
import { startSshd, type TestSshd } from '../src/testing/sshd.ts';
import {
  createKey,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';
import { type CliShell, collectResult, openCliShell } from './cli-shell.ts';

const guide = readFileSync(new URL('../docs/guides/first-deployment.md', import.meta.url), 'utf8');
const shellBlocks = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);

let server: TestServer;
let owner: TestPerson;
let sshd: TestSshd;
let shell: CliShell;
before(async () => {
  ensureCommand('curl');
  ensureCommand('git');
  [server, sshd] = await Promise.all([startTestServer(), startSshd()]);
  owner = await signUpOwner(server);
  shell = openCliShell();
});
after(() => Promise.all([server.close(), sshd.close()]));

test('the commands of the guide lead from git init to a page served by the deployed app, and to a rollback', async () => {
  const key = await createKey(owner, ['manage_projects', 'manage_servers', 'manage_apps', 'deploy', 'view_logs']);
  const token = await createToken(owner, ['modify_env']);
  const { directory } = shell;
  mkdirSync(join(directory, '.devpilot'), { recursive: true });
  writeFileSync(join(directory, '.devpilot/key'), key.secret);
  writeFileSync(join(directory, '.devpilot/token'), token.secret);
  const port = await freePort();
  const hostKeyFile = join(directory, 'host_key.pub');
  writeFileSync(hostKeyFile, `${sshd.hostKey}\n`);
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: directory,
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
    DEVPILOT_URL: server.url,
    SERVER_HOST: '127.0.0.1',
    SERVER_PORT: String(sshd.port),
    SERVER_USER: sshd.user,
    SERVER_HOST_KEY: hostKeyFile,
    SHOP_REPOSITORY: join(directory, 'shop.git'),
    SHOP_DIRECTORY: join(directory, 'srv/shop'),
    SHOP_PORT: String(port),
  };
  const authorizeBlockIndex = shellBlocks.findIndex((block) => block.includes('authorized_keys'));
  assert.ok(authorizeBlockIndex > 0);
  const helperFunctions = shellBlocks[1] ?? '';
  const runBlocks = async (blocks: readonly string[]) => {
    const script = join(directory, 'guide.sh');
    writeFileSync(script, `cd "$HOME"\n${blocks.join('\n')}`);
    const result = await collectResult(spawn('sh', [script], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] }));
    assert.equal(result.code, 0, `${result.stdout}\n${result.stderr}`);
    return result.stdout;
  };
  await runBlocks(shellBlocks.slice(0, authorizeBlockIndex));
  sshd.authorize([readFileSync(join(directory, 'web-one.pub'), 'utf8').trim()]);
  // The hooks use this test's Node.js; the server might have none on its PATH.
  const setNodeVariable = `as_token "$DEVPILOT_URL/v1/apps/shop/env/NODE" --request PUT --data '{ "value": "${process.execPath}" }'`;
  const laterBlocks = shellBlocks.slice(authorizeBlockIndex + 1);
  const deployBlockIndex = laterBlocks.findIndex((block) => block.includes('deploy()'));
  try {
    await runBlocks([helperFunctions, ...laterBlocks.slice(0, deployBlockIndex), setNodeVariable]);
    const confirmed = await owner.call('/v1/servers/web-one/confirm', { method: 'POST' });
    assert.equal(confirmed.status, 200, confirmed.text);
    const output = await runBlocks([helperFunctions, ...laterBlocks.slice(deployBlockIndex)]);
    assert.match(output, /<h1>Welcome to the shop<\/h1>/);
    assert.match(output, /<h1>the shop is closed<\/h1>/);
    assert.match(output, /"text":"The release is active\."/);
    // The guide does not wait for the rollback.
    await until(async () => {
      const { body } = await owner.call<Page<Deployment>>('/v1/deployments?app=shop&live=true');
      return body.data[0]?.kind === 'rollback';
    });
    assert.match(await (await fetch(`http://127.0.0.1:${port}/`)).text(), /Welcome to the shop/);
    for (const secret of [key.secret, token.secret]) assert.ok(!output.includes(secret));
  } finally {
    killProcess(readPid(join(environment.SHOP_DIRECTORY, 'shared/pid')));
  }
});
