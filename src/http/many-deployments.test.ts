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

/** With DEVPILOT_TEST_DEPLOYMENTS=full: 20 deployments of 10 apps at once over 5 servers. */
const isFull = process.env['DEVPILOT_TEST_DEPLOYMENTS'] === 'full';
const size = isFull
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
  daemons.push(...(await Promise.all(Array.from({ length: size.servers }, () => startSshd()))));
});
after(async () => {
  await testServer.close();
  for (const daemon of daemons) await daemon.close();
  for (const app of apps) app.remove();
});

/** Prints numbered lines on both streams. */
const PRINT_LINES = `i=0; while [ "$i" -lt ${size.lines} ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done`;

/** Returns the text of the lines that a step printed on one stream of one server. */
const textOf = (log: readonly LogLine[], step: string, stream: string, serverId: string | undefined): string[] =>
  log
    .filter((line) => line.step === step && line.stream === stream && line.serverId === serverId)
    .map(({ text }) => text);

const numbered = (word: string): string[] => Array.from({ length: size.lines }, (_, number) => `${word} ${number}`);

test(`${size.deployments} deployments at once over ${size.servers} servers lose no line and all end`, async (context) => {
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
  for (let index = 0; index < size.apps; index++)
    apps.push(await createTestApp(owner, serverIds[index % serverIds.length] ?? '', { hooks, keepReleases: 2 }));

  const startedAtMs = performance.now();
  const started = await Promise.all(
    Array.from({ length: size.deployments }, async (_, index) => {
      // Every fourth one goes to two servers.
      const pair = [serverIds[index % serverIds.length], serverIds[(index + 1) % serverIds.length]];
      const app = apps[index % apps.length];
      assert.ok(app);
      const response = await app.deploy(index % 4 === 0 ? { servers: pair } : {});
      assert.equal(response.status, 202, response.text);
      return response.body;
    }),
  );
  const results = await Promise.all(
    started.map(async ({ id }) => {
      const [followed, ended] = await Promise.all([
        readDeploymentLog(owner, id, '?follow=true'),
        waitForDeployment(owner, id, isFinished, TIMEOUT_MS),
      ]);
      return { id, followed, ended };
    }),
  );
  const seconds = Math.round((performance.now() - startedAtMs) / 100) / 10;

  let lineCount = 0;
  for (const { id, followed, ended } of results) {
    assert.equal(ended.status, 'completed', ended.error ?? '');
    const log = await readDeploymentLog(owner, id);
    assert.deepEqual(followed, log);
    lineCount += log.length;
    for (const { serverId } of ended.servers) {
      for (const { name } of hooks) {
        assert.deepEqual(textOf(log, name, 'stdout', serverId), numbered('out'));
        assert.deepEqual(textOf(log, name, 'stderr', serverId), numbered('err'));
      }
    }
  }
  context.diagnostic(`${lineCount} lines of ${results.length} deployments in ${seconds} s`);
  // No lane is still held: each server runs another job.
  const again = await Promise.all(apps.slice(0, size.servers).map((app) => deployAndWait(owner, app)));
  assert.deepEqual(
    again.map(({ status }) => status),
    again.map(() => 'completed'),
  );
});
