import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { CreatedAccessToken } from '../contract/access-tokens.ts';
import type { App } from '../contract/apps.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import { parseDotenv } from '../contract/dotenv.ts';
import type { Environment, EnvVariable, EnvVersion } from '../contract/environment.ts';
import type { Page } from '../contract/paging.ts';
import type { Project } from '../contract/projects.ts';
import { forEachEngine } from '../testing/engines.ts';
import { changeDatabase } from '../testing/sql.ts';
import {
  bearer,
  createToken,
  createWorkspaceFor,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestRequest,
  type TestServer,
} from '../testing/test-server.ts';

forEachEngine('variables of a project', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  let member: TestPerson;
  let token: CreatedAccessToken;
  let project: Project;
  let app: App;
  before(async () => {
    testServer = await startTestServer({ environment: await engine.environment() });
    owner = await signUpOwner(testServer);
    member = await signUpMember(testServer, owner, 'member', 'mia@example.com');
    token = await createToken(owner, ['modify_env'], { name: 'Env pusher' });
  });
  after(() => testServer.close());
  beforeEach(async () => {
    project = (await owner.call<Project>('/v1/projects', { body: { name: 'Shop' } })).body;
    app = await newApp('Till');
  });

  async function newApp(name: string): Promise<App> {
    const created = await owner.call<App>('/v1/apps', { body: { name, projectId: project.id } });
    assert.equal(created.status, 201, created.text);
    return created.body;
  }
  const withSecret =
    (secret: string) =>
    <Body = unknown>(path: string, { headers, ...call }: TestRequest = {}) =>
      testServer.call<Body>(path, { ...call, headers: { ...bearer(secret), ...headers } });
  const asToken: ReturnType<typeof withSecret> = (path, call) => withSecret(token.secret)(path, call);
  const pathOf = (resource: App | Project) => `/v1/${'projectId' in resource ? 'apps' : 'projects'}/${resource.id}/env`;
  const set = (resource: App | Project, values: Readonly<Record<string, string | null>>) =>
    asToken<Environment>(pathOf(resource), { method: 'PATCH', body: { values } });
  async function read(resource: App | Project): Promise<(string | null)[][]> {
    const response = await asToken<Environment>(pathOf(resource));
    assert.equal(response.status, 200, response.text);
    return response.body.data.map(({ name, value, from }) => [name, value, from]);
  }

  test('an app inherits the variables of its project and can override them', async () => {
    await set(project, { LOG_LEVEL: 'info', REGION: 'eu' });
    const written = await set(app, { LOG_LEVEL: 'debug', PORT: '80' });
    assert.deepEqual(
      written.body.data.map(({ name, value, from }) => [name, value, from]),
      [
        ['LOG_LEVEL', 'debug', 'app'],
        ['PORT', '80', 'app'],
        ['REGION', null, 'project'],
      ],
    );
    assert.deepEqual(await read(app), [
      ['LOG_LEVEL', 'debug', 'app'],
      ['PORT', '80', 'app'],
      ['REGION', 'eu', 'project'],
    ]);
    assert.deepEqual(await read(project), [
      ['LOG_LEVEL', 'info', 'project'],
      ['REGION', 'eu', 'project'],
    ]);
    const dotenv = parseDotenv((await asToken(`${pathOf(app)}?format=dotenv`)).text);
    assert.ok(dotenv.ok);
    assert.deepEqual(Object.fromEntries(dotenv.values), { LOG_LEVEL: 'debug', PORT: '80', REGION: 'eu' });
    assert.deepEqual((await asToken<Environment>(`${pathOf(app)}?name=REGION`)).body.data[0]?.value, 'eu');

    const remove = (name: string) => asToken(`${pathOf(app)}/${name}`, { method: 'DELETE' });
    assert.equal((await remove('LOG_LEVEL')).status, 204);
    assert.deepEqual((await read(app))[0], ['LOG_LEVEL', 'info', 'project']);
    const inherited = await remove('REGION');
    assert.equal(inherited.status, 404);
    assert.match(inherited.text, /inherits this variable from its project/);
    const single = await asToken<EnvVariable>(`${pathOf(project)}/REGION`, { method: 'PUT', body: { value: 'us' } });
    assert.deepEqual([single.status, single.body.value, single.body.from], [200, 'us', 'project']);
    assert.deepEqual((await read(app))[2], ['REGION', 'us', 'project']);
    assert.equal((await asToken(`${pathOf(project)}/REGION`, { method: 'DELETE' })).status, 204);
    assert.equal((await read(app)).length, 2);
  });

  test('an app that moves to another project inherits the variables of that one', async () => {
    await set(project, { REGION: 'eu' });
    const other = (await owner.call<Project>('/v1/projects', { body: { name: 'Depot' } })).body;
    await set(other, { DEPOT: 'yes' });
    const path = pathOf(app);
    const tag = (await asToken(path)).headers.get('etag') ?? '';
    assert.equal(
      (await owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: { projectId: other.id } })).status,
      200,
    );
    assert.deepEqual(await read(app), [['DEPOT', 'yes', 'project']]);
    const stale = await asToken(path, { method: 'PATCH', body: { values: { A: 'x' } }, headers: { 'if-match': tag } });
    assert.equal(stale.status, 409);
  });

  test("a change of the project's variables changes the entity tag of its apps' environments", async () => {
    const path = pathOf(app);
    await set(app, { A: 'one' });
    const tag = (await asToken(path)).headers.get('etag') ?? '';
    await set(project, { REGION: 'eu' });
    const edit = () => asToken(path, { method: 'PATCH', body: { values: { A: 'two' } }, headers: { 'if-match': tag } });
    assert.equal((await edit()).status, 409);
  });

  test('what the kernel would not pass to an app is refused for its project, naming the app', async () => {
    const part = (prefix: string, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, 'x'.repeat(60_000)]));
    await set(app, part('A', 30));
    const refused = await set(project, part('P', 3));
    assert.equal(refused.status, 422);
    assert.match(
      refused.text,
      /"values\.P0","message":"must be smaller: the variables of the app Till are 1\.89 MiB in total/,
    );
    // What the app overrides does not count.
    assert.equal((await set(project, { ...part('A', 3), ...part('P', 2) })).status, 200);
    const grown = await set(app, { A0: null, A1: null, A2: 'x'.repeat(65_536), MORE: 'x'.repeat(45_000) });
    assert.equal(grown.status, 422);
    const bare = (await owner.call<Project>('/v1/projects', { body: { name: 'Bare' } })).body;
    const move = (projectId: string) => owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: { projectId } });
    assert.equal((await move(bare.id)).status, 200);
    await set(project, part('P', 5));
    const moved = await move(project.id);
    assert.equal(moved.status, 422, moved.text);
    assert.match(moved.text, /"projectId","message":"must be smaller/);
  });

  test("versions, restoring and the activity log of a project's variables", async () => {
    await set(project, { A: 'a-particular-value-51c2', B: 'two' });
    await set(project, { B: null });
    const path = pathOf(project);
    const versions = await asToken<Page<EnvVersion>>(`${path}/versions`);
    assert.deepEqual(
      versions.body.data.map(({ version, set, removed, by }) => ({ version, set, removed, by: by.name })),
      [
        { version: 2, set: [], removed: ['B'], by: 'Env pusher' },
        { version: 1, set: ['A', 'B'], removed: [], by: 'Env pusher' },
      ],
    );
    assert.equal((await asToken(`${path}/versions/1/restore`, { method: 'POST' })).status, 200);
    assert.equal((await read(project)).length, 2);
    await owner.call(path);
    await owner.call(`${pathOf(app)}?name=A`);
    const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${project.id}`);
    assert.deepEqual(
      log.body.data.map(({ action, detail }) => [action, detail['names'] ?? detail['set']]),
      [
        ['project_env.revealed', ['A', 'B']],
        ['project_env.restored', ['B']],
        ['project_env.updated', []],
        ['project_env.updated', ['A', 'B']],
        ['project.created', undefined],
      ],
    );
    assert.ok(!log.text.includes('a-particular-value'));
  });

  if (engine.name === 'sqlite')
    test('a value sealed for a project cannot be opened in another row', async () => {
      await set(project, { MINE: 'mine', THEIRS: 'theirs' });
      const statement = `update project_env_change set value_sealed =
      (select value_sealed from project_env_change where project_id = ? and name = 'MINE')
      where project_id = ? and name = 'THEIRS'`;
      await changeDatabase(testServer.dataDirectory, (database) =>
        database.prepare(statement).run(project.id, project.id),
      );
      assert.equal((await asToken(pathOf(project))).status, 500);
      assert.equal((await asToken(pathOf(app))).status, 500);
    });

  test("members see names only; a credential restricted to an app has no access to its project's variables", async () => {
    await set(project, { SHARED: 'hunter2hunter2' });
    for (const path of [pathOf(project), pathOf(app)]) {
      const masked = await member.call<Environment>(path);
      assert.deepEqual([masked.status, masked.body.data.map(({ value }) => value)], [200, [null]]);
      assert.equal((await member.call(`${path}?format=dotenv`)).status, 403);
      assert.equal((await member.call(path, { method: 'PATCH', body: { values: { A: 'x' } } })).status, 403);
    }
    const restrictedTo = async (restrictions: { apps: string[]; projects: string[] }) =>
      withSecret((await createToken(owner, ['modify_env'], { restrictions })).secret);
    const ofApp = await restrictedTo({ apps: [app.id], projects: [] });
    const ofProject = await restrictedTo({ apps: [], projects: [project.id] });
    const other = (await owner.call<Project>('/v1/projects', { body: { name: 'Other' } })).body;
    const neighbour = await createWorkspaceFor(owner, testServer, 'Neighbour');
    const ofNeighbour = withSecret((await createToken(neighbour, ['all'])).secret);
    const ofScope = withSecret((await createToken(owner, ['basic_deployment'])).secret);
    for (const [method, sub, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { values: { SHARED: 'x' } }],
      ['PUT', '/SHARED', { value: 'x' }],
      ['GET', '/versions', undefined],
      ['POST', '/versions/1/restore', undefined],
      ['DELETE', '/SHARED', undefined],
    ] as const) {
      const call = { method, ...(body !== undefined && { body }) };
      const path = pathOf(project) + sub;
      const statuses = [];
      for (const credential of [ofApp, ofNeighbour, ofScope]) statuses.push((await credential(path, call)).status);
      statuses.push((await ofProject(pathOf(other) + sub, call)).status, (await ofProject(path, call)).status);
      assert.deepEqual(statuses, [404, 404, 403, 404, method === 'DELETE' ? 204 : 200], `${method} ${sub}`);
    }
    await set(project, { SHARED: 'hunter2hunter2' });
    const inherited = await ofApp<Environment>(pathOf(app));
    assert.deepEqual(
      inherited.body.data.map(({ value, from }) => [value, from]),
      [['hunter2hunter2', 'project']],
    );
  });
});
