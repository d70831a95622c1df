import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { LogLine } from '../contract/logs.ts';
import { isRunning } from '../testing/running-processes.ts';
import { createServerResource, createTestApp, deployAndWait, type TestApp } from '../testing/test-deployments.ts';
import {
  bearer,
  createKey,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
  turnOnTwoFactor,
} from '../testing/test-server.ts';
import { until } from '../testing/until.ts';

let testServer: TestServer;
let owner: TestPerson;
let app: TestApp;
before(async () => {
  testServer = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } });
  owner = await signUpOwner(testServer);
  app = await createTestApp(owner, (await createServerResource(owner)).id);
});
after(() => testServer.close());

const parseLogLines = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine);

test("the log of an app is the output of its command, run in the app's directory, with secrets masked", async () => {
  const refused = await owner.call<{ code: string }>(`/v1/apps/${app.id}/logs`);
  assert.deepEqual([refused.status, refused.body.code], [409, 'conflict']);
  await owner.call(`/v1/apps/${app.id}/env/API_KEY`, { method: 'PUT', body: { value: 's3cret of the app' } });
  await app.edit({ logCommand: 'cat page.txt; echo; echo "key $API_KEY" >&2; exit 3' });
  await deployAndWait(owner, app);
  const { text, headers } = await owner.call(`/v1/apps/${app.slug}/logs`);
  assert.equal(headers.get('content-type'), 'application/x-ndjson');
  const lines = parseLogLines(text);
  assert.deepEqual(
    lines.map(({ stream, text: content, step, serverId }) => [stream, content, step, serverId]).sort(),
    [
      ['stderr', 'key [secret]', 'log', app.serverId],
      ['stdout', 'one', 'log', app.serverId],
      ['system', 'The command ended with exit code 3.', 'log', app.serverId],
    ].sort(),
  );
  assert.equal(parseLogLines((await owner.call(`/v1/apps/${app.slug}/logs?from=2`)).text).length, 1);
});

test('a log command runs with the interpreter in its first line, and its output can be searched', async () => {
  await app.edit({ logCommand: '#!/usr/bin/perl\nuse Cwd;\nprint "row $_ of ", cwd(), "\\n" for 1..20;' });
  const lines = parseLogLines((await owner.call(`/v1/apps/${app.slug}/logs`)).text);
  assert.equal(lines.length, 20);
  assert.match(lines[0]?.text ?? '', /^row 1 of .*\/releases\/dpl_/);
  const matches = parseLogLines((await owner.call(`/v1/apps/${app.slug}/logs?q=ROW%2012%20`)).text);
  assert.deepEqual(
    matches.map(({ text }) => text),
    [lines[11]?.text],
  );
  const refused = await owner.call(`/v1/apps/${app.slug}/logs?q=row&follow=true`);
  assert.deepEqual([refused.status, /must not be set together with follow/.test(refused.text)], [422, true]);
});

/** Follows the log. `read` returns the text received so far, and `leave` disconnects. */
async function followLog(
  headers: Readonly<Record<string, string>>,
): Promise<{ read(): string; leave(): void; ended: Promise<void> }> {
  const leaving = new AbortController();
  const response = await fetch(`${testServer.url}/v1/apps/${app.id}/logs?follow=true`, {
    headers,
    signal: leaving.signal,
  });
  assert.equal(response.status, 200);
  let text = '';
  const ended = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk as Uint8Array, { stream: true });
  })().catch(() => undefined);
  return { read: () => text, leave: () => leaving.abort(), ended };
}

test('a followed log streams until the reader disconnects, which also ends the command', async () => {
  // The later tests also stream this file.
  const file = join(app.directory, 'shared', `log-${process.pid}`);
  writeFileSync(file, 'first\n');
  await app.edit({ logCommand: `test "$DEVPILOT_FOLLOW" = 1 && exec tail -n 10 -f ../../shared/log-${process.pid}` });
  const { secret } = await createKey(owner, ['view_logs']);
  const reader = await followLog(bearer(secret));
  await until(async () => reader.read().includes('first'));
  appendFileSync(file, 'second\n');
  await until(async () => reader.read().includes('second'));
  assert.ok(isRunning(`shared/log-${process.pid}`));
  reader.leave();
  await reader.ended;
  await until(async () => !isRunning(`shared/log-${process.pid}`));
});

test('HEAD of a followed log starts no command and does not count toward the limit on readers', async () => {
  const { secret } = await createKey(owner, ['view_logs']);
  for (let count = 0; count < 40; count++) {
    const { status, headers } = await testServer.call(`/v1/apps/${app.id}/logs?follow=true`, {
      method: 'HEAD',
      headers: bearer(secret),
    });
    assert.deepEqual([status, headers.get('content-type')], [200, 'application/x-ndjson']);
  }
  assert.ok(!isRunning(`shared/log-${process.pid}`));
  const reader = await followLog(bearer(secret));
  await until(async () => reader.read().includes('second'));
  reader.leave();
  await reader.ended;
  await until(async () => !isRunning(`shared/log-${process.pid}`));
});

test('deleting an API key ends its log streams', async () => {
  const { secret, id } = await createKey(owner, ['view_logs']);
  const reader = await followLog(bearer(secret));
  await until(async () => reader.read().includes('second'));
  assert.equal((await owner.call(`/v1/api-keys/${id}`, { method: 'DELETE' })).status, 204);
  await reader.ended;
  await until(async () => !isRunning(`shared/log-${process.pid}`));
});

test("moving an app to a project that a key does not include ends the key's log streams", async () => {
  const { projectId } = (await owner.call<{ projectId: string }>(`/v1/apps/${app.id}`)).body;
  const { secret } = await createKey(owner, ['view_logs'], { restrictions: { projects: [projectId] } });
  const reader = await followLog(bearer(secret));
  await until(async () => reader.read().includes('second'));
  const otherProject = await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Other project' } });
  await app.edit({ projectId: otherProject.body.id });
  await reader.ended;
  await app.edit({ projectId });
});

test('removing the permission of an API key ends its log streams', async () => {
  const { secret, id } = await createKey(owner, ['view_logs']);
  const reader = await followLog(bearer(secret));
  await until(async () => reader.read().includes('second'));
  const edited = await owner.call(`/v1/api-keys/${id}`, { method: 'PATCH', body: { permissions: ['read'] } });
  assert.equal(edited.status, 200);
  await reader.ended;
});

test('requiring a second factor ends the log streams of members without one', async () => {
  const member = await signUpMember(testServer, owner, 'admin', 'reader@example.com');
  const ownerWithSecondFactor = await turnOnTwoFactor(testServer, owner, Date.now());
  const reader = await followLog({ cookie: member.cookie, 'devpilot-workspace': owner.workspaceId });
  await until(async () => reader.read().includes('second'));
  const required = await ownerWithSecondFactor.call('/v1/policy', {
    method: 'PATCH',
    body: { requireTwoFactor: true },
  });
  assert.equal(required.status, 200, required.text);
  await reader.ended;
});
