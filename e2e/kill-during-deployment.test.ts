import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Deployment } from '../src/contract/deployments.ts';
import { spawnServer } from '../src/testing/process.ts';
import { isRunning } from '../src/testing/running-processes.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import {
  createServerResource,
  createTestApp,
  deployAndWait,
  getDeployment,
  isFinished,
  waitForDeployment,
} from '../src/testing/test-deployments.ts';
import { createTestPerson, remoteTestServer, signUpRemoteOwner, type TestPerson } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';

const LOCAL = { DEVPILOT_LOCAL_SERVER: 'on' };

/**
 * A hook that creates the file `busy` and then sleeps, unless the file `shared/quick` exists. The number of seconds
 * identifies its process.
 */
const slowHook = (stage: string, sleepSeconds: string) => ({
  name: 'slow',
  stage,
  run: `[ -e "$DEVPILOT_DIRECTORY/shared/quick" ] || { touch "$DEVPILOT_DIRECTORY/busy"; sleep ${sleepSeconds}; }`,
});

test('after the server is killed at any stage of a deployment, the previous release is active, the deployment has failed, and no process remains', async () => {
  const directory = temporaryDirectory();
  let server = await spawnServer(directory, LOCAL);
  let owner = await signUpRemoteOwner(server);
  const { id: serverId } = await createServerResource(owner);
  const app = await createTestApp(owner, serverId);
  const firstDeployment = await deployAndWait(owner, app);
  assert.equal(firstDeployment.status, 'completed', firstDeployment.error ?? '');
  const setHooks = (person: TestPerson, hooks: object[]) =>
    person.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: { hooks } });
  const stages = ['pre_execution', 'pre_source_control', 'post_source_control', 'post_setup', 'post_release'];
  for (const [index, stage] of stages.entries()) {
    const sleepSeconds = `9${index}${process.pid}`;
    rmSync(join(app.directory, 'busy'), { force: true });
    assert.equal((await setHooks(owner, [slowHook(stage, sleepSeconds)])).status, 200);
    app.repository.commit({ 'page.txt': stage });
    const created = await owner.call<Deployment>(`/v1/apps/${app.id}/deployments`, { body: {} });
    assert.equal(created.status, 202);
    await until(async () => existsSync(join(app.directory, 'busy')));
    const livePage = readFileSync(join(app.directory, 'current/page.txt'), 'utf8');
    assert.equal(livePage, stage === 'post_release' ? stage : 'one');
    await server.stop('SIGKILL');
    await until(async () => !isRunning('sleep', sleepSeconds));
    // After the restart, the same hook runs for the previous release. It must not sleep then.
    writeFileSync(join(app.directory, 'shared/quick'), '');
    server = await spawnServer(directory, LOCAL);
    owner = createTestPerson(remoteTestServer(server.url), owner);
    const failed = await waitForDeployment(owner, created.body.id, isFinished);
    assert.deepEqual([failed.status, failed.live], ['failed', false], stage);
    assert.match(failed.error ?? '', /node that ran this (?:deployment )?was lost/);
    assert.equal(readFileSync(join(app.directory, 'current/page.txt'), 'utf8'), 'one', stage);
    // The failed release stays for a retry until the next deployment, which removes it.
    const releases = readdirSync(join(app.directory, 'releases'));
    assert.deepEqual(
      releases.filter((id) => id !== failed.id),
      [firstDeployment.id],
    );
    assert.equal((await getDeployment(owner, firstDeployment.id)).live, true);
    rmSync(join(app.directory, 'shared/quick'));
  }
  await server.stop('SIGTERM');
});
