import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { App } from '../contract/apps.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { Page } from '../contract/paging.ts';
import type { Project } from '../contract/projects.ts';
import type { Server } from '../contract/servers.ts';
import { PERMISSIONS, type Permission } from '../contract/vocabulary.ts';
import {
  bearer,
  createKey,
  createToken,
  createWorkspaceFor,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestRequest,
  type TestResponse,
  type TestServer,
} from '../testing/test-server.ts';

let testServer: TestServer;
let owner: TestPerson;
let member: TestPerson;
let neighbour: TestPerson;
before(async () => {
  testServer = await startTestServer();
  owner = await signUpOwner(testServer);
  member = await signUpMember(testServer, owner, 'member', 'mia@example.com');
  neighbour = await createWorkspaceFor(owner, testServer, 'Other');
});
after(() => testServer.close());

interface ProblemAnswer {
  code: string;
  detail: string;
  id?: string;
  errors?: { field: string }[];
}

/** Creates a key with exactly these permissions and returns a function that sends requests with it. */
async function keyWith(...permissions: Permission[]) {
  const key = await createKey(owner, permissions, { name: `Key for ${permissions.join(' ')}` });
  const call = <Body = unknown>(path: string, { headers, ...call }: TestRequest = {}): Promise<TestResponse<Body>> =>
    testServer.call<Body>(path, { ...call, headers: { ...bearer(key.secret), ...headers } });
  return { ...key, call };
}

async function created<Body>(path: string, body: unknown, person: TestPerson = owner): Promise<Body> {
  const response = await person.call<Body>(path, { body });
  assert.equal(response.status, 201, response.text);
  return response.body;
}
const newProject = (name = 'Web shop') => created<Project>('/v1/projects', { name });

const NOUNS = [
  {
    noun: 'projects',
    manage: 'manage_projects',
    body: () => ({ name: 'A thing' }),
  },
  {
    noun: 'servers',
    manage: 'manage_servers',
    body: () => ({ name: 'A thing', kind: 'ssh', host: 'web-1.example.com', user: 'deploy' }),
  },
  {
    noun: 'apps',
    manage: 'manage_apps',
    body: async () => ({ name: 'A thing', projectId: (await newProject('Holder')).id }),
  },
] as const;

