import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { App } from '../contract/apps.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { Page } from '../contract/paging.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
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
let ownerInOtherWorkspace: TestPerson;
before(async () => {
  testServer = await startTestServer();
  owner = await signUpOwner(testServer);
  member = await signUpMember(testServer, owner, 'member', 'mia@example.com');
  ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, 'Neighbor');
});
after(() => testServer.close());

/** Creates a key with exactly these permissions. Its `call` sends requests with it. */
async function createKeyWith(...permissions: Permission[]) {
  const key = await createKey(owner, permissions, { name: `Key for ${permissions.join(' ')}` });
  const call = <Body = unknown>(path: string, { headers, ...request }: TestRequest = {}): Promise<TestResponse<Body>> =>
    testServer.call<Body>(path, { ...request, headers: { ...bearer(key.secret), ...headers } });
  return { ...key, call };
}

async function createResource<Body>(path: string, body: unknown, person: TestPerson = owner): Promise<Body> {
  const response = await person.call<Body>(path, { body });
  assert.equal(response.status, 201, response.text);
  return response.body;
}
const createProject = (name = 'Web shop') => createResource<Project>('/v1/projects', { name });

const RESOURCE_TYPES = [
  {
    collection: 'projects',
    manage: 'manage_projects',
    createBody: () => ({ name: 'Example' }),
  },
  {
    collection: 'servers',
    manage: 'manage_servers',
    createBody: () => ({ name: 'Example', kind: 'ssh', host: 'web-1.example.com', user: 'deploy' }),
  },
  {
    collection: 'apps',
    manage: 'manage_apps',
    createBody: async () => ({ name: 'Example', projectId: (await createProject('Holder')).id }),
  },
] as const;

