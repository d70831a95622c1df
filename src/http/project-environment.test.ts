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
import { runSql } from '../testing/sql.ts';
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
  let environment: Readonly<Record<string, string>>;
  let testServer: TestServer;
  let owner: TestPerson;
  let member: TestPerson;
  let token: CreatedAccessToken;
  let project: Project;
  let app: App;
  before(async () => {
    environment = await engine.environment();
    testServer = await startTestServer({ environment });
    owner = await signUpOwner(testServer);
    member = await signUpMember(testServer, owner, 'member', 'mia@example.com');
    token = await createToken(owner, ['modify_env'], { name: 'Env pusher' });
  });
  after(() => testServer.close());
  beforeEach(async () => {
    project = (await owner.call<Project>('/v1/projects', { body: { name: 'Shop' } })).body;
    app = await createApp('Till');
  });

  async function createApp(name: string): Promise<App> {
    const created = await owner.call<App>('/v1/apps', { body: { name, projectId: project.id } });
    assert.equal(created.status, 201, created.text);
    return created.body;
  }
  /** Returns a function that sends requests with an access token. */
  const createCaller =
    (secret: string) =>
    <Body = unknown>(path: string, { headers, ...request }: TestRequest = {}) =>
      testServer.call<Body>(path, { ...request, headers: { ...bearer(secret), ...headers } });
  // `token` is created in `before`, so it is read at each call.
  const asToken: ReturnType<typeof createCaller> = (path, request) => createCaller(token.secret)(path, request);
  const environmentPath = (resource: App | Project) =>
    `/v1/${'projectId' in resource ? 'apps' : 'projects'}/${resource.id}/env`;
  const setVariables = (resource: App | Project, values: Readonly<Record<string, string | null>>) =>
    asToken<Environment>(environmentPath(resource), { method: 'PATCH', body: { values } });
  async function readVariables(resource: App | Project): Promise<(string | null)[][]> {
    const response = await asToken<Environment>(environmentPath(resource));
    assert.equal(response.status, 200, response.text);
    return response.body.data.map(({ name, value, from }) => [name, value, from]);
  }

  test('an app inherits the variables of its project and can override them', async () => {
    await setVariables(project, { LOG_LEVEL: 'info', REGION: 'eu' });
    const written = await setVariables(app, { LOG_LEVEL: 'debug', PORT: '80' });
    assert.deepEqual(
      written.body.data.map(({ name, value, from }) => [name, value, from]),
      [
        ['LOG_LEVEL', 'debug', 'app'],
        ['PORT', '80', 'app'],
        ['REGION', null, 'project'],
      ],
    );
    assert.deepEqual(await readVariables(app), [
      ['LOG_LEVEL', 'debug', 'app'],
      ['PORT', '80', 'app'],
      ['REGION', 'eu', 'project'],
    ]);
    assert.deepEqual(await readVariables(project), [
      ['LOG_LEVEL', 'info', 'project'],
      ['REGION', 'eu', 'project'],
    ]);
    const dotenv = parseDotenv((await asToken(`${environmentPath(app)}?format=dotenv`)).text);
    assert.ok(dotenv.ok);
    assert.deepEqual(Object.fromEntries(dotenv.values), { LOG_LEVEL: 'debug', PORT: '80', REGION: 'eu' });
    assert.deepEqual((await asToken<Environment>(`${environmentPath(app)}?name=REGION`)).body.data[0]?.value, 'eu');

    const remove = (name: string) => asToken(`${environmentPath(app)}/${name}`, { method: 'DELETE' });
    assert.equal((await remove('LOG_LEVEL')).status, 204);
    assert.deepEqual((await readVariables(app))[0], ['LOG_LEVEL', 'info', 'project']);
    const inherited = await remove('REGION');
    assert.equal(inherited.status, 404);
    assert.match(inherited.text, /inherits this variable from its project/);
    const single = await asToken<EnvVariable>(`${environmentPath(project)}/REGION`, {
      method: 'PUT',
      body: { value: 'us' },
    });
    assert.deepEqual([single.status, single.body.value, single.body.from], [200, 'us', 'project']);
    assert.deepEqual((await readVariables(app))[2], ['REGION', 'us', 'project']);
    assert.equal((await asToken(`${environmentPath(project)}/REGION`, { method: 'DELETE' })).status, 204);
    assert.equal((await readVariables(app)).length, 2);
  });

  test("an app that is moved to another project inherits that project's variables", async () => {
    await setVariables(project, { REGION: 'eu' });
    const otherProject = (await owner.call<Project>('/v1/projects', { body: { name: 'Depot' } })).body;
    await setVariables(otherProject, { DEPOT: 'yes' });
    const path = environmentPath(app);
    const etag = (await asToken(path)).headers.get('etag') ?? '';
    assert.equal(
      (await owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: { projectId: otherProject.id } })).status,
      200,
    );
    assert.deepEqual(await readVariables(app), [['DEPOT', 'yes', 'project']]);
    const stale = await asToken(path, { method: 'PATCH', body: { values: { A: 'x' } }, headers: { 'if-match': etag } });
    assert.equal(stale.status, 409);
  });

  test("a change to a project's variables changes the ETag of its apps' environments", async () => {
    const path = environmentPath(app);
    await setVariables(app, { A: 'one' });
    const etag = (await asToken(path)).headers.get('etag') ?? '';
    await setVariables(project, { REGION: 'eu' });
    const edit = () =>
      asToken(path, { method: 'PATCH', body: { values: { A: 'two' } }, headers: { 'if-match': etag } });
    assert.equal((await edit()).status, 409);
  });

  test("project variables that make an app's environment too large are refused with the app's name", async () => {
    const largeVariables = (prefix: string, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, 'x'.repeat(60_000)]));
    await setVariables(app, largeVariables('A', 30));
    const refused = await setVariables(project, largeVariables('P', 3));
    assert.equal(refused.status, 422);
    assert.match(
      refused.text,
      /"values\.P0","message":"must be smaller: the variables of the app Till are 1\.89 MiB in total/,
    );
    // A project variable that the app overrides does not count.
    assert.equal((await setVariables(project, { ...largeVariables('A', 3), ...largeVariables('P', 2) })).status, 200);
    const grown = await setVariables(app, { A0: null, A1: null, A2: 'x'.repeat(65_536), MORE: 'x'.repeat(45_000) });
    assert.equal(grown.status, 422);
    const emptyProject = (await owner.call<Project>('/v1/projects', { body: { name: 'Empty' } })).body;
    const move = (projectId: string) => owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: { projectId } });
    assert.equal((await move(emptyProject.id)).status, 200);
    await setVariables(project, largeVariables('P', 5));
    const moved = await move(project.id);
    assert.equal(moved.status, 422, moved.text);
    assert.match(moved.text, /"projectId","message":"must be smaller/);
  });

  test("a project's variables can be restored from a version, and the activity log contains only their names", async () => {
    await setVariables(project, { A: 'a-particular-value-51c2', B: 'two' });
    await setVariables(project, { B: null });
    const path = environmentPath(project);
    const versions = await asToken<Page<EnvVersion>>(`${path}/versions`);
    assert.deepEqual(
      versions.body.data.map(({ version, set, removed, by }) => ({ version, set, removed, by: by.name })),
      [
        { version: 2, set: [], removed: ['B'], by: 'Env pusher' },
        { version: 1, set: ['A', 'B'], removed: [], by: 'Env pusher' },
      ],
    );
    assert.equal((await asToken(`${path}/versions/1/restore`, { method: 'POST' })).status, 200);
    assert.equal((await readVariables(project)).length, 2);
    await owner.call(path);
    await owner.call(`${environmentPath(app)}?name=A`);
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

  test('an encrypted value that was copied to the row of another variable cannot be decrypted', async () => {
    await setVariables(project, { SOURCE: 'source', TARGET: 'target' });
    await runSql(
      testServer,
      environment,
      `update project_env_change set value_sealed =
        (select value_sealed from project_env_change where project_id = '${project.id}' and name = 'SOURCE')
        where project_id = '${project.id}' and name = 'TARGET'`,
    );
    assert.equal((await asToken(environmentPath(project))).status, 500);
    assert.equal((await asToken(environmentPath(app))).status, 500);
  });

  test("members see names only; a credential restricted to an app reads the project's variables only in the app's environment", async () => {
    await setVariables(project, { SHARED: 'hunter2hunter2' });
    for (const path of [environmentPath(project), environmentPath(app)]) {
      const masked = await member.call<Environment>(path);
      assert.deepEqual([masked.status, masked.body.data.map(({ value }) => value)], [200, [null]]);
      assert.equal((await member.call(`${path}?format=dotenv`)).status, 403);
      assert.equal((await member.call(path, { method: 'PATCH', body: { values: { A: 'x' } } })).status, 403);
    }
    const createRestrictedCaller = async (restrictions: { apps: string[]; projects: string[] }) =>
      createCaller((await createToken(owner, ['modify_env'], { restrictions })).secret);
    const restrictedToApp = await createRestrictedCaller({ apps: [app.id], projects: [] });
    const restrictedToProject = await createRestrictedCaller({ apps: [], projects: [project.id] });
    const otherProject = (await owner.call<Project>('/v1/projects', { body: { name: 'Other' } })).body;
    const ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, 'Neighbor');
    const inOtherWorkspace = createCaller((await createToken(ownerInOtherWorkspace, ['all'])).secret);
    const withoutScope = createCaller((await createToken(owner, ['basic_deployment'])).secret);
    for (const [method, subpath, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { values: { SHARED: 'x' } }],
      ['PUT', '/SHARED', { value: 'x' }],
      ['GET', '/versions', undefined],
      ['POST', '/versions/1/restore', undefined],
      ['DELETE', '/SHARED', undefined],
    ] as const) {
      const request = { method, ...(body !== undefined && { body }) };
      const path = environmentPath(project) + subpath;
      const message = `${method} ${subpath}`;
      assert.equal((await restrictedToApp(path, request)).status, 404, message);
      assert.equal((await inOtherWorkspace(path, request)).status, 404, message);
      assert.equal((await withoutScope(path, request)).status, 403, message);
      const otherPath = environmentPath(otherProject) + subpath;
      assert.equal((await restrictedToProject(otherPath, request)).status, 404, message);
      assert.equal((await restrictedToProject(path, request)).status, method === 'DELETE' ? 204 : 200, message);
    }
    await setVariables(project, { SHARED: 'hunter2hunter2' });
    const inherited = await restrictedToApp<Environment>(environmentPath(app));
    assert.deepEqual(
      inherited.body.data.map(({ value, from }) => [value, from]),
      [['hunter2hunter2', 'project']],
    );
  });
});