for (const { noun, manage, body } of NOUNS) {
  test(`${noun}: each of the listed permissions suffices, and no other does`, async () => {
    const demands: readonly [method: string, sub: boolean, allowed: readonly Permission[], status: number][] = [
      ['GET', false, ['read', manage], 200],
      ['POST', false, ['write', manage], 201],
      ['GET', true, ['read', manage], 200],
      ['PATCH', true, ['write', manage], 200],
      ['DELETE', true, ['delete', manage], 204],
    ];
    const keys = new Map<Permission, Awaited<ReturnType<typeof keyWith>>>();
    for (const permission of PERMISSIONS) keys.set(permission, await keyWith(permission));
    for (const [method, sub, allowed, status] of demands) {
      for (const [permission, key] of keys) {
        const resource = await created<{ id: string }>(`/v1/${noun}`, await body());
        const path = sub ? `/v1/${noun}/${resource.id}` : `/v1/${noun}`;
        const sent = method === 'POST' ? await body() : method === 'PATCH' ? { name: 'Renamed thing' } : undefined;
        const response = await key.call<ProblemAnswer>(path, { method, ...(sent !== undefined && { body: sent }) });
        const right = allowed.includes(permission);
        assert.equal(response.status, right ? status : 403, `${method} ${path} with ${permission}: ${response.text}`);
        if (!right) assert.equal(response.body.code, 'insufficient_scope');
      }
    }
  });

  test(`${noun}: a token is refused, a member reads and changes nothing, another workspace sees nothing`, async () => {
    const resource = await created<{ id: string; slug: string }>(`/v1/${noun}`, await body());
    const token = await createToken(owner, ['all']);
    const refused = await testServer.call<ProblemAnswer>(`/v1/${noun}`, { headers: bearer(token.secret) });
    assert.equal(refused.status, 403);
    assert.equal(refused.body.code, 'wrong_credential_kind');
    assert.equal((await member.call(`/v1/${noun}/${resource.slug}`)).status, 200);
    for (const [method, sent] of [
      ['PATCH', { name: 'Mine now' }],
      ['DELETE', undefined],
    ] as const) {
      const response = await member.call<ProblemAnswer>(`/v1/${noun}/${resource.id}`, {
        method,
        ...(sent !== undefined && { body: sent }),
      });
      assert.equal(response.status, 403);
      assert.equal(response.body.code, 'forbidden');
    }
    assert.equal((await member.call(`/v1/${noun}`, { body: await body() })).status, 403);
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const sent = method === 'PATCH' ? { body: { name: 'Mine now' } } : {};
      const other = await neighbour.call(`/v1/${noun}/${resource.id}`, { method, ...sent });
      const missing = await neighbour.call(`/v1/${noun}/nothing-here`, { method, ...sent });
      assert.equal(other.status, 404);
      const plain = (response: TestResponse) => response.text.replace(/"requestId":"[^"]*"/, '');
      assert.equal(plain(other), plain(missing));
    }
    assert.deepEqual((await neighbour.call<Page<unknown>>(`/v1/${noun}`)).body.data, []);
  });

  test(`${noun}: a replayed POST identifies the first resource, and the list has pages`, async () => {
    const sent = await body();
    const headers = { 'idempotency-key': `once-${noun}` };
    const first = await owner.call<{ id: string }>(`/v1/${noun}`, { body: sent, headers });
    assert.equal(first.status, 201);
    const again = await owner.call<ProblemAnswer>(`/v1/${noun}`, { body: sent, headers });
    assert.equal(again.status, 409);
    assert.equal(again.body.code, 'idempotent_replay');
    assert.equal(again.body.id, first.body.id);
    const ids = new Set<string>();
    let cursor: string | null = null;
    do {
      const more: string = cursor === null ? '' : `&cursor=${cursor}`;
      const page: Page<{ id: string }> = (
        await owner.call<Page<{ id: string }>>(`/v1/${noun}?limit=3&sort=name${more}`)
      ).body;
      assert.ok(page.data.length <= 3);
      for (const { id } of page.data) {
        assert.ok(!ids.has(id), 'seen once');
        ids.add(id);
      }
      cursor = page.nextCursor;
    } while (cursor !== null);
    const all = await owner.call<Page<{ id: string }>>(`/v1/${noun}?limit=200`);
    assert.deepEqual([...ids].sort(), all.body.data.map(({ id }) => id).sort());
    assert.equal((await owner.call(`/v1/${noun}?limit=201`)).status, 422);
  });

  test(`${noun}: an edit with a stale ETag is refused and changes nothing`, async () => {
    const { id } = await created<{ id: string }>(`/v1/${noun}`, await body());
    const path = `/v1/${noun}/${id}`;
    const read = await owner.call<{ name: string }>(path);
    const etag = read.headers.get('etag') ?? '';
    assert.match(etag, /^"[\w-]+"$/);
    const edited = await owner.call(path, {
      method: 'PATCH',
      body: { name: 'Second name' },
      headers: { 'if-match': etag },
    });
    assert.equal(edited.status, 200);
    assert.notEqual(edited.headers.get('etag'), etag);
    for (const method of ['PATCH', 'DELETE']) {
      const stale = await owner.call<ProblemAnswer>(path, {
        method,
        headers: { 'if-match': etag },
        ...(method === 'PATCH' && { body: { name: 'Third name' } }),
      });
      assert.equal(stale.status, 409);
      assert.equal(stale.body.code, 'conflict');
    }
    assert.equal((await owner.call<{ name: string }>(path)).body.name, 'Second name');
    const current = edited.headers.get('etag') ?? '';
    assert.equal((await owner.call(path, { method: 'DELETE', headers: { 'if-match': current } })).status, 204);
    assert.equal((await owner.call(path)).status, 404);
  });
}

test('a slug is derived from the name, is unique in its workspace, does not change, and identifies the resource', async () => {
  const first = await newProject('Étoile & Co');
  assert.equal(first.slug, 'etoile-co');
  const second = await newProject('Étoile & Co');
  assert.equal(second.slug, 'etoile-co-2');
  const renamed = await owner.call<Project>('/v1/projects/etoile-co', { method: 'PATCH', body: { name: 'Comète' } });
  assert.equal(renamed.body.slug, 'etoile-co');
  assert.equal(renamed.body.id, first.id);
  const taken = await owner.call<ProblemAnswer>('/v1/projects', { body: { name: 'Another', slug: 'etoile-co' } });
  assert.equal(taken.status, 409);
  assert.equal(taken.body.code, 'conflict');
  assert.equal((await created<Project>('/v1/projects', { name: 'Étoile & Co' }, neighbour)).slug, 'etoile-co');
  const fixed = await owner.call<ProblemAnswer>('/v1/projects/etoile-co', { method: 'PATCH', body: { slug: 'new' } });
  assert.equal(fixed.status, 422);
  assert.equal(fixed.body.errors?.[0]?.field, 'slug');
});

