import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PERMISSIONS } from '../contract/vocabulary.ts';
import type { AllowedType } from '../store/resource-access.ts';
import { forEachEngine } from '../testing/engines.ts';
import {
  bearer,
  createKey,
  createToken,
  createWorkspaceFor,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import type { AppContext } from './app-context.ts';
import { isAllowed, resourceAccessOf } from './resource-access.ts';
import type { Route } from './route.ts';
import { routeTable } from './route-table.ts';

/** The ID of one resource of each type that a path can name. */
type ResourceIds = Readonly<Record<AllowedType | 'server', string>>;

const SOURCE_MAPS_PATH = '/v1/errors/source-maps?file=app.js&debugId=8f3c2a1b-0000-4000-8000-0000000000ab';
const SOURCE_MAP = { version: 3, sources: ['app.ts'], names: [], mappings: 'AAAA' };

/** Every route that accepts access tokens or API keys, except those for guards. */
const ROUTES = routeTable({} as AppContext).filter(({ access }) => {
  if ('public' in access || 'any' in access || 'guard' in access) return false;
  return access.token !== undefined || access.key !== undefined;
});

function fillPath({ url, resourceAccess }: Route, ids: ResourceIds): string {
  const { project, app, server, script } = ids;
  const values: Readonly<Record<string, string>> = { project, app, server, script, name: 'COLOR', version: '1' };
  return url.replaceAll(/:(\w+)/g, (_, name: string) =>
    name === 'id'
      ? ((ids as Readonly<Record<string, string>>)[resourceAccess ?? ''] ?? 'none_0')
      : (values[name] ?? ''),
  );
}

forEachEngine('credentials that are restricted to projects and apps', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  /** Resources of a project that the restrictions name. */
  let allowedByProject: ResourceIds;
  /** Resources of an app that the restrictions name. Its project is outside the restrictions. */
  let allowedByApp: ResourceIds;
  /** Resources of another app in the project of `allowedByApp`, outside the restrictions. */
  let forbidden: ResourceIds;
  let inOtherWorkspace: ResourceIds;
  let secrets: { readonly token: string; readonly key: string };

  const create = async (person: TestPerson, path: string, body: object): Promise<string> => {
    const response = await person.call<{ id: string; issueId: string }>(path, { body });
    assert.ok(response.status < 300, `${path}: ${response.text}`);
    return response.body.id ?? response.body.issueId;
  };
  async function createResources(
    person: TestPerson,
    name: string,
    serverId: string,
    existingProjectId?: string,
  ): Promise<ResourceIds> {
    const project = existingProjectId ?? (await create(person, '/v1/projects', { name: `Project ${name}` }));
    const config = { serverId, repository: 'https://git.example.com/x.git', directory: `/srv/nothing/${name}` };
    const app = await create(person, '/v1/apps', {
      name: `App ${name}`,
      slug: `app-${name}`,
      projectId: project,
      ...config,
    });
    const report = { type: `Error ${name}`, message: 'It failed.', app: `app-${name}` };
    const script = await create(person, '/v1/scripts', { name: `Script ${name}`, body: 'true', serverId, appId: app });
    return {
      project,
      app,
      server: serverId,
      script,
      deployment: await create(person, `/v1/apps/${app}/deployments`, { approval: true }),
      backup: await create(person, `/v1/apps/${app}/backups`, {}),
      error_issue: await create(person, '/v1/errors/events', report),
      error_key: await create(person, '/v1/errors/keys', { name: `Key ${name}`, app }),
      source_map: await create(person, `${SOURCE_MAPS_PATH}&app=app-${name}`, SOURCE_MAP),
      run: await create(person, `/v1/scripts/${script}/runs`, {}),
    };
  }
  before(async () => {
    const environment = { ...(await engine.environment()), DEVPILOT_LOCAL_SERVER: 'on' };
    testServer = await startTestServer({ environment });
    owner = await signUpOwner(testServer);
    const ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, 'Neighbor');
    const localServerId = await create(owner, '/v1/servers', { name: 'Here', kind: 'local' });
    allowedByProject = await createResources(owner, 'one', localServerId);
    allowedByApp = await createResources(owner, 'two', localServerId);
    forbidden = await createResources(owner, 'three', localServerId, allowedByApp.project);
    const serverIdOfOtherWorkspace = await create(ownerInOtherWorkspace, '/v1/servers', {
      name: 'There',
      kind: 'local',
    });
    inOtherWorkspace = await createResources(ownerInOtherWorkspace, 'four', serverIdOfOtherWorkspace);
    await create(owner, '/v1/errors/events', { type: 'Error of no app', message: 'It failed.' });
    await create(owner, '/v1/scripts', { name: 'Script of no app', body: 'true', serverId: localServerId });
    const event = { specversion: '1.0', id: 'one', source: 'shop', type: 'sold' };
    const sentEvent = await owner.call('/v1/activity/events', { body: event });
    assert.equal(sentEvent.status, 201, sentEvent.text);
    const restrictions = { projects: [allowedByProject.project], apps: ['app-two'] };
    secrets = {
      token: (await createToken(owner, ['all'], { restrictions })).secret,
      key: (await createKey(owner, [...PERMISSIONS], { restrictions })).secret,
    };
  });
  after(() => testServer.close());

  async function send(route: Route, ids: ResourceIds) {
    const { access, method } = route;
    const isForToken = 'token' in access && access.token !== undefined;
    const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
    const path = fillPath(route, ids);
    const headers = bearer(isForToken ? secrets.token : secrets.key);
    const { status, text } = await testServer.call(path, {
      method: String(method),
      headers,
      ...(hasBody && { body: {} }),
    });
    return { status, text: text.replace(/"requestId":"[^"]*"/, ''), request: `${String(method)} ${path}` };
  }

  test('every route that accepts credentials declares `resourceAccess`', () => {
    assert.ok(ROUTES.length > 50);
    for (const route of ROUTES) assert.ok(route.resourceAccess !== undefined, `${String(route.method)} ${route.url}`);
    const undeclared = { method: 'GET', url: '/v1/new', access: { key: ['read'] } } as const;
    assert.throws(() => resourceAccessOf(undeclared), /GET \/v1\/new does not declare its resourceAccess/);
  });

  test('retrying a deployment outside the restrictions gets 404, even without the scope that the retry requires', async () => {
    const { secret } = await createToken(owner, ['basic_deployment'], { restrictions: { apps: ['app-two'] } });
    const retry = (id: string) =>
      testServer.call(`/v1/deployments/${id}/retry`, { method: 'POST', headers: bearer(secret) });
    assert.equal((await retry(allowedByApp.deployment)).status, 403);
    assert.equal((await retry(forbidden.deployment)).status, 404);
  });

  test('every route hides projects and apps outside the restrictions, and their resources', async () => {
    const nonexistent = Object.fromEntries(
      Object.keys(inOtherWorkspace).map((type) => [type, 'none_0']),
    ) as ResourceIds;
    for (const route of ROUTES) {
      const { resourceAccess, method, url } = route;
      const hasParameter = url.includes(':');
      if (resourceAccess === 'none') continue;
      if (resourceAccess === 'workspace') {
        const { status, text, request } = await send(route, allowedByApp);
        const expected = hasParameter ? 404 : method === 'POST' ? 403 : 200;
        assert.equal(status, expected, `${request}: ${text}`);
        if (expected === 200) assert.match(text, /"data":\[\]|"total":0/, request);
      } else if (resourceAccess === 'filtered') {
        if (method !== 'GET') continue;
        const { status, text, request } = await send(route, allowedByApp);
        assert.equal(status, 200, request);
        const countListed = (ids: ResourceIds) =>
          Object.values(ids).filter((id) => text.includes(`"id":"${id}"`)).length;
        const isProjectList = url === '/v1/projects';
        assert.deepEqual(
          [countListed(allowedByProject), countListed(allowedByApp)],
          [1, isProjectList ? 0 : 1],
          `${request}: ${text}`,
        );
        const { project: _, ...forbiddenResources } = forbidden;
        assert.deepEqual(
          [countListed(forbiddenResources as ResourceIds), countListed(inOtherWorkspace), text.includes('no app')],
          [0, 0, false],
          request,
        );
      } else {
        const refused = await Promise.all([forbidden, inOtherWorkspace, nonexistent].map((ids) => send(route, ids)));
        for (const { status, text, request } of refused)
          assert.deepEqual([status, text], [404, refused[0]?.text], `${request}: ${text}`);
        if (method === 'DELETE') continue;
        for (const ids of resourceAccess === 'project' ? [allowedByProject] : [allowedByProject, allowedByApp]) {
          const { status, text, request } = await send(route, ids);
          assert.ok(status < 500 && status !== 401 && status !== 403, `${request}: ${status} ${text}`);
          assert.doesNotMatch(text, /was not found in this workspace/, request);
        }
      }
    }
  });

  test('a filter or body that names a resource outside the restrictions is refused', async () => {
    const call = (secret: string, path: string, body?: object, method?: string) =>
      testServer.call<{ errors?: { field: string }[] }>(path, {
        headers: bearer(secret),
        ...(body !== undefined && { body }),
        ...(method !== undefined && { method }),
      });
    for (const path of [
      `/v1/deployments?app=${forbidden.app}`,
      `/v1/apps?project=${allowedByApp.project}`,
      `/v1/apps?server=${allowedByApp.server}`,
      `/v1/scripts?app=${forbidden.app}`,
      `/v1/scripts?server=${allowedByApp.server}`,
    ])
      assert.equal((await call(secrets.key, path)).status, 404, path);
    assert.equal((await call(secrets.key, `/v1/deployments?app=${allowedByApp.app}`)).status, 200);
    const { token, key } = secrets;
    const app = { name: 'New app', projectId: allowedByProject.project };
    const report = { type: 'TypeError', message: 'It failed.' };
    const script = { name: 'New script', body: 'true', serverId: allowedByApp.server };
    const otherServerId = await create(owner, '/v1/servers', { name: 'Second', kind: 'local' });
    const refusals: [secret: string, path: string, body: object, field: string, method?: string][] = [
      [key, '/v1/apps', { ...app, projectId: allowedByApp.project }, 'projectId'],
      [key, '/v1/apps', { ...app, serverId: allowedByApp.server }, 'serverId'],
      [key, `/v1/apps/${allowedByApp.app}`, { projectId: inOtherWorkspace.project }, 'projectId', 'PATCH'],
      [key, `/v1/apps/${allowedByApp.app}`, { serverId: inOtherWorkspace.server }, 'serverId', 'PATCH'],
      [key, '/v1/scripts', script, 'appId'],
      [key, '/v1/scripts', { ...script, appId: forbidden.app }, 'appId'],
      [key, '/v1/scripts', { ...script, appId: allowedByApp.app, serverId: otherServerId }, 'serverId'],
      [key, '/v1/scripts', { ...script, appId: allowedByApp.app, serverId: 'none' }, 'serverId'],
      [key, `/v1/scripts/${allowedByApp.script}`, { appId: null }, 'appId', 'PATCH'],
      [key, `/v1/scripts/${allowedByApp.script}`, { appId: 'app-three' }, 'appId', 'PATCH'],
      [key, `/v1/scripts/${allowedByApp.script}`, { serverId: otherServerId }, 'serverId', 'PATCH'],
      [key, '/v1/errors/keys', { name: 'A key' }, 'app'],
      [key, '/v1/errors/keys', { name: 'A key', app: forbidden.app }, 'app'],
      [token, '/v1/errors/events', report, 'app'],
      [token, '/v1/errors/events', { ...report, app: 'app-three' }, 'app'],
    ];
    for (const [secret, path, body, field, method] of refusals) {
      const { status, body: problem, text } = await call(secret, path, body, method);
      assert.deepEqual([status, problem.errors?.[0]?.field], [422, field], `${path} ${JSON.stringify(body)}: ${text}`);
    }
    const deploy = (servers: string[]) =>
      call(token, `/v1/apps/${allowedByApp.app}/deployments`, { servers, approval: true });
    assert.deepEqual(
      [(await deploy([otherServerId])).status, (await deploy([allowedByApp.server])).status],
      [422, 202],
    );
    assert.equal((await call(key, '/v1/apps', app)).status, 201);
    assert.equal((await call(key, '/v1/scripts', { ...script, appId: 'app-two' })).status, 201);
    assert.equal(
      (await call(key, `/v1/scripts/${allowedByApp.script}`, { appId: allowedByProject.app }, 'PATCH')).status,
      200,
    );
    // A script on a server that the restrictions do not cover can be run, but its body cannot be edited.
    const onOtherServer = { name: 'Elsewhere', body: 'true', serverId: otherServerId, appId: allowedByApp.app };
    const path = `/v1/scripts/${await create(owner, '/v1/scripts', onOtherServer)}`;
    assert.equal((await call(key, path, { body: 'false' }, 'PATCH')).status, 422);
    assert.equal((await call(token, `${path}/runs`, {})).status, 202);
    const unchanged = { projectId: allowedByApp.project, serverId: allowedByApp.server };
    assert.equal((await call(key, `/v1/apps/${allowedByApp.app}`, unchanged, 'PATCH')).status, 200);
    assert.equal((await call(token, '/v1/errors/events', { ...report, app: allowedByApp.app })).status, 201);
  });

  test('issues group errors per app, and a new app does not inherit the issues of a deleted app with the same slug', async () => {
    const otherToken = (await createToken(owner, ['all'], { restrictions: { apps: ['app-three'] } })).secret;
    const token = secrets.token;
    const report = async (secret: string, app: string, fields: object) => {
      const body = { type: 'TypeError', message: 'x is undefined', app, ...fields };
      const response = await testServer.call<{ issueId: string }>('/v1/errors/events', {
        headers: bearer(secret),
        body,
      });
      assert.equal(response.status, 201, response.text);
      return response.body.issueId;
    };
    const readIssue = async (secret: string, id: string) => {
      const { status, body } = await testServer.call<{ status?: string; count?: number }>(`/v1/errors/issues/${id}`, {
        headers: bearer(secret),
      });
      return status === 200 ? `${body.status} ${body.count}` : status;
    };
    for (const fields of [{}, { fingerprint: ['checkout'] }, { fingerprint: ['{{ default }}', 'checkout'] }]) {
      const otherIssueId = await report(otherToken, 'app-three', fields);
      const resolved = await owner.call(`/v1/errors/issues/${otherIssueId}`, {
        method: 'PATCH',
        body: { status: 'resolved' },
      });
      assert.equal(resolved.status, 200);
      const tokenIssueId = await report(token, 'app-two', fields);
      const visibleIssues = [
        await readIssue(otherToken, otherIssueId),
        await readIssue(token, tokenIssueId),
        await readIssue(token, otherIssueId),
        await readIssue(otherToken, tokenIssueId),
      ];
      assert.deepEqual(visibleIssues, ['resolved 1', 'open 1', 404, 404], JSON.stringify(fields));
    }
    const legacyApp = { name: 'Legacy', slug: 'legacy-app', projectId: allowedByApp.project };
    const app = await create(owner, '/v1/apps', legacyApp);
    const earlierIssueId = await create(owner, '/v1/errors/events', {
      type: 'Old',
      message: 'Failed',
      app: 'legacy-app',
    });
    assert.equal((await owner.call(`/v1/apps/${app}`, { method: 'DELETE' })).status, 204);
    const body = { ...legacyApp, projectId: allowedByProject.project };
    const created = await testServer.call('/v1/apps', { headers: bearer(secrets.key), body });
    assert.equal(created.status, 201, created.text);
    const newIssueId = await report(token, 'legacy-app', { type: 'Old', message: 'Failed' });
    assert.deepEqual([await readIssue(token, earlierIssueId), await readIssue(token, newIssueId)], [404, 'open 1']);
    const listed = await testServer.call('/v1/errors/issues?app=legacy-app', { headers: bearer(token) });
    assert.deepEqual([listed.text.includes(earlierIssueId), listed.text.includes(newIssueId)], [false, true]);
  });

  test('access checks do not use the read connections, where they could wait for long reads', async () => {
    const owners = { app_id: allowedByProject.app, project_id: allowedByProject.project };
    const queriedIds: unknown[] = [];
    const store = {
      get read(): never {
        throw new Error('Access checks must not use store.read.');
      },
      queryFirst: async (_: string, parameters: readonly unknown[]) => {
        queriedIds.push(parameters.at(-1));
        return owners;
      },
    };
    const context = { store } as unknown as AppContext;
    for (const type of ['project', 'app', 'deployment', 'backup', 'error_issue', 'error_key'] as const) {
      const isAllowedFor = async (projects: string[], apps: string[]) =>
        isAllowed(context, type, 'wsp_a', 'named', { projects: new Set(projects), apps: new Set(apps) });
      const allowed = [
        await isAllowedFor([owners.project_id], []),
        await isAllowedFor([], [owners.app_id]),
        await isAllowedFor(['p'], ['a']),
      ];
      assert.deepEqual(allowed, [true, true, false], type);
    }
    assert.deepEqual(new Set(queriedIds), new Set(['named']));
  });

  test('a proxy can pass the resource to /v1/authorize; an unrestricted credential is accepted for every well-formed one', async () => {
    const unrestrictedToken = await createToken(owner, ['all'], { expiresAt: '2100-01-01T00:00:00.000Z' });
    const authorizeStatus = async (secret: string, query: string) =>
      (await testServer.call(`/v1/authorize${query}`, { headers: bearer(secret) })).status;
    const rows: [query: string, restricted: number, unrestricted: number][] = [
      ['', 200, 200],
      [`?resource=app:${allowedByApp.app}`, 200, 200],
      ['?resource=app:app-one&resource=app:app-two', 200, 200],
      [`?resource=project:${allowedByProject.project}`, 200, 200],
      ['?resource=project:project-one', 200, 200],
      ['?resource=app:app-three', 403, 200],
      ['?resource=app:app-two&resource=app:app-three', 403, 200],
      [`?resource=project:${allowedByApp.project}`, 403, 200],
      ['?resource=app:app-four', 403, 200],
      ['?resource=', 403, 403],
      ['?resource=app-two', 403, 403],
      ['?resource=server:here', 403, 403],
    ];
    for (const [query, restricted, unrestricted] of rows) {
      assert.deepEqual(
        [await authorizeStatus(secrets.token, query), await authorizeStatus(unrestrictedToken.secret, query)],
        [restricted, unrestricted],
        query,
      );
    }
    const readExpiryHeader = async (secret: string) =>
      (await testServer.call('/v1/authorize', { headers: bearer(secret) })).headers.get('devpilot-expires-at');
    assert.deepEqual(
      [await readExpiryHeader(secrets.key), await readExpiryHeader(unrestrictedToken.secret)],
      ['', '2100-01-01T00:00:00.000Z'],
    );
  });
});
