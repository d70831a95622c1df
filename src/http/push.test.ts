import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { Deployment } from '../contract/deployments.ts';
import type { Page } from '../contract/paging.ts';
import type { PushIgnored } from '../contract/push.ts';
import { matchesGlob } from '../platform/push/glob.ts';
import { forEachEngine } from '../testing/engines.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import {
  createServerResource,
  createTestApp,
  isFinished,
  type TestApp,
  waitForDeployment,
} from '../testing/test-deployments.ts';
import {
  bearer,
  createKey,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

let testServer: TestServer;
let owner: TestPerson;
let app: TestApp;
let secret: string;
const pushPath = () => `/v1/apps/${app.id}/push`;
async function replacePushSecret(): Promise<string> {
  const response = await owner.call<{ secret: string }>(`/v1/apps/${app.id}/push-secret`, { method: 'POST' });
  assert.equal(response.status, 201, response.text);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  return response.body.secret;
}
before(async () => {
  testServer = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } });
  owner = await signUpOwner(testServer);
  app = await createTestApp(owner, (await createServerResource(owner)).id);
  secret = await replacePushSecret();
});
after(() => testServer.close());

const COMMIT = '8d1c8b69c3fce7bea45c73efd06983e3c419a92f';
const commits = (message: string, modified: readonly string[]) => [
  { id: COMMIT, message, timestamp: '2026-11-29T09:00:00+01:00', added: [], removed: [], modified },
];
/** An abridged GitHub push payload. */
const githubPayload = (
  message = 'Fix the total',
  paths: readonly string[] = ['shop/total.ts'],
  ref = 'refs/heads/main',
) => ({
  ref,
  before: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821',
  after: COMMIT,
  created: false,
  deleted: false,
  forced: false,
  repository: { id: 186_853_002, full_name: 'example/shop', default_branch: 'main' },
  pusher: { name: 'ada', email: 'ada@example.com' },
  commits: commits(message, paths),
  head_commit: commits(message, paths)[0],
});
const sign = (body: string, key = secret) => createHmac('sha256', key).update(body).digest('hex');

async function send(body: string, headers: Record<string, string>, path = pushPath()) {
  return testServer.call<Deployment & PushIgnored & { code: string }>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
}
let deliveryCount = 0;
function sendAsGitHub(payload: object, extraHeaders: Record<string, string> = {}) {
  const body = JSON.stringify(payload);
  return send(body, {
    'user-agent': 'GitHub-Hookshot/044aadd',
    'x-github-event': 'push',
    'x-github-delivery': `72d3162e-cc78-11e3-81ab-${deliveryCount++}`,
    'x-hub-signature-256': `sha256=${sign(body)}`,
    ...extraHeaders,
  });
}

test('a push to the branch of the app, reported by GitHub, GitLab or Gitea, deploys the app', async () => {
  const github = await sendAsGitHub(githubPayload());
  assert.equal(github.status, 202, github.text);
  assert.equal(github.headers.get('location'), `/v1/deployments/${github.body.id}`);
  assert.deepEqual(github.body.createdBy, { kind: 'system', id: null, name: 'Git push' });
  assert.equal((await waitForDeployment(owner, github.body.id, isFinished)).status, 'completed');

  const gitlabPayload = {
    object_kind: 'push',
    event_name: 'push',
    ref: 'refs/heads/main',
    checkout_sha: COMMIT,
    after: COMMIT,
    total_commits_count: 1,
    commits: commits('Fix the total', ['shop/total.ts']),
  };
  const gitlab = await send(JSON.stringify(gitlabPayload), {
    'x-gitlab-event': 'Push Hook',
    'x-gitlab-token': secret,
    'x-gitlab-event-uuid': '13792a34-cac6-4fda-95a8-c58e00a3954e',
  });
  assert.equal(gitlab.status, 202, gitlab.text);

  const giteaBody = JSON.stringify(githubPayload());
  const gitea = await send(giteaBody, {
    'x-gitea-event': 'push',
    'x-gitea-delivery': 'f6266f16-1bf3-46a5-9ea4-602e06ead473',
    'x-gitea-signature': sign(giteaBody),
  });
  assert.equal(gitea.status, 202, gitea.text);

  const form = new URLSearchParams({ payload: giteaBody }).toString();
  const asForm = await send(form, {
    'content-type': 'application/x-www-form-urlencoded',
    'x-github-event': 'push',
    'x-hub-signature-256': `sha256=${sign(form)}`,
  });
  assert.equal(asForm.status, 202, asForm.text);
  await waitForDeployment(owner, asForm.body.id, isFinished);
});

