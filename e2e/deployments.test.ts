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
  logOf,
} from '../src/testing/deploying.ts';
import { TEST_SECRET } from '../src/testing/engines.ts';
import { type Call, callAt, personAt, personWith, signUpOwner, type TestPerson } from '../src/testing/house.ts';
import { startPostgres } from '../src/testing/postgres.ts';
import { type ServerProcess, spawnServer, temporaryDirectory } from '../src/testing/process.ts';
import { until } from '../src/testing/until.ts';

const LOCAL = { DEVPILOT_LOCAL_SERVER: 'on' };

const at = ({ url }: ServerProcess) => ({
  url,
  call: <Body>(path: string, call?: Call) => callAt<Body>(url, path, call),
});
const signUp = (server: ServerProcess) =>
  signUpOwner({ ...at(server), setupLink: `${server.url}/setup#code=${server.setupCode}` });

function isRunning(mark: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(mark);
    } catch {
      return false;
    }
  });
}

/** A hook that says that it is there and then takes its time, unless the page is the first one. */
const slowly = (stage: string, mark: string) => ({
  name: 'slow',
  stage,
  run: `[ -e "$DEVPILOT_DIRECTORY/shared/quick" ] || { touch "$DEVPILOT_DIRECTORY/busy"; sleep ${mark}; }`,
});

test('killed at each stage: the release before stays or comes back, the deployment has failed, nothing runs on', async () => {
  const directory = temporaryDirectory();
  let server = await spawnServer(directory.path, LOCAL);
  let owner = await signUp(server);
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
    await until(async () => !isRunning(`sleep\0${mark}`));
    // What starts the release before again must not wait as well.
    writeFileSync(join(app.directory, 'shared/quick'), '');
    server = await spawnServer(directory.path, LOCAL);
    owner = personWith(at(server), owner.email, owner.cookie, owner.workspaceId);
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

test('two nodes: any of them runs a deployment once, its log is followed on the other, and a node that is killed is taken over', async () => {
  const directory = temporaryDirectory();
  const postgres = await startPostgres();
  const environment = { ...LOCAL, DATABASE_URL: await postgres.createDatabase(), DEVPILOT_SECRET: TEST_SECRET };
  const nodes = [await spawnServer(directory.path, environment), await spawnServer(directory.path, environment)];
  const [one, two] = nodes;
  assert.ok(one !== undefined && two !== undefined);
  const owner = await signUp(one);
  const there = await personAt(two.url, owner.email);
  const { id: serverId } = await createTestServer(owner);
  const app = await createTestApp(owner, serverId, {
    hooks: [{ name: 'count', stage: 'post_setup', run: 'echo x >> ../../counted; sleep 0.2' }],
  });
  const asked: string[] = [];
  for (const person of [owner, there, owner, there]) {
    const made = await person.call<Deployment>(`/v1/apps/${app.id}/deployments`, { body: {} });
    assert.equal(made.status, 202);
    asked.push(made.body.id);
  }
  const logs = await Promise.all(asked.map((id, index) => logOf(index % 2 === 0 ? there : owner, id, '?follow=true')));
  for (const lines of logs) assert.equal(lines.at(-1)?.text, 'Completed.');
  assert.equal(readFileSync(join(app.directory, 'counted'), 'utf8'), 'x\n'.repeat(4));
  const live = await owner.call<{ data: Deployment[] }>(`/v1/deployments?app=${app.id}&live=true`);
  assert.deepEqual(
    live.body.data.map(({ id }) => id),
    [asked.at(-1)],
  );

  const mark = `99${process.pid}`;
  await app.edit({ hooks: [slowly('post_setup', mark)] });
  const { id } = (await app.deploy()).body;
  await until(async () => existsSync(join(app.directory, 'busy')));
  // Which of them has it is told by whose child runs the hook.
  const victim = nodes.find(({ pid }) => isParent(pid)) as ServerProcess;
  await victim.stop('SIGKILL');
  await until(async () => !isRunning(`sleep\0${mark}`));
  const heir = victim === one ? there : owner;
  const failed = await deploymentWhen(heir, id, isOver, 40_000);
  assert.equal(failed.status, 'failed');
  assert.match(failed.error ?? '', /node that ran this is gone/);
  for (const node of nodes) if (node !== victim) await node.stop('SIGTERM');
  await postgres.close();
  app.remove();
  directory.remove();
});

/** Whether a process has a shell of the runner as its child. */
function isParent(pid: number): boolean {
  return readdirSync('/proc').some((child) => {
    try {
      const [, parent] = /\) \S+ (\d+)/.exec(readFileSync(`/proc/${child}/stat`, 'latin1')) ?? [];
      return Number(parent) === pid && readFileSync(`/proc/${child}/cmdline`, 'latin1').includes('read -r n');
    } catch {
      return false;
    }
  });
}
