import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand } from '../testing/process.ts';
import { PASSWORD, signUpMember, signUpOwner, startTestServer } from '../testing/test-server.ts';

test('people can be managed in the data directory while the server is stopped', async () => {
  const testServer = await startTestServer();
  const owner = await signUpOwner(testServer);
  await signUpMember(testServer, owner, 'member', 'grace@example.com');
  const environment = { DEVPILOT_DATA_DIR: testServer.dataDirectory, DEVPILOT_PUBLIC_URL: 'https://dev.example.com' };
  const people = (...args: string[]) => runCommand(['people', ...args], environment);
  const rejected = await people('list');
  assert.notEqual(rejected.code, 0, 'the running server has locked the data directory');
  await testServer.running.close();

  const listed: { email: string; operator: boolean }[] = JSON.parse((await people('list', '--json')).stdout);
  assert.deepEqual(
    listed.map(({ email, operator }) => [email, operator]),
    [
      ['ada@example.com', true],
      ['grace@example.com', false],
    ],
  );
  const operator = await people('operator', 'grace@example.com', '--json');
  assert.equal(JSON.parse(operator.stdout).operator, true);
  assert.match((await people('operator', 'grace@example.com', '--remove')).stdout, /no longer an operator/);
  const disabledLast = await people('disable', 'ada@example.com');
  assert.notEqual(disabledLast.code, 0);
  assert.match(disabledLast.stderr, /last operator/);
  assert.equal((await people('disable', 'grace@example.com')).code, 0);
  assert.match((await people('reset-password', 'grace@example.com')).stderr, /disabled/);
  assert.equal((await people('enable', 'grace@example.com')).code, 0);
  const { url } = JSON.parse((await people('reset-password', 'grace@example.com', '--json')).stdout);
  assert.match(url, /^https:\/\/dev\.example\.com\/reset-password#\w{32}$/);
  assert.match((await people('enable', 'nobody@example.com')).stderr, /No person/);
  const { stderr } = await people('enable', '##vso[task.complete]');
  assert.equal(stderr, 'devpilot: No person # #vso[task.complete] found. List all with: devpilot people list\n');

  const restartedServer = await startTestServer({ dataDirectory: testServer.dataDirectory });
  const body = { password: 'quite another sentence' };
  assert.equal((await restartedServer.call(`/v1/password-resets/${new URL(url).hash.slice(1)}`, { body })).status, 204);
  const signIn = (password: string) =>
    restartedServer.call('/v1/sessions', { body: { email: 'grace@example.com', password } });
  assert.deepEqual([(await signIn(PASSWORD)).status, (await signIn(body.password)).status], [401, 201]);
  await restartedServer.close();
});