/** The source of a Git post-receive hook that reports pushes in Gitea's format, signed with `key`. */
const postReceiveHook = (address: string, key: string) => `#!${process.execPath}
const { createHmac } = require('node:crypto');
const { execFileSync } = require('node:child_process');
const [before, after, ref] = require('node:fs').readFileSync(0, 'utf8').trim().split(' ');
const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();
const modified = git('show', '--pretty=', '--name-only', after).split('\\n');
const commits = [{ id: after, message: git('log', '-1', '--format=%B', after), added: [], removed: [], modified }];
const body = JSON.stringify({ ref, before, after, commits });
const signature = createHmac('sha256', ${JSON.stringify(key)}).update(body).digest('hex');
const headers = { 'content-type': 'application/json', 'x-gitea-event': 'push', 'x-gitea-signature': signature };
fetch(${JSON.stringify(address)}, { method: 'POST', headers, body }).then(async (response) => {
  process.stdout.write('responded ' + response.status + ' ' + (await response.text()));
});
`;

test('git push to a repository with a hook deploys the pushed commit', async () => {
  const directory = temporaryDirectory();
  const remote = join(directory, 'shop.git');
  app.repository.git('clone', '--quiet', '--bare', app.repository.path, remote);
  writeFileSync(join(remote, 'hooks/post-receive'), postReceiveHook(`${testServer.url}${pushPath()}`, secret), {
    mode: 0o755,
  });
  await app.edit({ repository: remote, push: { branches: ['main'], paths: ['page.txt'] } });
  const push = (...args: string[]) =>
    // Asynchronous, because this process must respond to the hook while git push is running.
    promisify(execFile)('git', ['-C', app.repository.path, 'push', remote, ...args]).then(({ stderr }) => stderr);
  try {
    app.repository.commit({ 'readme.txt': 'unrelated' });
    assert.match(await push('main'), /responded 200 .*paths_not_selected/);
    const commit = app.repository.commit({ 'page.txt': 'pushed' });
    const [, id = ''] = /responded 202 \{"id":"(\w+)"/.exec(await push('main')) ?? [];
    const deployment = await waitForDeployment(owner, id, isFinished);
    assert.deepEqual([deployment.status, deployment.commit], ['completed', commit], deployment.error ?? '');
    app.repository.git('tag', 'v1');
    assert.match(await push('v1'), /responded 200 .*branch_not_selected/);
  } finally {
    await app.edit({ repository: app.repository.path, push: null });
  }
});

test('a push that deploys nothing gets status 200 and the reason', async () => {
  const rows: [payload: object, headers: Record<string, string>, reason: string][] = [
    [{ zen: 'Keep it logically awesome.' }, { 'x-github-event': 'ping' }, 'not_a_push'],
    [githubPayload('x', [], 'refs/heads/next'), {}, 'branch_not_selected'],
    [githubPayload('x', [], 'refs/tags/v1'), {}, 'branch_not_selected'],
    [{ ...githubPayload(), deleted: true }, {}, 'branch_deleted'],
    [{ ...githubPayload(), after: '0'.repeat(40) }, {}, 'branch_deleted'],
    [githubPayload('Write docs [skip deploy]'), {}, 'skipped_by_message'],
  ];
  for (const [payload, headers, reason] of rows) {
    const response = await sendAsGitHub(payload, headers);
    assert.deepEqual([response.status, response.body], [200, { deployment: null, reason }]);
  }
  const push = { branches: ['release/*'], paths: ['shop/**', '*.json'] };
  assert.equal((await owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: { push } })).status, 200);
  const filteredRows: [branch: string, paths: readonly string[], reason: string | null][] = [
    ['main', ['shop/a.ts'], 'branch_not_selected'],
    ['release/1/2', ['shop/a.ts'], 'branch_not_selected'],
    ['release/1', ['docs/a.md', 'docs/package.json'], 'paths_not_selected'],
    ['release/1', ['docs/a.md', 'package.json'], null],
    ['release/1', ['shop/a/b.ts'], null],
  ];
  for (const [branch, paths, reason] of filteredRows) {
    const response = await sendAsGitHub(githubPayload('x', paths, `refs/heads/${branch}`));
    assert.deepEqual([response.status, response.body.reason ?? null], [reason === null ? 202 : 200, reason]);
  }
  // If the Git host lists only some of the commits, the changed paths are unknown, so the app is deployed.
  const truncatedPayload = { ...githubPayload('x', ['docs/a.md'], 'refs/heads/release/1'), total_commits_count: 30 };
  assert.equal((await sendAsGitHub(truncatedPayload)).status, 202);
  await owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: { push: null } });
});

