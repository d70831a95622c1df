import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { installLockedOrSkip } from '../testing/registry.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import {
  createKey,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { scaledTimeout } from '../testing/timeouts.ts';

/** The directory of the generators and their lockfile. */
const GENERATORS = fileURLToPath(new URL('../testing/client-generators', import.meta.url));
const TSC = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url));
const execFileAsync = promisify(execFile);

/** Input of a program that uses a generated client. */
interface Input {
  readonly url: string;
  readonly key: string;
  readonly session: string;
  readonly workspace: string;
  /** Name of the project and the app that the program creates. */
  readonly name: string;
}
type Program = (input: Input) => Promise<{ app: string; projectId: string; tokens: string[]; refusal: string }>;

const INPUT = 'input: { url: string; key: string; session: string; workspace: string; name: string }';

/**
 * For each generator, its command and a program that uses the client as the generator's documentation shows. The
 * program creates a project and an app, lists the access tokens and reads the error code of a refusal, without a cast.
 */
const CLIENTS: Readonly<Record<string, { readonly command: readonly string[]; readonly program: string }>> = {
  'openapi-typescript': {
    command: ['openapi-typescript', 'openapi.json', '-o', 'openapi-typescript/schema.ts'],
    program: `
      import createClient from 'openapi-fetch';
      import type { paths } from './openapi-typescript/schema.js';
      export async function use(${INPUT}) {
        const keyed = createClient<paths>({ baseUrl: input.url, headers: { authorization: 'Bearer ' + input.key } });
        const project = await keyed.POST('/v1/projects', { body: { name: input.name } });
        if (project.error !== undefined) throw new Error(project.error.code);
        const projectId = project.data.id;
        const app = await keyed.POST('/v1/apps', { body: { name: input.name, projectId } });
        if (app.error !== undefined) throw new Error(app.error.code);
        const person = createClient<paths>({ baseUrl: input.url, headers: { authorization: 'Bearer ' + input.session } });
        const tokens = await person.GET('/v1/access-tokens', {
          params: { query: { limit: 10 }, header: { 'Devpilot-Workspace': input.workspace } },
        });
        const refused = await keyed.GET('/v1/apps/{app}', { params: { path: { app: 'none' } } });
        const names = (tokens.data?.data ?? []).map(({ name, scopes }) => name + ': ' + scopes.join());
        return { app: app.data.slug, projectId, tokens: names, refusal: refused.error?.code ?? '' };
      }`,
  },
  'hey-api': {
    command: ['openapi-ts', '-i', 'openapi.json', '-o', 'hey-api'],
    program: `
      import { accessTokensList, appsCreate, appsGet, projectsCreate } from './hey-api/index.js';
      import { client } from './hey-api/client.gen.js';
      import type { Auth } from './hey-api/client/index.js';
      export async function use(${INPUT}) {
        // If auth were a string, the client would send it in the header of every security scheme.
        const as = (secret: string) => (auth: Auth) => (auth.scheme === 'bearer' ? secret : undefined);
        client.setConfig({ auth: as(input.key) });
        const project = await projectsCreate({ body: { name: input.name }, throwOnError: true });
        const projectId = project.data.id;
        const app = await appsCreate({ body: { name: input.name, projectId }, throwOnError: true });
        const tokens = await accessTokensList({
          auth: as(input.session), query: { limit: 10 }, headers: { 'Devpilot-Workspace': input.workspace }, throwOnError: true,
        });
        const refused = await appsGet({ path: { app: 'none' } });
        const names = tokens.data.data.map(({ name, scopes }) => name + ': ' + scopes.join());
        return { app: app.data.slug, projectId, tokens: names, refusal: refused.error?.code ?? '' };
      }`,
  },
  orval: {
    command: ['orval', '--config', 'orval.config.mjs'],
    program: `
      import { accessTokensList, appsCreate, appsGet, projectsCreate } from './orval/client.js';
      export async function use(${INPUT}) {
        const keyed = { headers: { authorization: 'Bearer ' + input.key } };
        const project = await projectsCreate({ name: input.name }, keyed);
        if (project.status !== 201) throw new Error(project.data.code);
        const projectId = project.data.id;
        const app = await appsCreate({ name: input.name, projectId }, keyed);
        if (app.status !== 201) throw new Error(app.data.code);
        const person = { authorization: 'Bearer ' + input.session, 'devpilot-workspace': input.workspace };
        const tokens = await accessTokensList({ limit: 10 }, { headers: person });
        if (tokens.status !== 200) throw new Error(tokens.data.code);
        const refused = await appsGet('none', keyed);
        const names = tokens.data.data.map(({ name, scopes }) => name + ': ' + scopes.join());
        return { app: app.data.slug, projectId, tokens: names, refusal: refused.status === 404 ? refused.data.code : '' };
      }`,
  },
  kubb: {
    command: ['kubb', 'generate', '--config', 'kubb.config.mjs'],
    program: `
      import { accessTokensList, appsCreate, appsGet, projectsCreate } from './kubb/client.js';
      export async function use(${INPUT}) {
        const json = { 'content-type': 'application/json' };
        const keyed = { baseURL: input.url, headers: { ...json, authorization: 'Bearer ' + input.key } };
        const project = await projectsCreate({ data: { name: input.name } }, keyed);
        const app = await appsCreate({ data: { name: input.name, projectId: project.id } }, keyed);
        const tokens = await accessTokensList(
          { params: { limit: 10 }, headers: { 'Devpilot-Workspace': input.workspace } },
          { baseURL: input.url, headers: { authorization: 'Bearer ' + input.session } },
        );
        const refused = await appsGet({ app: 'none' }, keyed);
        const names = tokens.data.map(({ name, scopes }) => name + ': ' + scopes.join());
        return { app: app.slug, projectId: project.id, tokens: names, refusal: 'code' in refused ? String(refused.code) : '' };
      }`,
  },
};

