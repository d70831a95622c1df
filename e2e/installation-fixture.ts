import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after } from 'node:test';
import type { CreatedApiKey } from '../src/contract/api-keys.ts';
import { TEST_SECRET } from '../src/testing/engines.ts';
import { openTestDatabases } from '../src/testing/postgres.ts';
import { runCommand, type ServerProcess, spawnServer } from '../src/testing/process.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import {
  bearer,
  createToken,
  sendRequest,
  signUpOwner,
  type TestPerson,
  type TestRequest,
} from '../src/testing/test-server.ts';

/** Environment variables of an installation. */
export type Environment = Readonly<Record<string, string>>;
export const ENGINES = ['sqlite', 'postgres'] as const;
type Engine = (typeof ENGINES)[number];

export const EMAIL = 'ada@example.com';

export const rootDirectory = temporaryDirectory();
let folderCount = 0;
export const newFolderPath = () => join(rootDirectory, `folder-${++folderCount}`);
const postgres = await openTestDatabases();
after(() => postgres.close());

/** Returns the settings of a new, empty installation, including `additionalSettings`. */
export async function newInstallationSettings(
  engine: Engine,
  additionalSettings: Environment = {},
): Promise<Environment> {
  const directory = { DEVPILOT_DATA_DIR: newFolderPath() };
  return engine === 'sqlite'
    ? { ...directory, ...additionalSettings }
    : {
        ...directory,
        DATABASE_URL: await postgres.createDatabase(),
        DEVPILOT_SECRET: TEST_SECRET,
        ...additionalSettings,
      };
}

export const startServer = (settings: Environment) => spawnServer(settings['DEVPILOT_DATA_DIR'] ?? '', settings);

/** Runs a command of Devpilot. Also returns its standard output and standard error together as `output`. */
export async function runDevpilot(settings: Environment, ...args: string[]) {
  const result = await runCommand(args, settings);
  return { ...result, output: `${result.stdout}${result.stderr}` };
}

/** Runs a command that must exit with 0, and returns its output. */
export async function runSuccessfully(settings: Environment, ...args: string[]): Promise<string> {
  const { code, output } = await runDevpilot(settings, ...args);
  assert.equal(code, 0, output);
  return output;
}

/** Signs up the owner of a new installation. */
export async function signUp(server: ServerProcess): Promise<TestPerson> {
  const call = <Body>(path: string, request?: TestRequest) => sendRequest<Body>(server.url, path, request);
  return signUpOwner({ url: server.url, call, setupLink: `${server.url}/setup#code=${server.setupCode}` }, EMAIL);
}

/**
 * Creates an app with a variable, whose value the database stores encrypted. Returns the API path of the app's
 * variables and the secret of a token that can read them.
 */
export async function createEncryptedVariable(
  server: ServerProcess,
  owner: TestPerson,
): Promise<{ path: string; secret: string }> {
  const project = await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Checkout' } });
  const app = await owner.call<{ id: string }>('/v1/apps', { body: { name: 'Checkout', projectId: project.body.id } });
  const { secret } = await createToken(owner, ['modify_env']);
  const path = `/v1/apps/${app.body.id}/env`;
  const body = { values: { PIN: 'encrypted ✓' } };
  assert.equal((await sendRequest(server.url, path, { method: 'PATCH', headers: bearer(secret), body })).status, 200);
  return { path, secret };
}

/** Returns the variables of the app of `createEncryptedVariable` as NAME=VALUE. */
export async function readEncryptedVariables(
  server: ServerProcess,
  { path, secret }: { path: string; secret: string },
): Promise<unknown> {
  const { body } = await sendRequest<{ data?: { name: string; value: string }[] }>(server.url, path, {
    headers: bearer(secret),
  });
  return body.data?.map(({ name, value }) => `${name}=${value}`);
}

export const authorizeStatus = async (server: ServerProcess, { secret }: CreatedApiKey) =>
  (await sendRequest(server.url, '/v1/authorize', { headers: bearer(secret) })).status;
