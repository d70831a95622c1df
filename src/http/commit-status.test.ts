import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CommitStatus } from '../contract/commit-status.ts';
import { apiUrlOf, commitPageOf, commitStatusApiOf, hostedRepositoryOf } from '../contract/git-hosts.ts';
import { startGitHost, type TestGitHost } from '../testing/git-host.ts';
import { createTestRepository, type TestRepository } from '../testing/git-repository.ts';
import { changeDatabase } from '../testing/sql.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { createServerResource, createTestApp, deployAndWait, type TestApp } from '../testing/test-deployments.ts';
import { signUpOwner, startTestServer, type TestPerson, type TestServer } from '../testing/test-server.ts';
import { until } from '../testing/until.ts';

interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, string>>;
}

const TOKEN = 'glpat-0123456789';
const receivedRequests: ReceivedRequest[] = [];
let apiResponse = { status: 201, body: '{}' };
/** The API of a Git host, which records every request and responds with `apiResponse`. */
const gitHostApi = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  receivedRequests.push({
    path: `${request.method} ${request.url}`,
    headers: request.headers,
    body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>,
  });
  response.writeHead(apiResponse.status, { 'content-type': 'application/json' }).end(apiResponse.body);
});
let apiUrl: string;
let testServer: TestServer;
let owner: TestPerson;
let gitHost: TestGitHost;
let repository: TestRepository;
let app: TestApp;
const folder = temporaryDirectory();
const settingsPath = () => `/v1/apps/${app.id}/commit-status`;
const putSettings = (body: object) =>
  owner.call<CommitStatus>(settingsPath(), { method: 'PUT', body: { token: TOKEN, ...body } });
const getSettings = async () => (await owner.call<CommitStatus>(settingsPath())).body;
before(async () => {
  await new Promise<void>((resolve) => gitHostApi.listen(0, '127.0.0.1', resolve));
  apiUrl = `http://127.0.0.1:${(gitHostApi.address() as AddressInfo).port}/api`;
  mkdirSync(join(folder, 'acme/web'), { recursive: true });
  repository = createTestRepository();
  repository.commit({ 'page.txt': 'one' });
  repository.git('clone', '--quiet', '--bare', repository.path, join(folder, 'acme/web/shop.git'));
  gitHost = await startGitHost(folder);
  testServer = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on', DEVPILOT_OUTBOUND: 'any' } });
  owner = await signUpOwner(testServer);
  app = await createTestApp(owner, (await createServerResource(owner)).id, {
    repository: `${gitHost.origin}/acme/web/shop.git`,
  });
});
after(async () => {
  await Promise.all([testServer.close(), gitHost.close()]);
  gitHostApi.closeAllConnections();
  await new Promise((resolve) => gitHostApi.close(resolve));
});

/** Deploys the app and waits until the API has received `count` requests. */
async function deployAndReceive(count: number): Promise<{ id: string; status: string }> {
  receivedRequests.length = 0;
  const deployment = await deployAndWait(owner, app);
  await until(async () => receivedRequests.length >= count);
  return deployment;
}

test('the status and the result of a deployment are reported in the form of each Git host', async () => {
  assert.deepEqual(await getSettings(), { kind: null, url: null, error: null, updatedAt: null });
  const withoutKind = await putSettings({});
  assert.equal(withoutKind.status, 422, 'the kind of an unknown host is required');
  const commit = repository.git('rev-parse', 'HEAD');
  const expected = {
    github: {
      path: `/repos/web/shop/statuses/${commit}`,
      header: 'authorization',
      value: `Bearer ${TOKEN}`,
      states: ['pending', 'success'],
      nameField: 'context',
    },
    gitlab: {
      path: `/projects/acme%2Fweb%2Fshop/statuses/${commit}`,
      header: 'private-token',
      value: TOKEN,
      states: ['running', 'success'],
      nameField: 'name',
    },
    gitea: {
      path: `/repos/web/shop/statuses/${commit}`,
      header: 'authorization',
      value: `token ${TOKEN}`,
      states: ['pending', 'success'],
      nameField: 'context',
    },
  } as const;
  for (const [kind, { path, header, value, states, nameField }] of Object.entries(expected)) {
    const stored = await putSettings({ kind, url: `${apiUrl}/` });
    assert.deepEqual([stored.status, stored.body.kind, stored.body.url], [200, kind, apiUrl], stored.text);
    const { id } = await deployAndReceive(2);
    assert.deepEqual(
      receivedRequests.map((request) => [request.path, request.headers[header]]),
      [
        [`POST /api${path}`, value],
        [`POST /api${path}`, value],
      ],
    );
    const [first, second] = receivedRequests;
    // Each report sends the current status, so the first one can already be the result.
    assert.ok(states.some((state) => state === first?.body['state']));
    assert.equal(second?.body['state'], states[1]);
    assert.equal(second.body[nameField], `devpilot/${app.slug}`);
    assert.equal(second.body['target_url'], `${testServer.origin}/deployments/${id}`);
  }
});

