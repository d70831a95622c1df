import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Deployment } from '../src/contract/deployments.ts';
import {
  createTestApp,
  createTestServer,
  deployed,
  deploymentWhen,
  getDeployment,
  isOver,
} from '../src/testing/deploying.ts';
import { houseAt, personWith, signUpAt, type TestPerson } from '../src/testing/house.ts';
import { spawnServer, temporaryDirectory } from '../src/testing/process.ts';
import { isRunning } from '../src/testing/processes.ts';
import { until } from '../src/testing/until.ts';

const LOCAL = { DEVPILOT_LOCAL_SERVER: 'on' };

/** A hook that says that it is there and then takes its time, unless the page is the first one. */
const slowly = (stage: string, mark: string) => ({
  name: 'slow',
  stage,
  run: `[ -e "$DEVPILOT_DIRECTORY/shared/quick" ] || { touch "$DEVPILOT_DIRECTORY/busy"; sleep ${mark}; }`,
});

test('killed at each stage: the release before stays or comes back, the deployment has failed, nothing runs on', async () => {
  const directory = temporaryDirectory();
  let server = await spawnServer(directory.path, LOCAL);
  let owner = await signUpAt(server);
  const { id: serverId } = await createTestServer(owner);
  const app = await createTestApp(owner, serverId);
  const first = await deployed(owner, app);
  assert.equal(first.status, 'completed', first.error ?? '');
  const edit = (person: TestPerson, hooks: object[]) =>
    person.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: { hooks } });
  const stages = ['pre_execution', 'pre_source_control', 'post_source_control', 'post_setup', 'post_release'];
  for (const [index, stage] of stages.entries()) {
    const mark = `9${index}${process.pid}`;
    rmSync(join(app.directory, 'busy'), { force: true });
    assert.equal((await edit(owner, [slowly(stage, mark)])).status, 200);
    app.repository.commit({ 'page.txt': stage });
    const asked = await owner.call<Deployment>(`/v1/apps/${app.id}/deployments`, { body: {} });
    assert.equal(asked.status, 202);
    await until(async () => existsSync(join(app.directory, 'busy')));
    const live = readFileSync(join(app.directory, 'current/page.txt'), 'utf8');
    assert.equal(live, stage === 'post_release' ? stage : 'one');
    await server.stop('SIGKILL');
    await until(async () => !isRunning('sleep', mark));
    // What starts the release before again must not wait as well.
    writeFileSync(join(app.directory, 'shared/quick'), '');
    server = await spawnServer(directory.path, LOCAL);
    owner = personWith(houseAt(server.url), owner.email, owner.cookie, owner.workspaceId);
    const failed = await deploymentWhen(owner, asked.body.id, isOver);
    assert.deepEqual([failed.status, failed.live], ['failed', false], stage);
    assert.match(failed.error ?? '', /node that ran this is gone/);
    assert.equal(readFileSync(join(app.directory, 'current/page.txt'), 'utf8'), 'one', stage);
    assert.deepEqual(readdirSync(join(app.directory, 'releases')), [first.id]);
    assert.equal((await getDeployment(owner, first.id)).live, true);
    rmSync(join(app.directory, 'shared/quick'));
  }
  await server.stop('SIGTERM');
  app.remove();
  directory.remove();
});
