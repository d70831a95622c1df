import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PERMISSIONS } from '../contract/vocabulary.ts';
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
import { aboutOf, isAllowed } from './resource-access.ts';
import type { Route } from './route.ts';
import { routeTable } from './route-table.ts';

/** One of everything that a path can name, by id. */
type Things = Readonly<
  Record<
    | 'project'
    | 'app'
    | 'deployment'
    | 'backup'
    | 'error_issue'
    | 'error_key'
    | 'source_map'
    | 'server'
    | 'script'
    | 'run',
    string
  >
>;

const SOURCE_MAPS = '/v1/errors/source-maps?file=app.js&debugId=8f3c2a1b-0000-4000-8000-0000000000ab';
const SOURCE_MAP = { version: 3, sources: ['app.ts'], names: [], mappings: 'AAAA' };

/** Every route that accepts access tokens or API keys, except those for guards. */
const ROUTES = routeTable({} as AppContext).filter(({ access }) => {
  if ('public' in access || 'any' in access || 'guard' in access) return false;
  return access.token !== undefined || access.key !== undefined;
});

function pathOf({ url, about }: Route, things: Things): string {
  const { project, app, server, script } = things;
  const values: Readonly<Record<string, string>> = { project, app, server, script, name: 'COLOR', version: '1' };
  return url.replaceAll(/:(\w+)/g, (_, name: string) =>
    name === 'id' ? ((things as Readonly<Record<string, string>>)[about ?? ''] ?? 'none_0') : (values[name] ?? ''),
  );
}