test('a resource that others depend on is not deleted, and the refusal names them', async () => {
  const project = await newProject('Held');
  const server = await created<Server>('/v1/servers', { name: 'Front', kind: 'ssh', host: '10.0.0.1', user: 'deploy' });
  const app = await created<App>('/v1/apps', { name: 'Till', projectId: project.slug, serverId: server.slug });
  assert.equal(app.projectId, project.id);
  assert.equal(app.serverId, server.id);
  for (const path of [`/v1/projects/${project.id}`, `/v1/servers/${server.id}`]) {
    const refused = await owner.call<ProblemAnswer>(path, { method: 'DELETE' });
    assert.equal(refused.status, 409);
    assert.match(refused.body.detail, /Till/);
    assert.equal((await owner.call(path)).status, 200);
  }
  assert.equal((await owner.call(`/v1/apps/${app.slug}`, { method: 'DELETE' })).status, 204);
  for (const path of [`/v1/projects/${project.id}`, `/v1/servers/${server.id}`]) {
    assert.equal((await owner.call(path, { method: 'DELETE' })).status, 204);
  }
});

test('an app starts with the default settings and accepts each of its own', async () => {
  const project = await newProject('Settings');
  const app = await created<App>('/v1/apps', { name: 'Plain app', projectId: project.id });
  const { id: _, createdAt: __, updatedAt: ___, ...facts } = app;
  assert.deepEqual(facts, {
    projectId: project.id,
    name: 'Plain app',
    slug: 'plain-app',
    serverId: null,
    repository: null,
    repositoryUser: null,
    hasRepositoryPassword: false,
    branch: 'main',
    directory: null,
    hooks: [],
    keepReleases: 5,
    healthCheck: null,
    logCommand: null,
    requiredVariables: [],
    backup: null,
    push: null,
  });
  const expected = {
    repository: 'git@git.example.com:acme/shop.git',
    branch: 'release/2.0',
    directory: '/srv/shop',
    hooks: [
      {
        name: 'Build',
        stage: 'post_source_control',
        run: 'npm ci',
        interpreter: '/bin/sh',
        timeoutSeconds: 60,
        retries: 0,
        variables: 'environment',
        active: false,
      },
    ],
    keepReleases: 2,
    healthCheck: { url: 'http://127.0.0.1:8080/', timeoutSeconds: 5 },
    logCommand: 'journalctl -f',
    requiredVariables: ['DATABASE_URL'],
    backup: { command: 'pg_dump shop', restoreCommand: null },
  };
  const edited = await owner.call<App>(`/v1/apps/${app.id}`, { method: 'PATCH', body: expected });
  assert.equal(edited.status, 200, edited.text);
  for (const [field, value] of Object.entries(expected)) assert.deepEqual(edited.body[field as keyof App], value);
  const listed = await owner.call<Page<App>>(`/v1/apps?project=${project.slug}`);
  assert.deepEqual(listed.body.data, [edited.body]);
});