test('a repeated delivery deploys nothing, and only the newest queued push of a branch is deployed', async () => {
  const headers = { 'x-github-delivery': 'repeated-delivery' };
  const first = await sendAsGitHub(githubPayload(), headers);
  const repeated = await sendAsGitHub(githubPayload(), headers);
  assert.deepEqual([first.status, repeated.status, repeated.body.reason], [202, 200, 'already_delivered']);
  const ids = await Promise.all(Array.from({ length: 4 }, async () => (await sendAsGitHub(githubPayload())).body.id));
  const finished = await Promise.all(ids.map((id) => waitForDeployment(owner, id, isFinished)));
  const newest = [...finished].sort((a, b) => a.id.localeCompare(b.id)).at(-1);
  assert.equal(newest?.status, 'completed');
  for (const { status, error } of finished) {
    assert.ok(status === 'completed' || /^Replaced by the deployment/.test(error ?? ''), `${status}: ${error}`);
  }
});

forEachEngine('concurrent pushes', (engine) => {
  test('a push replaces the queued deployments of earlier pushes', async () => {
    const environment = { ...(await engine.environment()), DEVPILOT_LOCAL_SERVER: 'on' };
    const engineServer = await startTestServer({ environment });
    const person = await signUpOwner(engineServer);
    const busyApp = await createTestApp(person, (await createServerResource(person)).id, {
      hooks: [{ name: 'wait', stage: 'post_setup', run: 'sleep 2' }],
    });
    try {
      const path = `/v1/apps/${busyApp.id}/push`;
      const key = (await person.call<{ secret: string }>(`${path}-secret`, { method: 'POST' })).body.secret;
      const body = JSON.stringify(githubPayload());
      const push = async () => {
        const headers = { 'content-type': 'application/json', 'x-github-event': 'push' };
        const signedHeaders = { ...headers, 'x-hub-signature-256': sign(body, key) };
        return engineServer.call<Deployment>(path, { method: 'POST', headers: signedHeaders, body });
      };
      const sent = await Promise.all(Array.from({ length: 8 }, push));
      for (const { status, text } of sent) assert.equal(status, 202, text);
      const finished = await Promise.all(sent.map(({ body: { id } }) => waitForDeployment(person, id, isFinished)));
      const replaced = finished.filter(({ status }) => status === 'cancelled');
      assert.ok(replaced.length >= 6, finished.map(({ status }) => status).join());
    } finally {
      await engineServer.close();
    }
  });
});

