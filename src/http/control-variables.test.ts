import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { App } from '../contract/apps.ts';
import type { Backup } from '../contract/backups.ts';
import type { Project } from '../contract/projects.ts';
import { changeDatabase } from '../testing/sql.ts';
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
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { until } from '../testing/until.ts';

/** If programs received these variables, the permission to set variables would be enough to run any command. */
const CONTROL_VARIABLES = {
  PATH: '/tmp/evil:/usr/bin:/bin',
  BASH_ENV: '/tmp/evil.sh',
  ENV: '/tmp/evil.sh',
  LD_PRELOAD: '/tmp/evil.so',
  IFS: 'a',
  GIT_SSH_COMMAND: 'touch /tmp/evil',
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'core.fsmonitor',
  GIT_CONFIG_VALUE_0: 'touch /tmp/evil',
  NODE_OPTIONS: '--require /tmp/evil.js',
  HOME: '/tmp/evil',
  npm_config_script_shell: '/tmp/evil.sh',
  // Devpilot sets these variables itself, but not for every command.
  DEVPILOT_APP: 'forged',
  DEVPILOT_DIRECTORY: 'forged',
  DEVPILOT_RELEASE: 'forged',
  DEVPILOT_FOLDER: 'forged',
  DP_DIR: 'forged',
};

let testServer: TestServer;
let owner: TestPerson;
let app: TestApp;
before(async () => {
  testServer = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } });
  owner = await signUpOwner(testServer);
  app = await createTestApp(owner, (await createServerResource(owner)).id, {
    hooks: [
      { name: 'before', stage: 'pre_execution', run: 'env' },
      { name: 'after', stage: 'post_release', run: 'env' },
    ],
    healthCheck: { command: 'env', timeoutSeconds: 10 },
    logCommand: 'env',
    backup: { command: 'env | tee backup.txt', restoreCommand: null },
  });
});
after(() => testServer.close());
const setVariables = async (values: Readonly<Record<string, string | null>>, path = `/v1/apps/${app.id}/env`) => {
  const token = await createToken(owner, ['modify_env']);
  const response = await testServer.call(path, {
    method: 'PATCH',
    body: { values },
    headers: bearer(token.secret),
  });
  assert.equal(response.status, 200, response.text);
};

test("variables that control how programs run are only written to .env; inherited variables are treated like the app's own", async () => {
  const { projectId } = (await owner.call<App>(`/v1/apps/${app.id}`)).body;
  await setVariables({ INHERITED: 'of the project', SHOP_NAME: 'overridden' }, `/v1/projects/${projectId}/env`);
  await setVariables({ ...CONTROL_VARIABLES, SHOP_NAME: 'the shop of Ada', DEVPILOT_TOKEN: 'for the command line' });
  const done = await deployAndWait(owner, app);
  assert.equal(done.status, 'completed', done.error ?? '');
  const lines = await readDeploymentLog(owner, done.id);
  const notice = lines.find(({ text }) => text.startsWith('Written to .env only'));
  const hookOutput = lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text);
  const key = await createKey(owner, ['view_logs', 'manage_backups']);
  const log = await testServer.call(`/v1/apps/${app.id}/logs`, { headers: bearer(key.secret) });
  const response = await testServer.call<Backup>(`/v1/apps/${app.id}/backups`, {
    method: 'POST',
    headers: bearer(key.secret),
  });
  await until(async () => (await owner.call<Backup>(`/v1/backups/${response.body.id}`)).body.status === 'completed');
  const backup = readFileSync(join(app.directory, 'backup.txt'), 'utf8');
  const output = [...hookOutput, log.text, backup].join('\n');
  for (const name of ['SHOP_NAME', 'DEVPILOT_TOKEN', 'INHERITED'])
    assert.equal(
      output.split(`${name}=`).length - 1,
      5,
      'printed by two hooks, the health check, the log and the backup',
    );
  assert.ok(!output.includes('SHOP_NAME=overridden') && backup.includes('INHERITED=of the project'));
  assert.ok(![...hookOutput, log.text].join().includes('of the project'), 'inherited values are masked too');
  assert.match(readFileSync(join(app.directory, 'current/.env'), 'utf8'), /^INHERITED='of the project'$/m);
  for (const [name, value] of Object.entries(CONTROL_VARIABLES)) {
    assert.ok(notice?.text.includes(name), name);
    assert.ok(!output.includes(`${name}=${value}`) && !output.includes(`${name}=[secret]`), name);
    assert.ok(readFileSync(join(app.directory, 'current/.env'), 'utf8').includes(`${name}=`), name);
  }
});

test('a deployment with commands fails before the first one if its variables are too large for any command', async () => {
  // An earlier version accepted variables of this size, and concurrent requests can still add up to it.
  const largeVariables = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [`LARGE_${index}`, 'x'.repeat(65_000)]),
  );
  await setVariables(largeVariables);
  const project = (await owner.call<Project>('/v1/projects', { body: { name: 'Large' } })).body;
  const inheritedVariables = Object.entries(largeVariables).map(([name, value]) => [`INHERITED_${name}`, value]);
  await setVariables(Object.fromEntries(inheritedVariables), `/v1/projects/${project.id}/env`);
  await changeDatabase(testServer.dataDirectory, (database) =>
    database.prepare('update app set project_id = ? where id = ?').run(project.id, app.id),
  );
  const failed = await deployAndWait(owner, app);
  assert.equal(failed.status, 'failed');
  assert.match(failed.error ?? '', /^The app's variables are 2\.48 MiB in total\. Linux cannot start a command/);
  assert.ok(failed.hooks.every(({ status }) => status === 'skipped'));
  const log = await owner.call<{ detail: string }>(`/v1/apps/${app.id}/logs`);
  assert.deepEqual([log.status, /2\.48 MiB/.test(log.body.detail)], [409, true]);
  await app.edit({ hooks: [], healthCheck: null });
  const done = await deployAndWait(owner, app);
  assert.equal(done.status, 'completed', done.error ?? '');
});
