import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Deployment } from '../src/contract/deployments.ts';
import { TEST_SECRET } from '../src/testing/engines.ts';
import { openTestDatabases } from '../src/testing/postgres.ts';
import { type ServerProcess, spawnServer } from '../src/testing/process.ts';
import { hasChild, isRunning } from '../src/testing/running-processes.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import {
  createServerResource,
  createTestApp,
  isFinished,
  readDeploymentLog,
  waitForDeployment,
} from '../src/testing/test-deployments.ts';
import { signInRemotePerson, signUpRemoteOwner } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';

const LOCAL = { DEVPILOT_LOCAL_SERVER: 'on' };

/** A hook that creates the file `busy` and then sleeps. The number of seconds identifies its process. */
const slowHook = (stage: string, sleepSeconds: string) => ({
  name: 'slow',
  stage,
  run: `touch "$DEVPILOT_DIRECTORY/busy"; sleep ${sleepSeconds}`,
});

test('each deployment runs once, any of two nodes can follow its log, and after a node is killed the other one ends its deployment as failed', async (context) => {
  const directory = temporaryDirectory();
  const postgres = await openTestDatabases();
  context.after(() => postgres.close());
  const environment = { ...LOCAL, DATABASE_URL: await postgres.createDatabase(), DEVPILOT_SECRET: TEST_SECRET };
  const firstNode = await spawnServer(directory, environment);
  // The owner signs up before the second node starts, because that node prints another setup code.
  const owner = await signUpRemoteOwner(firstNode);
  const secondNode = await spawnServer(directory, environment);
  const nodes = [firstNode, secondNode];
  const ownerOnSecond = await signInRemotePerson(secondNode.url, owner.email);
  const { id: serverId } = await createServerResource(owner);
  const app = await createTestApp(owner, serverId, {
    hooks: [{ name: 'count', stage: 'post_setup', run: 'echo x >> ../../counted; sleep 0.2' }],
  });
  const deploymentIds: string[] = [];
  for (const person of [owner, ownerOnSecond, owner, ownerOnSecond]) {
    const started = await person.call<Deployment>(`/v1/apps/${app.id}/deployments`, { body: {} });
    assert.equal(started.status, 202);
    deploymentIds.push(started.body.id);
  }
  const logs = await Promise.all(
    deploymentIds.map((id, index) => readDeploymentLog(index % 2 === 0 ? ownerOnSecond : owner, id, '?follow=true')),
  );
  for (const lines of logs) assert.equal(lines.at(-1)?.text, 'Completed.');
  assert.equal(readFileSync(join(app.directory, 'counted'), 'utf8'), 'x\n'.repeat(4));
  const live = await owner.call<{ data: Deployment[] }>(`/v1/deployments?app=${app.id}&live=true`);
  assert.deepEqual(
    live.body.data.map(({ id }) => id),
    [deploymentIds.at(-1)],
  );

  const sleepSeconds = `99${process.pid}`;
  await app.edit({ hooks: [slowHook('post_setup', sleepSeconds)] });
  const { id } = (await app.deploy()).body;
  await until(async () => existsSync(join(app.directory, 'busy')));
  // The node that runs the job is the parent of the hook's shell, whose command line contains `read -r n`.
  const killedNode = nodes.find(({ pid }) => hasChild(pid, 'read -r n')) as ServerProcess;
  await killedNode.stop('SIGKILL');
  await until(async () => !isRunning('sleep', sleepSeconds));
  const remainingOwner = killedNode === firstNode ? ownerOnSecond : owner;
  const failed = await waitForDeployment(remainingOwner, id, isFinished, 40_000);
  assert.equal(failed.status, 'failed');
  assert.match(failed.error ?? '', /node that ran this (?:deployment )?was lost/);
  for (const node of nodes) if (node !== killedNode) await node.stop('SIGTERM');
});
