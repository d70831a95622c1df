import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after } from 'node:test';
import type { CreatedApiKey } from '../src/contract/api-keys.ts';
import { TEST_SECRET } from '../src/testing/engines.ts';
import { openTestDatabases } from '../src/testing/postgres.ts';
import { runCommand, type ServerProcess, spawnServer, temporaryDirectory } from '../src/testing/process.ts';
import {
  bearer,
  createToken,
  sendRequest,
  signUpOwner,
  type TestPerson,
  type TestRequest,
} from '../src/testing/test-server.ts';

/** What tests of backups and of moves between stores share: a PostgreSQL server, empty installations, commands. */
export type Environment = Readonly<Record<string, string>>;
export const ENGINES = ['sqlite', 'postgres'] as const;
type Engine = (typeof ENGINES)[number];

export const EMAIL = 'ada@example.com';

export const root = temporaryDirectory();
let folders = 0;
export const newFolder = () => join(root.path, `folder-${++folders}`);
const postgres = await openTestDatabases();
after(async () => {
  await postgres.close();
  root.remove();
});

/** The settings of a new, empty installation. */
export async function newStoreLocation(engine: Engine, more: Environment = {}): Promise<Environment> {
  const directory = { DEVPILOT_DATA_DIR: newFolder() };
  return engine === 'sqlite'
    ? { ...directory, ...more }
    : { ...directory, DATABASE_URL: await postgres.createDatabase(), DEVPILOT_SECRET: TEST_SECRET, ...more };
}

export const serve = (location: Environment) => spawnServer(location['DEVPILOT_DATA_DIR'] ?? '', location);

export async function devpilot(location: Environment, ...args: string[]) {
  const ended = await runCommand(args, location);
  return { ...ended, output: `${ended.stdout}${ended.stderr}` };
}

export async function done(location: Environment, ...args: string[]): Promise<string> {
  const { code, output } = await devpilot(location, ...args);
  assert.equal(code, 0, output);
  return output;
}

export async function signUp(server: ServerProcess): Promise<TestPerson> {
  const call = <Body>(path: string, request?: TestRequest) => sendRequest<Body>(server.url, path, request);
  return signUpOwner({ url: server.url, call, setupLink: `${server.url}/setup#code=${server.setupCode}` }, EMAIL);
}

/** An app with an environment variable, which is encrypted in the database. */
export async function sealSomething(
  server: ServerProcess,
  owner: TestPerson,
): Promise<{ path: string; secret: string }> {
  const project = await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Till' } });
  const app = await owner.call<{ id: string }>('/v1/apps', { body: { name: 'Till', projectId: project.body.id } });
  const { secret } = await createToken(owner, ['modify_env']);
  const path = `/v1/apps/${app.body.id}/env`;
  const body = { values: { PIN: 'sealed ✓' } };
  assert.equal((await sendRequest(server.url, path, { method: 'PATCH', headers: bearer(secret), body })).status, 200);
  return { path, secret };
}

export async function readSealed(
  server: ServerProcess,
  { path, secret }: { path: string; secret: string },
): Promise<unknown> {
  const { body } = await sendRequest<{ data?: { name: string; value: string }[] }>(server.url, path, {
    headers: bearer(secret),
  });
  return body.data?.map(({ name, value }) => `${name}=${value}`);
}

export const statusOf = async (server: ServerProcess, { secret }: CreatedApiKey) =>
  (await sendRequest(server.url, '/v1/authorize', { headers: bearer(secret) })).status;