for (const { collection, manage, createBody } of RESOURCE_TYPES) {
  test(`${collection}: each operation accepts only its permissions`, async () => {
    const requirements: readonly [method: string, hasId: boolean, allowed: readonly Permission[], status: number][] = [
      ['GET', false, ['read', manage], 200],
      ['POST', false, ['write', manage], 201],
      ['GET', true, ['read', manage], 200],
      ['PATCH', true, ['write', manage], 200],
      ['DELETE', true, ['delete', manage], 204],
    ];
    const keys = new Map<Permission, Awaited<ReturnType<typeof createKeyWith>>>();
    for (const permission of PERMISSIONS) keys.set(permission, await createKeyWith(permission));
    for (const [method, hasId, allowed, status] of requirements) {
      for (const [permission, key] of keys) {
        const resource = await createResource<{ id: string }>(`/v1/${collection}`, await createBody());
        const path = hasId ? `/v1/${collection}/${resource.id}` : `/v1/${collection}`;
        const bodies: Readonly<Record<string, object>> = { POST: await createBody(), PATCH: { name: 'Renamed' } };
        const body = bodies[method];
        const response = await key.call<ProblemBody>(path, { method, ...(body !== undefined && { body }) });
        const isAllowed = allowed.includes(permission);
        assert.equal(
          response.status,
          isAllowed ? status : 403,
          `${method} ${path} with ${permission}: ${response.text}`,
        );
        if (!isAllowed) assert.equal(response.body.code, 'insufficient_scope');
      }
    }
  });

  test(`${collection}: access tokens are refused, members can only read, and other workspaces have no access`, async () => {
    const resource = await createResource<{ id: string; slug: string }>(`/v1/${collection}`, await createBody());
    const token = await createToken(owner, ['all']);
    const refused = await testServer.call<ProblemBody>(`/v1/${collection}`, { headers: bearer(token.secret) });
    assert.equal(refused.status, 403);
    assert.equal(refused.body.code, 'wrong_credential_kind');
    assert.equal((await member.call(`/v1/${collection}/${resource.slug}`)).status, 200);
    for (const request of [{ method: 'PATCH', body: { name: 'Taken over' } }, { method: 'DELETE' }]) {
      const response = await member.call<ProblemBody>(`/v1/${collection}/${resource.id}`, request);
      assert.equal(response.status, 403);
      assert.equal(response.body.code, 'forbidden');
    }
    assert.equal((await member.call(`/v1/${collection}`, { body: await createBody() })).status, 403);
    for (const request of [
      { method: 'GET' },
      { method: 'PATCH', body: { name: 'Taken over' } },
      { method: 'DELETE' },
    ]) {
      const existing = await ownerInOtherWorkspace.call(`/v1/${collection}/${resource.id}`, request);
      const missing = await ownerInOtherWorkspace.call(`/v1/${collection}/nothing-here`, request);
      assert.equal(existing.status, 404);
      const withoutRequestId = (response: TestResponse) => response.text.replace(/"requestId":"[^"]*"/, '');
      assert.equal(withoutRequestId(existing), withoutRequestId(missing));
    }
    assert.deepEqual((await ownerInOtherWorkspace.call<Page<unknown>>(`/v1/${collection}`)).body.data, []);
  });

  test(`${collection}: a replayed POST is refused with the ID of the first resource, and the list is paged`, async () => {
    const body = await createBody();
    const headers = { 'idempotency-key': `once-${collection}` };
    const first = await owner.call<{ id: string }>(`/v1/${collection}`, { body, headers });
    assert.equal(first.status, 201);
    const replayed = await owner.call<ProblemBody>(`/v1/${collection}`, { body, headers });
    assert.equal(replayed.status, 409);
    assert.equal(replayed.body.code, 'idempotent_replay');
    assert.equal(replayed.body.id, first.body.id);
    const ids = new Set<string>();
    let cursor: string | null = null;
    do {
      const cursorParameter: string = cursor === null ? '' : `&cursor=${cursor}`;
      const page: Page<{ id: string }> = (
        await owner.call<Page<{ id: string }>>(`/v1/${collection}?limit=3&sort=name${cursorParameter}`)
      ).body;
      assert.ok(page.data.length <= 3);
      for (const { id } of page.data) {
        assert.ok(!ids.has(id), 'each resource is listed once');
        ids.add(id);
      }
      cursor = page.nextCursor;
    } while (cursor !== null);
    const listed = await owner.call<Page<{ id: string }>>(`/v1/${collection}?limit=200`);
    assert.deepEqual([...ids].sort(), listed.body.data.map(({ id }) => id).sort());
    assert.equal((await owner.call(`/v1/${collection}?limit=201`)).status, 422);
  });

  test(`${collection}: an edit with a stale ETag is refused and changes nothing`, async () => {
    const { id } = await createResource<{ id: string }>(`/v1/${collection}`, await createBody());
    const path = `/v1/${collection}/${id}`;
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
      const stale = await owner.call<ProblemBody>(path, {
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
  const first = await createProject('Étoile & Co');
  assert.equal(first.slug, 'etoile-co');
  const second = await createProject('Étoile & Co');
  assert.equal(second.slug, 'etoile-co-2');
  const renamed = await owner.call<Project>('/v1/projects/etoile-co', { method: 'PATCH', body: { name: 'Comète' } });
  assert.equal(renamed.body.slug, 'etoile-co');
  assert.equal(renamed.body.id, first.id);
  const duplicate = await owner.call<ProblemBody>('/v1/projects', { body: { name: 'Another', slug: 'etoile-co' } });
  assert.equal(duplicate.status, 409);
  assert.equal(duplicate.body.code, 'conflict');
  assert.equal(
    (await createResource<Project>('/v1/projects', { name: 'Étoile & Co' }, ownerInOtherWorkspace)).slug,
    'etoile-co',
  );
  const slugChange = await owner.call<ProblemBody>('/v1/projects/etoile-co', {
    method: 'PATCH',
    body: { slug: 'new' },
  });
  assert.equal(slugChange.status, 422);
  assert.equal(slugChange.body.errors?.[0]?.field, 'slug');
});

test('a resource that an app depends on cannot be deleted, and the refusal names the app', async () => {
  const project = await createProject('Held');
  const server = await createResource<Server>('/v1/servers', {
    name: 'Front',
    kind: 'ssh',
    host: '10.0.0.1',
    user: 'deploy',
  });
  const app = await createResource<App>('/v1/apps', { name: 'Till', projectId: project.slug, serverId: server.slug });
  assert.equal(app.projectId, project.id);
  assert.equal(app.serverId, server.id);
  for (const path of [`/v1/projects/${project.id}`, `/v1/servers/${server.id}`]) {
    const refused = await owner.call<ProblemBody>(path, { method: 'DELETE' });
    assert.equal(refused.status, 409);
    assert.match(refused.body.detail, /Till/);
    assert.equal((await owner.call(path)).status, 200);
  }
  assert.equal((await owner.call(`/v1/apps/${app.slug}`, { method: 'DELETE' })).status, 204);
  for (const path of [`/v1/projects/${project.id}`, `/v1/servers/${server.id}`]) {
    assert.equal((await owner.call(path, { method: 'DELETE' })).status, 204);
  }
});

test('an app is created with the default settings, and they can be changed', async () => {
  const project = await createProject('Settings');
  const app = await createResource<App>('/v1/apps', { name: 'Plain app', projectId: project.id });
  const { id: _, createdAt: __, updatedAt: ___, ...settings } = app;
  assert.deepEqual(settings, {
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

test('a health check command is returned as it was set, but not recorded in the activity log', async () => {
  const project = await createProject('Commands');
  const healthCheck = { command: 'curl -fsS http://ada:s3cret@127.0.0.1:8080/healthz', timeoutSeconds: 5 };
  const app = await createResource<App>('/v1/apps', { name: 'Checked app', projectId: project.id, healthCheck });
  assert.deepEqual(app.healthCheck, healthCheck);
  const { body: log } = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${app.id}`);
  assert.ok(!JSON.stringify(log).includes('s3cret'), 'the activity log has no password');
});

test('invalid values are refused, among them those that a shell, Git or SSH could interpret as commands or options', async () => {
  const project = await createProject('Refusals');
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
    const response = await owner.call<ProblemBody>(path, { body });
    assert.equal(response.status, 422, `${JSON.stringify(body)}: ${response.text}`);
    assert.equal(response.body.code, 'validation_failed');
    assert.equal(response.body.errors?.[0]?.field, field);
  }
});

test('the activity log contains the credential that made a change, even after it is deleted', async () => {
  const key = await createKeyWith('manage_projects');
  const { body: project } = await key.call<Project>('/v1/projects', { body: { name: 'Logged' } });
  await key.call(`/v1/projects/${project.id}`, { method: 'PATCH', body: { name: 'Logged better' } });
  await key.call(`/v1/projects/${project.id}`, { method: 'DELETE' });
  await owner.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' });
  const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${project.id}`);
  const recorded = log.body.data.map(({ action, actor, credential }) => ({ action, actor, credential }));
  const credential = { kind: 'api_key', id: key.id, name: key.name };
  assert.deepEqual(
    recorded,
    ['project.deleted', 'project.updated', 'project.created'].map((action) => ({
      action,
      actor: credential,
      credential,
    })),
  );
  assert.deepEqual(log.body.data[1]?.detail, { before: { name: 'Logged' }, after: { name: 'Logged better' } });
});

test('an edit that changes nothing records no audit event', async () => {
  const project = await createProject('Still');
  const same = await owner.call<Project>(`/v1/projects/${project.id}`, { method: 'PATCH', body: { name: 'Still' } });
  assert.deepEqual(same.body, project);
  const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${project.id}`);
  assert.deepEqual(
    log.body.data.map(({ action }) => action),
    ['project.created'],
  );
});

test('a workspace with projects, servers and apps can be deleted', async () => {
  const shortLived = await createWorkspaceFor(owner, testServer, 'Short-lived');
  const project = await createResource<Project>('/v1/projects', { name: 'Deleted project' }, shortLived);
  const server = await createResource<Server>(
    '/v1/servers',
    { name: 'Deleted server', kind: 'ssh', host: '::1', user: 'root' },
    shortLived,
  );
  await createResource<App>(
    '/v1/apps',
    { name: 'Deleted app', projectId: project.id, serverId: server.id },
    shortLived,
  );
  assert.equal((await shortLived.call(`/v1/workspaces/${shortLived.workspaceId}`, { method: 'DELETE' })).status, 204);
});
