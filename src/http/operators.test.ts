import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { Person } from '../contract/people.ts';
import { operators } from '../store/migrations/0055-operators.ts';
import { forEachEngine } from '../testing/engines.ts';
import {
  PASSWORD,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestRequest,
} from '../testing/test-server.ts';

const createWorkspace = (person: TestPerson) =>
  person.call<{ code?: string }>('/v1/workspaces', { body: { name: 'Another' } });

const readPerson = async (person: TestPerson) => (await person.call<Person>('/v1/me')).body;

test('the migration makes the person who signed up first an operator', () => {
  const db = new DatabaseSync(':memory:');
  db.exec('create table person (id text primary key, created_at bigint not null)');
  db.exec("insert into person values ('per_c', 20), ('per_b', 10), ('per_a', 10)");
  for (const statement of operators()) db.exec(statement);
  const rows = db.prepare('select id, operator, disabled from person order by id').all();
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [
      { id: 'per_a', operator: 1, disabled: 0 },
      { id: 'per_b', operator: 0, disabled: 0 },
      { id: 'per_c', operator: 0, disabled: 0 },
    ],
  );
  db.close();
});

forEachEngine('creating workspaces', (engine) => {
  test('with sign-up by invitation, only operators can create workspaces, and the first person is one', async () => {
    const testServer = await startTestServer({ environment: await engine.environment() });
    const owner = await signUpOwner(testServer);
    assert.deepEqual(
      [
        (await readPerson(owner)).operator,
        (await readPerson(owner)).canCreateWorkspaces,
        (await createWorkspace(owner)).status,
      ],
      [true, true, 201],
    );
    const admin = await signUpMember(testServer, owner, 'admin', 'grace@example.com');
    const refused = await createWorkspace(admin);
    assert.deepEqual([refused.status, refused.body.code], [403, 'forbidden']);
    assert.deepEqual(
      [(await readPerson(admin)).operator, (await readPerson(admin)).canCreateWorkspaces],
      [false, false],
    );
    await testServer.close();
  });
});

const signUpRequest = (email: string): TestRequest => ({ body: { name: email, email, password: PASSWORD } });

test('with open sign-up, anyone can create workspaces, and only the first person is an operator', async () => {
  const testServer = await startTestServer({ environment: { DEVPILOT_SIGN_UP: 'open' } });
  const first = await testServer.call<Person>('/v1/people', signUpRequest('ada@example.com'));
  const second = await testServer.call<Person>('/v1/people', signUpRequest('eve@example.com'));
  assert.deepEqual([first.body.operator, second.body.operator], [true, false]);
  assert.equal(second.body.canCreateWorkspaces, true);
  await testServer.close();
});

test('open sign-up with DEVPILOT_WORKSPACES=operators lets people sign up but not create workspaces', async () => {
  const environment = { DEVPILOT_SIGN_UP: 'open', DEVPILOT_WORKSPACES: 'operators' };
  const testServer = await startTestServer({ environment });
  await signUpOwner(testServer);
  const second = await testServer.call<Person>('/v1/people', signUpRequest('eve@example.com'));
  assert.deepEqual([second.status, second.body.canCreateWorkspaces], [201, false]);
  await testServer.close();
});