test('a health check command is shown as it was set: an edit that sends it back changes nothing', async () => {
  const project = await newProject('Commands');
  const healthCheck = { command: 'curl -fsS http://ada:s3cret@127.0.0.1:8080/healthz', timeoutSeconds: 5 };
  const app = await created<App>('/v1/apps', { name: 'Checked app', projectId: project.id, healthCheck });
  assert.deepEqual(app.healthCheck, healthCheck);
  const { body: log } = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${app.id}`);
  assert.ok(!JSON.stringify(log).includes('s3cret'), 'the activity log has no password');
});

test('values that a shell, git or ssh could interpret differently are refused', async () => {
  const project = await newProject('Refusals');
  const app = { name: 'Some app', projectId: project.id };
  const server = { name: 'Some server', kind: 'ssh', host: 'web-1.example.com', user: 'deploy' };
  const refused: readonly [path: string, body: object, field: string][] = [
    ['/v1/apps', { ...app, projectId: 'nothing' }, 'projectId'],
    ['/v1/apps', { ...app, serverId: 'nothing' }, 'serverId'],
    ['/v1/apps', { ...app, branch: '--upload-pack=x' }, 'branch'],
    ['/v1/apps', { ...app, branch: 'a..b' }, 'branch'],
    ['/v1/apps', { ...app, repository: 'ext::sh -c id' }, 'repository'],
    ['/v1/apps', { ...app, repository: '--upload-pack=x' }, 'repository'],
    ['/v1/apps', { ...app, directory: '/srv/../etc' }, 'directory'],
    ['/v1/apps', { ...app, directory: 'srv' }, 'directory'],
    ['/v1/apps', { ...app, directory: '/' }, 'directory'],
    ['/v1/apps', { ...app, hooks: [{ name: 'One', stage: 'later', run: 'x' }] }, 'hooks.0.stage'],
    ['/v1/apps', { ...app, healthCheck: {} }, 'healthCheck'],
    ['/v1/apps', { ...app, keepReleases: 0 }, 'keepReleases'],
    ['/v1/apps', { ...app, requiredVariables: ['A B'] }, 'requiredVariables.0'],
    ['/v1/apps', { ...app, requiredVariables: ['A', 'A'] }, 'requiredVariables'],
    ['/v1/apps', { ...app, workspaceId: 'wsp_x' }, 'workspaceId'],
    ['/v1/servers', { ...server, host: '-oProxyCommand=id' }, 'host'],
    ['/v1/servers', { ...server, host: 'a b' }, 'host'],
    ['/v1/servers', { ...server, host: 'fe80::1%-oProxyCommand=id' }, 'host'],
    ['/v1/servers', { ...server, host: 'web-1%eth0' }, 'host'],
    ['/v1/servers', { ...server, host: 'web..' }, 'host'],
    ['/v1/servers', { ...server, user: '-l' }, 'user'],
    ['/v1/servers', { ...server, port: 0 }, 'port'],
    ['/v1/servers', { ...server, hostKey: 'ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQABAAABAQ' }, 'hostKey'],
    ['/v1/servers', { ...server, hostKey: 'command="id" ssh-ed25519 AAAA' }, 'hostKey'],
    ['/v1/servers', { name: 'No host', kind: 'ssh', user: 'deploy' }, 'host'],
    ['/v1/servers', { name: 'Here', kind: 'local' }, 'kind'],
    ['/v1/projects', { name: 'ab' }, 'name'],
    ['/v1/projects', { name: 'Fine', slug: 'Not Fine' }, 'slug'],
  ];
  for (const [path, body, field] of refused) {
    const response = await owner.call<ProblemAnswer>(path, { body });
    assert.equal(response.status, 422, `${JSON.stringify(body)}: ${response.text}`);
    assert.equal(response.body.code, 'validation_failed');
    assert.equal(response.body.errors?.[0]?.field, field);
  }
});

test('the activity log names the credential that made a change, also after it is deleted', async () => {
  const key = await keyWith('manage_projects');
  const { body: project } = await key.call<Project>('/v1/projects', { body: { name: 'Logged' } });
  await key.call(`/v1/projects/${project.id}`, { method: 'PATCH', body: { name: 'Logged better' } });
  await key.call(`/v1/projects/${project.id}`, { method: 'DELETE' });
  await owner.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' });
  const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${project.id}`);
  const seen = log.body.data.map(({ action, actor, credential }) => ({ action, actor, credential }));
  const credential = { kind: 'api_key', id: key.id, name: key.name };
  assert.deepEqual(
    seen,
    ['project.deleted', 'project.updated', 'project.created'].map((action) => ({
      action,
      actor: credential,
      credential,
    })),
  );
  assert.deepEqual(log.body.data[1]?.detail, { before: { name: 'Logged' }, after: { name: 'Logged better' } });
});

test('an edit that changes nothing leaves no event', async () => {
  const project = await newProject('Still');
  const same = await owner.call<Project>(`/v1/projects/${project.id}`, { method: 'PATCH', body: { name: 'Still' } });
  assert.deepEqual(same.body, project);
  const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${project.id}`);
  assert.deepEqual(
    log.body.data.map(({ action }) => action),
    ['project.created'],
  );
});

test('a workspace is deleted with its projects, servers and apps', async () => {
  const gone = await createWorkspaceFor(owner, testServer, 'Short-lived');
  const project = await created<Project>('/v1/projects', { name: 'Gone too' }, gone);
  const server = await created<Server>('/v1/servers', { name: 'Gone', kind: 'ssh', host: '::1', user: 'root' }, gone);
  await created<App>('/v1/apps', { name: 'Gone as well', projectId: project.id, serverId: server.id }, gone);
  assert.equal((await gone.call(`/v1/workspaces/${gone.workspaceId}`, { method: 'DELETE' })).status, 204);
});