forEachEngine('credentials that are restricted to projects and apps', (engine) => {
  let server: TestServer;
  let owner: TestPerson;
  let inProject: Things;
  let byApp: Things;
  let forbidden: Things;
  let foreign: Things;
  let secrets: { readonly token: string; readonly key: string };

  const create = async (person: TestPerson, path: string, body: object): Promise<string> => {
    const answer = await person.call<{ id: string; issueId: string }>(path, { body });
    assert.ok(answer.status < 300, `${path}: ${answer.text}`);
    return answer.body.id ?? answer.body.issueId;
  };
  async function createThings(person: TestPerson, name: string, serverId: string, inThis?: string): Promise<Things> {
    const project = inThis ?? (await create(person, '/v1/projects', { name: `Project ${name}` }));
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
      ...{ project, app, server: serverId, script },
      deployment: await create(person, `/v1/apps/${app}/deployments`, { approval: true }),
      backup: await create(person, `/v1/apps/${app}/backups`, {}),
      error_issue: await create(person, '/v1/errors/events', report),
      error_key: await create(person, '/v1/errors/keys', { name: `Key ${name}`, app }),
      source_map: await create(person, `${SOURCE_MAPS}&app=app-${name}`, SOURCE_MAP),
      run: await create(person, `/v1/scripts/${script}/runs`, {}),
    };
  }
  before(async () => {
    const environment = { ...(await engine.environment()), DEVPILOT_LOCAL_SERVER: 'on' };
    server = await startTestServer({ environment });
    owner = await signUpOwner(server);
    const neighbour = await createWorkspaceFor(owner, server, 'Neighbour');
    const local = await create(owner, '/v1/servers', { name: 'Here', kind: 'local' });
    inProject = await createThings(owner, 'one', local);
    byApp = await createThings(owner, 'two', local);
    forbidden = await createThings(owner, 'three', local, byApp.project);
    const theirs = await create(neighbour, '/v1/servers', { name: 'There', kind: 'local' });
    foreign = await createThings(neighbour, 'four', theirs);
    await create(owner, '/v1/errors/events', { type: 'Error of no app', message: 'It failed.' });
    await create(owner, '/v1/scripts', { name: 'Script of no app', body: 'true', serverId: local });
    const event = { specversion: '1.0', id: 'one', source: 'shop', type: 'sold' };
    const sent = await owner.call('/v1/activity/events', { body: event });
    assert.equal(sent.status, 201, sent.text);
    const restrictions = { projects: [inProject.project], apps: ['app-two'] };
    secrets = {
      token: (await createToken(owner, ['all'], { restrictions })).secret,
      key: (await createKey(owner, [...PERMISSIONS], { restrictions })).secret,
    };
  });
  after(() => server.close());

  async function send(route: Route, things: Things) {
    const { access, method } = route;
    const isForToken = 'token' in access && access.token !== undefined;
    const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
    const path = pathOf(route, things);
    const headers = bearer(isForToken ? secrets.token : secrets.key);
    const { status, text } = await server.call(path, { method: String(method), headers, ...(hasBody && { body: {} }) });
    return { status, text: text.replace(/"requestId":"[^"]*"/, ''), asked: `${String(method)} ${path}` };
  }

  test('every route that accepts credentials declares what it is about', () => {
    assert.ok(ROUTES.length > 50);
    for (const route of ROUTES) assert.ok(route.about !== undefined, `${String(route.method)} ${route.url}`);
    const undeclared = { method: 'GET', url: '/v1/new', access: { key: ['read'] } } as const;
    assert.throws(() => aboutOf(undeclared), /GET \/v1\/new does not declare what it is about/);
  });

  test('a deployment of another app does not exist, even if retrying it would need more rights', async () => {
    const { secret } = await createToken(owner, ['basic_deployment'], { restrictions: { apps: ['app-two'] } });
    const retry = (id: string) =>
      server.call(`/v1/deployments/${id}/retry`, { method: 'POST', headers: bearer(secret) });
    assert.equal((await retry(byApp.deployment)).status, 403);
    assert.equal((await retry(forbidden.deployment)).status, 404);
  });

  test('other projects and apps, and what belongs to them, do not exist on any route', async () => {
    const nowhere = Object.fromEntries(Object.keys(foreign).map((type) => [type, 'none_0'])) as Things;
    for (const route of ROUTES) {
      const { about, method, url } = route;
      const isNamed = url.includes(':');
      if (about === 'none') continue;
      if (about === 'workspace') {
        const { status, text, asked } = await send(route, byApp);
        const expected = isNamed ? 404 : method === 'POST' ? 403 : 200;
        assert.equal(status, expected, `${asked}: ${text}`);
        if (expected === 200) assert.match(text, /"data":\[\]|"total":0/, asked);
      } else if (about === 'list') {
        if (method !== 'GET') continue;
        const { status, text, asked } = await send(route, byApp);
        assert.equal(status, 200, asked);
        const of = (things: Things) => Object.values(things).filter((id) => text.includes(`"id":"${id}"`)).length;
        const isOfProjects = url === '/v1/projects';
        assert.deepEqual([of(inProject), of(byApp)], [1, isOfProjects ? 0 : 1], `${asked}: ${text}`);
        const { project: _, ...others } = forbidden;
        assert.deepEqual([of(others as Things), of(foreign), text.includes('no app')], [0, 0, false], asked);
      } else {
        const refused = await Promise.all([forbidden, foreign, nowhere].map((things) => send(route, things)));
        for (const { status, text, asked } of refused)
          assert.deepEqual([status, text], [404, refused[0]?.text], `${asked}: ${text}`);
        if (method === 'DELETE') continue;
        for (const things of about === 'project' ? [inProject] : [inProject, byApp]) {
          const { status, text, asked } = await send(route, things);
          assert.ok(status < 500 && status !== 401 && status !== 403, `${asked}: ${status} ${text}`);
          assert.doesNotMatch(text, /was not found in this workspace/, asked);
        }
      }
    }
  });

  test('a filter and a body cannot name what does not exist', async () => {
    const call = (secret: string, path: string, body?: object, method?: string) =>
      server.call<{ errors?: { field: string }[] }>(path, {
        headers: bearer(secret),
        ...(body !== undefined && { body }),
        ...(method !== undefined && { method }),
      });
    for (const path of [
      `/v1/deployments?app=${forbidden.app}`,
      `/v1/apps?project=${byApp.project}`,
      `/v1/apps?server=${byApp.server}`,
      `/v1/scripts?app=${forbidden.app}`,
      `/v1/scripts?server=${byApp.server}`,
    ])
      assert.equal((await call(secrets.key, path)).status, 404, path);
    assert.equal((await call(secrets.key, `/v1/deployments?app=${byApp.app}`)).status, 200);
    const { token, key } = secrets;
    const app = { name: 'New app', projectId: inProject.project };
    const report = { type: 'TypeError', message: 'It failed.' };
    const script = { name: 'New script', body: 'true', serverId: byApp.server };
    const second = await create(owner, '/v1/servers', { name: 'Second', kind: 'local' });
    const refusals: [string, string, object, string, string?][] = [
      [key, '/v1/apps', { ...app, projectId: byApp.project }, 'projectId'],
      [key, '/v1/apps', { ...app, serverId: byApp.server }, 'serverId'],
      [key, `/v1/apps/${byApp.app}`, { projectId: foreign.project }, 'projectId', 'PATCH'],
      [key, `/v1/apps/${byApp.app}`, { serverId: foreign.server }, 'serverId', 'PATCH'],
      [key, '/v1/scripts', script, 'appId'],
      [key, '/v1/scripts', { ...script, appId: forbidden.app }, 'appId'],
      [key, '/v1/scripts', { ...script, appId: byApp.app, serverId: second }, 'serverId'],
      [key, '/v1/scripts', { ...script, appId: byApp.app, serverId: 'none' }, 'serverId'],
      [key, `/v1/scripts/${byApp.script}`, { appId: null }, 'appId', 'PATCH'],
      [key, `/v1/scripts/${byApp.script}`, { appId: 'app-three' }, 'appId', 'PATCH'],
      [key, `/v1/scripts/${byApp.script}`, { serverId: second }, 'serverId', 'PATCH'],
      [key, '/v1/errors/keys', { name: 'A key' }, 'app'],
      [key, '/v1/errors/keys', { name: 'A key', app: forbidden.app }, 'app'],
      [token, '/v1/errors/events', report, 'app'],
      [token, '/v1/errors/events', { ...report, app: 'app-three' }, 'app'],
    ];
    for (const [secret, path, body, field, method] of refusals) {
      const { status, body: problem, text } = await call(secret, path, body, method);
      assert.deepEqual([status, problem.errors?.[0]?.field], [422, field], `${path} ${JSON.stringify(body)}: ${text}`);
    }
    const deploy = (servers: string[]) => call(token, `/v1/apps/${byApp.app}/deployments`, { servers, approval: true });
    assert.deepEqual([(await deploy([second])).status, (await deploy([byApp.server])).status], [422, 202]);
    assert.equal((await call(key, '/v1/apps', app)).status, 201);
    assert.equal((await call(key, '/v1/scripts', { ...script, appId: 'app-two' })).status, 201);
    assert.equal((await call(key, `/v1/scripts/${byApp.script}`, { appId: inProject.app }, 'PATCH')).status, 200);
    // An admin chose another server: the script can be run, but not edited to run something else there.
    const elsewhere = { name: 'Elsewhere', body: 'true', serverId: second, appId: byApp.app };
    const path = `/v1/scripts/${await create(owner, '/v1/scripts', elsewhere)}`;
    assert.equal((await call(key, path, { body: 'false' }, 'PATCH')).status, 422);
    assert.equal((await call(token, `${path}/runs`, {})).status, 202);
    const unchanged = { projectId: byApp.project, serverId: byApp.server };
    assert.equal((await call(key, `/v1/apps/${byApp.app}`, unchanged, 'PATCH')).status, 200);
    assert.equal((await call(token, '/v1/errors/events', { ...report, app: byApp.app })).status, 201);
  });

  test('an error is counted in an issue of its own app only, which an app of the same slug does not inherit', async () => {
    const theirs = (await createToken(owner, ['all'], { restrictions: { apps: ['app-three'] } })).secret;
    const ours = secrets.token;
    const report = async (secret: string, app: string, more: object) => {
      const body = { type: 'TypeError', message: 'x is undefined', app, ...more };
      const sent = await server.call<{ issueId: string }>('/v1/errors/events', { headers: bearer(secret), body });
      assert.equal(sent.status, 201, sent.text);
      return sent.body.issueId;
    };
    const read = async (secret: string, id: string) => {
      const { status, body } = await server.call<{ status?: string; count?: number }>(`/v1/errors/issues/${id}`, {
        headers: bearer(secret),
      });
      return status === 200 ? `${body.status} ${body.count}` : status;
    };
    for (const more of [{}, { fingerprint: ['checkout'] }, { fingerprint: ['{{ default }}', 'checkout'] }]) {
      const id = await report(theirs, 'app-three', more);
      const resolved = await owner.call(`/v1/errors/issues/${id}`, { method: 'PATCH', body: { status: 'resolved' } });
      assert.equal(resolved.status, 200);
      const other = await report(ours, 'app-two', more);
      const seen = [await read(theirs, id), await read(ours, other), await read(ours, id), await read(theirs, other)];
      assert.deepEqual(seen, ['resolved 1', 'open 1', 404, 404], JSON.stringify(more));
    }
    const old = { name: 'Legacy', slug: 'legacy-app', projectId: byApp.project };
    const app = await create(owner, '/v1/apps', old);
    const before = await create(owner, '/v1/errors/events', { type: 'Old', message: 'Failed', app: 'legacy-app' });
    assert.equal((await owner.call(`/v1/apps/${app}`, { method: 'DELETE' })).status, 204);
    const body = { ...old, projectId: inProject.project };
    const created = await server.call('/v1/apps', { headers: bearer(secrets.key), body });
    assert.equal(created.status, 201, created.text);
    const later = await report(ours, 'legacy-app', { type: 'Old', message: 'Failed' });
    assert.deepEqual([await read(ours, before), await read(ours, later)], [404, 'open 1']);
    const listed = await server.call('/v1/errors/issues?app=legacy-app', { headers: bearer(ours) });
    assert.deepEqual([listed.text.includes(before), listed.text.includes(later)], [false, true]);
  });

  test('whether something exists for a credential is looked up where nothing waits for long reads', async () => {
    const owners = { app_id: inProject.app, project_id: inProject.project };
    const asked: unknown[] = [];
    const store = {
      get read(): never {
        throw new Error('This waits for long reads.');
      },
      queryFirst: async (_: string, parameters: readonly unknown[]) => {
        asked.push(parameters.at(-1));
        return owners;
      },
    };
    const context = { store } as unknown as AppContext;
    for (const type of ['project', 'app', 'deployment', 'backup', 'error_issue', 'error_key'] as const) {
      const isFor = async (projects: string[], apps: string[]) =>
        isAllowed(context, type, 'wsp_a', 'named', { projects: new Set(projects), apps: new Set(apps) });
      const found = [await isFor([owners.project_id], []), await isFor([], [owners.app_id]), await isFor(['p'], ['a'])];
      assert.deepEqual(found, [true, true, false], type);
    }
    assert.deepEqual(new Set(asked), new Set(['named']));
  });

  test('a proxy names the resource, and an unrestricted credential passes', async () => {
    const free = await createToken(owner, ['all'], { expiresAt: '2100-01-01T00:00:00.000Z' });
    const ask = async (secret: string, query: string) =>
      (await server.call(`/v1/authorize${query}`, { headers: bearer(secret) })).status;
    const rows: [query: string, restricted: number, unrestricted: number][] = [
      ['', 200, 200],
      [`?resource=app:${byApp.app}`, 200, 200],
      ['?resource=app:app-one&resource=app:app-two', 200, 200],
      [`?resource=project:${inProject.project}`, 200, 200],
      ['?resource=project:project-one', 200, 200],
      ['?resource=app:app-three', 403, 200],
      ['?resource=app:app-two&resource=app:app-three', 403, 200],
      [`?resource=project:${byApp.project}`, 403, 200],
      ['?resource=app:app-four', 403, 200],
      ['?resource=', 403, 403],
      ['?resource=app-two', 403, 403],
      ['?resource=server:here', 403, 403],
    ];
    for (const [query, restricted, unrestricted] of rows) {
      assert.deepEqual(
        [await ask(secrets.token, query), await ask(free.secret, query)],
        [restricted, unrestricted],
        query,
      );
    }
    const expiryIn = async (secret: string) =>
      (await server.call('/v1/authorize', { headers: bearer(secret) })).headers.get('devpilot-expires-at');
    assert.deepEqual([await expiryIn(secrets.key), await expiryIn(free.secret)], ['', '2100-01-01T00:00:00.000Z']);
  });
});