test("a push requires the app's current push secret, and a refusal does not reveal whether the app exists", async () => {
  const body = JSON.stringify(githubPayload());
  const pushHeaders = { 'x-github-event': 'push' };
  const rows: [headers: Record<string, string>, path?: string][] = [
    [pushHeaders],
    [{ ...pushHeaders, 'x-hub-signature-256': `sha256=${sign(body, 'another')}` }],
    [{ ...pushHeaders, 'x-hub-signature-256': `sha256=${sign(`${body} `)}` }],
    [{ ...pushHeaders, 'x-hub-signature': `sha1=${createHmac('sha1', secret).update(body).digest('hex')}` }],
    [{ 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': `${secret}x` }],
    [{ 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': '' }],
    [{ ...pushHeaders, 'x-hub-signature-256': `sha256=${sign(body)}` }, '/v1/apps/nothing/push'],
  ];
  const details = new Set<string>();
  for (const [headers, path] of rows) {
    const response = await send(body, headers, path);
    assert.deepEqual([response.status, response.body.code], [401, 'invalid_token'], JSON.stringify(headers));
    details.add((response.body as unknown as { detail: string }).detail);
  }
  assert.equal(details.size, 1);
  const bySlug = await send(
    body,
    { ...pushHeaders, 'x-hub-signature-256': `sha256=${sign(body)}` },
    `/v1/apps/${(await owner.call<{ slug: string }>(`/v1/apps/${app.id}`)).body.slug}/push`,
  );
  assert.equal(bySlug.status, 202, bySlug.text);
  const previousSecret = secret;
  secret = await replacePushSecret();
  assert.equal(
    (await send(body, { ...pushHeaders, 'x-hub-signature-256': `sha256=${sign(body, previousSecret)}` })).status,
    401,
  );
  const log = (await owner.call<Page<AuditEvent>>('/v1/audit-events?action=app.push_secret_replaced')).body.data;
  assert.equal(log.length, 2);
  assert.ok(!JSON.stringify(log).includes(secret));
});

test('members, and keys without the permission write or manage_apps, cannot create a push secret', async () => {
  const member = await signUpMember(testServer, owner, 'member', 'member@example.com');
  const path = `/v1/apps/${app.id}/push-secret`;
  assert.equal((await member.call(path, { method: 'POST' })).status, 403);
  const [readKey, manageAppsKey] = [await createKey(owner, ['read']), await createKey(owner, ['manage_apps'])];
  assert.equal((await testServer.call(path, { method: 'POST', headers: bearer(readKey.secret) })).status, 403);
  const byKey = await testServer.call<{ secret: string }>(path, {
    method: 'POST',
    headers: bearer(manageAppsKey.secret),
  });
  assert.equal(byKey.status, 201);
  secret = byKey.body.secret;
});

test('fuzz: a signed body with any content gets status 200 or 4xx', async () => {
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    fc.jsonValue().map((commits) => JSON.stringify({ ...githubPayload(), commits, ref: 'refs/heads/other' })),
  );
  await fc.assert(
    fc.asyncProperty(body, async (text) => {
      const response = await send(text, { 'x-github-event': 'push', 'x-hub-signature-256': `sha256=${sign(text)}` });
      assert.ok(response.status === 200 || (response.status >= 400 && response.status < 500), response.text);
    }),
    { numRuns: 100 },
  );
});

test('a pattern matches the same texts as the equivalent regular expression, and without slow backtracking', () => {
  const part = fc.constantFrom('*', '**', 'a', 'b', '/', '.');
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 8 }),
      fc.array(fc.constantFrom('a', 'b', '/', '.'), { maxLength: 12 }),
      (parts, text) => {
        const pattern = parts.join('');
        const source = pattern.replace(
          /\*\*|\*|\./g,
          (wildcard) => ({ '**': '[^]*', '*': '[^/]*' })[wildcard] ?? '\\.',
        );
        assert.equal(
          matchesGlob(pattern, text.join('')),
          new RegExp(`^${source}$`).test(text.join('')),
          `${pattern} ${text.join('')}`,
        );
      },
    ),
    { numRuns: 20_000 },
  );
  assert.equal(matchesGlob('*a'.repeat(127), 'a'.repeat(1_000)), true);
  assert.equal(matchesGlob(`${'**a'.repeat(85)}b`, 'a'.repeat(1_000)), false);
  // This takes minutes if a matcher tries every position of the second wildcard for each position of the first.
  const twoWildcards = `**${'a'.repeat(120)}*${'a'.repeat(120)}b`;
  for (let count = 0; count < 20; count++) assert.equal(matchesGlob(twoWildcards, 'a'.repeat(8_000)), false);
});