test('a refusal by the Git host is shown without the token, a server error is retried, and neither fails the deployment', async () => {
  await putSettings({ kind: 'gitea', url: apiUrl });
  apiResponse = { status: 401, body: '{"message":"secret"}' };
  assert.equal((await deployAndReceive(1)).status, 'completed');
  await until(async () => (await getSettings()).error === 'The Git host responded with the status 401.');
  apiResponse = { status: 503, body: '' };
  assert.equal((await deployAndReceive(1)).status, 'completed');
  const waitingJobs = () =>
    changeDatabase(testServer.dataDirectory, (database) =>
      database.prepare("select failures, retries from job where kind = 'commit_status' and status = 'waiting'").all(),
    );
  await until(async () => (await waitingJobs()).some(({ failures }) => failures === 1));
  const stored = await changeDatabase(testServer.dataDirectory, (database) => [
    ...database.prepare('select * from commit_status').all(),
    ...database.prepare('select * from job').all(),
    ...database.prepare('select * from audit_event').all(),
  ]);
  assert.ok(!JSON.stringify(stored).includes(TOKEN));
});

test('the token is not sent for a repository at another host, and an invalid API URL is refused', async () => {
  apiResponse = { status: 201, body: '{}' };
  await putSettings({ kind: 'gitea', url: apiUrl });
  await app.edit({ repository: `${gitHost.origin.replace('127.0.0.1', 'localhost')}/acme/web/shop.git` });
  receivedRequests.length = 0;
  await deployAndWait(owner, app);
  await until(
    async () => (await getSettings()).error === 'The repository has moved to another host. Set the token again.',
  );
  assert.deepEqual(receivedRequests, []);
  const normalized = await putSettings({ kind: 'gitea', url: 'http://git.example.com/a b\u202e/' });
  assert.deepEqual([normalized.status, normalized.body.url], [200, 'http://git.example.com/a%20b%E2%80%AE']);
  for (const url of ['ftp://git.example.com', 'https://user:pass@git.example.com', `${apiUrl}?x`]) {
    assert.equal((await putSettings({ kind: 'gitea', url })).status, 422, url);
  }
  assert.equal((await owner.call(settingsPath(), { method: 'DELETE' })).status, 204);
  assert.equal((await getSettings()).kind, null);
  await app.edit({ repository: repository.path });
  assert.equal((await putSettings({ kind: 'gitea' })).status, 409);
});

test('Git hosts are recognized by the URL of the repository', () => {
  const commit = '8d1c8b69c3fce7bea45c73efd06983e3c419a92f';
  const expected: Readonly<Record<string, readonly [commitPage: string | null, api: string | null]>> = {
    'git@github.com:acme/shop.git': ['https://github.com/acme/shop/commit/', 'https://api.github.com'],
    'https://gitlab.com/a/b/shop.git': ['https://gitlab.com/a/b/shop/-/commit/', 'https://gitlab.com/api/v4'],
    'ssh://git@codeberg.org/acme/shop': ['https://codeberg.org/acme/shop/commit/', 'https://codeberg.org/api/v1'],
    'ssh://git@git.example.com:2222/acme/shop.git': ['https://git.example.com/acme/shop/commit/', null],
    'http://git.example.com:3000/acme/shop.git': ['http://git.example.com:3000/acme/shop/commit/', null],
    'https://bitbucket.org/acme/shop.git': ['https://bitbucket.org/acme/shop/commits/', null],
    '/srv/acme/shop.git': [null, null],
    'file:///srv/acme/shop.git': [null, null],
    'https://git.example.com/shop.git': [null, null],
    'git@git.example.com:acme/..': [null, null],
    'git@1.2.3.999:acme/shop.git': [null, null],
  };
  for (const [url, [commitPage, api]] of Object.entries(expected)) {
    assert.equal(commitPageOf(url, commit), commitPage === null ? null : `${commitPage}${commit}`, url);
    const hosted = hostedRepositoryOf(url);
    const kind = hosted === null ? null : commitStatusApiOf(hosted.host);
    assert.equal(hosted === null || kind === null ? null : apiUrlOf(hosted, kind), api, url);
  }
});
