import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { LogLine } from '../contract/logs.ts';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
import {
  createServerResource,
  createTestApp,
  deployAndWait,
  isFinished,
  readDeploymentLog,
  type TestApp,
  waitForDeployment,
} from '../testing/test-deployments.ts';
import { signUpOwner, startTestServer, type TestPerson, type TestServer } from '../testing/test-server.ts';

/** With DEVPILOT_TEST_DEPLOYMENTS=full: 20 concurrent deployments of 10 apps to 5 servers. */
const isFull = process.env['DEVPILOT_TEST_DEPLOYMENTS'] === 'full';
const SIZE = isFull
  ? { servers: 5, apps: 10, deployments: 20, lines: 2000 }
  : { servers: 2, apps: 3, deployments: 4, lines: 400 };
const TIMEOUT_MS = isFull ? 600_000 : 120_000;

let testServer: TestServer;
let owner: TestPerson;
const daemons: TestSshd[] = [];
const apps: TestApp[] = [];
before(async () => {
  testServer = await startTestServer();
  owner = await signUpOwner(testServer);
  daemons.push(...(await Promise.all(Array.from({ length: SIZE.servers }, () => startSshd()))));
});
after(async () => {
  await testServer.close();
  for (const daemon of daemons) await daemon.close();
});

/** A command that prints numbered lines to both streams. */
const PRINT_LINES = `i=0; while [ "$i" -lt ${SIZE.lines} ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done`;

/** Returns the text of the lines that a step printed on one stream of one server. */
const linesOf = (log: readonly LogLine[], step: string, stream: string, serverId: string | undefined): string[] =>
  log
    .filter((line) => line.step === step && line.stream === stream && line.serverId === serverId)
    .map(({ text }) => text);

const numberedLines = (word: string): string[] =>
  Array.from({ length: SIZE.lines }, (_, number) => `${word} ${number}`);

test(`${SIZE.deployments} concurrent deployments to ${SIZE.servers} servers complete and lose no log line`, async (context) => {
  const serverIds: string[] = [];
  for (const { port, user, hostKey, authorize } of daemons) {
    const server = await createServerResource(owner, { kind: 'ssh', host: '127.0.0.1', port, user, hostKey });
    authorize([server.publicKey ?? '']);
    serverIds.push(server.id);
  }
  const hooks = ['post_source_control', 'post_setup', 'post_release'].map((stage) => ({
    name: stage,
    stage,
    run: PRINT_LINES,
  }));
  for (let index = 0; index < SIZE.apps; index++)
    apps.push(await createTestApp(owner, serverIds[index % serverIds.length] ?? '', { hooks, keepReleases: 2 }));

  const startedAtMs = performance.now();
  const started = await Promise.all(
    Array.from({ length: SIZE.deployments }, async (_, index) => {
      // Every fourth deployment has two servers.
      const twoServers = [serverIds[index % serverIds.length], serverIds[(index + 1) % serverIds.length]];
      const app = apps[index % apps.length];
      assert.ok(app);
      const response = await app.deploy(index % 4 === 0 ? { servers: twoServers } : {});
      assert.equal(response.status, 202, response.text);
      return response.body;
    }),
  );
  const results = await Promise.all(
    started.map(async ({ id }) => {
      const [followedLog, finished] = await Promise.all([
        readDeploymentLog(owner, id, '?follow=true'),
        waitForDeployment(owner, id, isFinished, TIMEOUT_MS),
      ]);
      return { id, followedLog, finished };
    }),
  );
  const seconds = Math.round((performance.now() - startedAtMs) / 100) / 10;

  let lineCount = 0;
  for (const { id, followedLog, finished } of results) {
    assert.equal(finished.status, 'completed', finished.error ?? '');
    const log = await readDeploymentLog(owner, id);
    assert.deepEqual(followedLog, log);
    lineCount += log.length;
    for (const { serverId } of finished.servers) {
      for (const { name } of hooks) {
        assert.deepEqual(linesOf(log, name, 'stdout', serverId), numberedLines('out'));
        assert.deepEqual(linesOf(log, name, 'stderr', serverId), numberedLines('err'));
      }
    }
  }
  context.diagnostic(`${lineCount} lines of ${results.length} deployments in ${seconds} s`);
  // Every server has capacity again and runs another deployment.
  const nextDeployments = await Promise.all(apps.slice(0, SIZE.servers).map((app) => deployAndWait(owner, app)));
  assert.deepEqual(
    nextDeployments.map(({ status }) => status),
    nextDeployments.map(() => 'completed'),
  );
});