const CONFIGURATION: Readonly<Record<string, string>> = {
  'package.json': '{ "private": true, "type": "module" }',
  'orval.config.mjs': `export default { devpilot: {
    input: './openapi.json',
    output: { mode: 'single', target: './orval/client.ts', client: 'fetch', baseUrl: { getBaseUrlFromSpecification: true } },
  } };`,
  'kubb.config.mjs': `
    import { defineConfig } from '@kubb/core';
    import { pluginClient } from '@kubb/plugin-client';
    import { pluginOas } from '@kubb/plugin-oas';
    import { pluginTs } from '@kubb/plugin-ts';
    const output = (path) => ({ path, barrelType: false });
    export default defineConfig({
      root: '.', input: { path: './openapi.json' },
      output: { path: './kubb', extension: { '.ts': '.js' }, format: false, lint: false },
      plugins: [
        pluginOas({ validate: false, generators: [] }),
        pluginTs({ output: output('types.ts') }),
        pluginClient({ output: output('client.ts'), client: 'fetch', bundle: true, paramsType: 'object' }),
      ],
    });`,
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      strict: true,
      target: 'es2024',
      module: 'nodenext',
      lib: ['es2024', 'dom', 'dom.iterable'],
      types: [],
      skipLibCheck: true,
      outDir: 'compiled',
      rootDir: '.',
    },
    include: ['*.ts', '*/**/*.ts', 'kubb/.kubb/*.ts'],
    exclude: ['node_modules'],
  }),
};

let testServer: TestServer;
let owner: TestPerson;
let key: string;
const directory = temporaryDirectory();
before(async () => {
  testServer = await startTestServer();
  owner = await signUpOwner(testServer);
  await createToken(owner, ['modify_env']);
  ({ secret: key } = await createKey(owner, ['read', 'write', 'manage_projects', 'manage_apps']));
});
after(() => testServer.close());

test('clients generated from the OpenAPI document compile in strict mode and work', async (context) => {
  if (!(await installLockedOrSkip(context, GENERATORS))) return;
  const document = await testServer.call('/openapi.json');
  writeFileSync(join(directory, 'openapi.json'), document.text);
  symlinkSync(join(GENERATORS, 'node_modules'), join(directory, 'node_modules'));
  const clients = Object.entries(CLIENTS);
  for (const [file, text] of Object.entries(CONFIGURATION)) writeFileSync(join(directory, file), text);
  const generate = async ([name, { command, program }]: (typeof clients)[number]) => {
    const [executable = '', ...args] = command;
    writeFileSync(join(directory, `use-${name}.ts`), program);
    await execFileAsync(join(GENERATORS, 'node_modules/.bin', executable), args, {
      cwd: directory,
      env: { ...process.env, DO_NOT_TRACK: '1', CI: 'true' },
      timeout: scaledTimeout(60_000),
    });
  };
  await Promise.all(clients.map(generate));
  await execFileAsync(TSC, ['-p', '.'], { cwd: directory }).catch((error: { readonly stdout: string }) => {
    throw new Error(error.stdout);
  });

  for (const name of Object.keys(CLIENTS)) {
    const url = pathToFileURL(join(directory, 'compiled', `use-${name}.js`)).href;
    const { use } = (await import(url)) as { readonly use: Program };
    const session = owner.cookie.slice(owner.cookie.indexOf('=') + 1);
    const result = await use({ url: testServer.url, key, session, workspace: owner.workspaceId, name: `Shop ${name}` });
    const { projectId, ...summary } = result;
    assert.match(projectId, /^prj_/, name);
    assert.deepEqual(
      summary,
      { app: `shop-${name}`, tokens: ['CI/CD Pipeline: modify_env'], refusal: 'not_found' },
      name,
    );
  }
});
