import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { globSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../src/testing/postgres.ts';
import { installFromRegistry, installPackages } from '../src/testing/registry.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import {
  bearer,
  createKey,
  createToken,
  PASSWORD,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';
import { collectResult } from './cli-shell.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const PATH = `${join(root, 'node_modules/.bin')}:${process.env['PATH']}`;

const packageDirectory = temporaryDirectory();
before(() => {
  execFileSync(process.execPath, ['scripts/pack.ts'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PATH },
  });
});

const packedFile = (name: string) => join(root, 'dist', name);

/** Installs packages into a directory with this name. Returns the directory, or null if there is no registry. */
async function installFor(name: string, packages: readonly string[]): Promise<string | null> {
  const directory = join(packageDirectory, name);
  return (await installFromRegistry(directory, packages)) ? directory : null;
}

/** Returns how many packages npm installed into a directory, and the total size of their files. */
function measureInstallation(directory: string): { packages: number; bytes: number } {
  const modules = join(directory, 'node_modules');
  const { packages } = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')) as { packages: object };
  const files = globSync('**/*', { cwd: modules, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  return { packages: Object.keys(packages).length, bytes };
}

/**
 * Installs the server's package without a registry: only its declared dependencies are linked from this installation,
 * so that an undeclared dependency is not found. Returns the directory.
 */
function unpackServer(): string {
  const directory = join(packageDirectory, 'linked');
  const modules = join(directory, 'node_modules');
  const serverPackage = join(modules, 'devpilot');
  mkdirSync(serverPackage, { recursive: true });
  execFileSync('tar', ['-xzf', join(root, 'dist/devpilot.tgz'), '-C', serverPackage, '--strip-components=1']);
  const { dependencies } = JSON.parse(readFileSync(join(serverPackage, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  return directory;
}

describe('dist/devpilot-sdk.tgz', () => {
  let directory: string;
  let testServer: TestServer;
  let owner: TestPerson;
  before(async () => {
    directory = join(packageDirectory, 'sdk');
    await installPackages(directory, [packedFile('devpilot-sdk.tgz')], ['--offline']);
    testServer = await startTestServer();
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  test('is at most 66 kB, has no dependencies, and imports only its own files', () => {
    assert.ok(statSync(join(root, 'dist/devpilot-sdk.tgz')).size <= 66_000);
    assert.deepEqual(
      readdirSync(join(directory, 'node_modules')).filter((name) => !name.startsWith('.')),
      ['@devpilot'],
    );
    const sdk = join(directory, 'node_modules/@devpilot/sdk');
    for (const file of readdirSync(sdk, { recursive: true, encoding: 'utf8' })) {
      if (!/\.(js|d\.ts)$/.test(file)) continue;
      for (const [, from = ''] of readFileSync(join(sdk, file), 'utf8').matchAll(
        /(?:(?<!['"])\bfrom\s*|\bimport\s*\(?)['"]([^'"]+)['"]/g,
      )) {
        assert.match(from, /^\.\.?\/.*\.js$/, `${file} imports ${from}`);
      }
    }
  });

  /** Runs a program that uses the client, both modes of the guard, the format of secrets and the vocabulary. */
  async function checkSdk(command: string, args: readonly string[]): Promise<void> {
    writeFileSync(
      join(directory, 'use.js'),
      `import { createClient, DevpilotError } from '@devpilot/sdk';
import { guard } from '@devpilot/sdk/guard';
import { secretKindOf } from '@devpilot/sdk/secret';
import { SCOPES } from '@devpilot/sdk/vocabulary';
const [url, token, key] = process.argv.slice(2);
const client = createClient({ url, credential: key });
const handlerOf = (devpilot) => devpilot.wrap((request, identity) => new Response(identity.credentialId));
const send = async (handler) => (await handler(new Request('http://x/', { headers: { authorization: 'Bearer ' + token } }))).text();
let requestCount = 0;
const countingFetch = (input, init) => {
  if (String(input).includes('/v1/authorize')) requestCount++;
  return fetch(input, init);
};
const leaseGuard = guard({ url, scope: 'modify_env', apiKey: key, fetch: countingFetch });
const hasLease = await leaseGuard.ready();
const handler = handlerOf(leaseGuard);
console.log(JSON.stringify({
  active: (await client.introspect({ token })).active,
  refused: await client.accessTokens.list().catch((error) => error instanceof DevpilotError && error.code),
  kind: secretKindOf(token),
  scopes: SCOPES.length,
  guarded: await send(handlerOf(guard({ url, scope: 'modify_env' }))),
  hasLease,
  cached: [await send(handler), await send(handler)],
  requestCount,
}));
await leaseGuard.close();`,
    );
    const token = await createToken(owner, ['modify_env']);
    const key = await createKey(owner, ['read'], { guard: true });
    const { stdout, stderr, code } = await collectResult(
      spawn(command, [...args, 'use.js', testServer.url, token.secret, key.secret], { cwd: directory, stdio: 'pipe' }),
    );
    assert.deepEqual(stdout === '' ? stderr : JSON.parse(stdout), {
      active: true,
      refused: 'wrong_credential_kind',
      kind: 'access_token',
      scopes: 8,
      guarded: token.id,
      hasLease: true,
      cached: [token.id, token.id],
      requestCount: 0,
    });
    assert.equal(code, 0, 'the program ends once the guard is closed');
    const { body } = await owner.call<{ useCount: number }>(`/v1/access-tokens/${token.id}`);
    assert.equal(body.useCount, 4, 'the uses in memory were reported');
  }

  test('works when installed: the client, the guard in both modes, and the format of secrets', () =>
    checkSdk(process.execPath, []));

  test('works in Deno and Bun', async (context) => {
    const runtimes = await installFor('runtimes', ['deno@2.9.6', 'bun@1.4.5']);
    if (runtimes === null) return context.skip('no registry to install them from');
    const modules = join(runtimes, 'node_modules');
    const [deno] = globSync('@deno/*/deno', { cwd: modules });
    const [bun] = globSync('@oven/*/bin/bun', { cwd: modules });
    if (deno === undefined || bun === undefined) return context.skip('there is no binary for this machine');
    await checkSdk(join(modules, deno), ['run', '--quiet', '--allow-all', '--no-lock']);
    await checkSdk(join(modules, bun), []);
  });

  test('works in workerd, the runtime of Cloudflare Workers: the client, and the guard in both modes', async (context) => {
    const runtime = await installFor('workers', ['workerd@1.20261117.1']);
    if (runtime === null) return context.skip('no registry to install it from');
    const [workerd] = globSync('node_modules/@cloudflare/workerd-*/bin/workerd', { cwd: runtime });
    if (workerd === undefined) return context.skip('there is no binary for this machine');
    const token = await createToken(owner, ['modify_env']);
    const key = await createKey(owner, ['read'], { guard: true });
    writeFileSync(
      join(directory, 'worker.js'),
      `import { createClient, DevpilotError } from './@devpilot/sdk/sdk/client.js';
import { guard } from './@devpilot/sdk/sdk/guard.js';
export default {
  async fetch(request, { url, key, token }) {
    const client = createClient({ url, credential: key });
    const askingGuard = guard({ url, scope: 'modify_env' });
    const leaseGuard = guard({ url, scope: 'modify_env', apiKey: key, mode: 'lease' });
    const use = async (devpilot) => (await devpilot.wrap((_, identity) => new Response(identity.credentialId))(request)).text();
    const result = {
      active: (await client.introspect({ token })).active,
      refused: await client.accessTokens.list().catch((error) => error instanceof DevpilotError && error.code),
      guarded: await use(askingGuard),
      hasLease: await leaseGuard.ready(),
      cached: [await use(leaseGuard), await use(leaseGuard)],
    };
    await leaseGuard.close();
    return Response.json(result);
  },
};`,
    );
    const sdk = join(directory, 'node_modules/@devpilot/sdk');
    const files = globSync('**/*.js', { cwd: sdk }).map((file) => `@devpilot/sdk/${file}`);
    const modules = ['worker.js', ...files].map((name) => {
      const file = name === 'worker.js' ? name : join('node_modules', name);
      return `(name = "${name}", esModule = embed "${file}")`;
    });
    const bindings = { url: testServer.url, key: key.secret, token: token.secret };
    const texts = Object.entries(bindings).map(([name, text]) => `(name = "${name}", text = "${text}")`);
    const port = await freePort();
    writeFileSync(
      join(directory, 'config.capnp'),
      `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "internet", network = (allow = ["private", "local"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [${modules.join(', ')}],
  bindings = [${texts.join(', ')}],
  compatibilityDate = "2024-11-11",
);
`,
    );
    const running = spawn(join(runtime, workerd), ['serve', 'config.capnp'], { cwd: directory, stdio: 'pipe' });
    const result = collectResult(running);
    try {
      let response: Response | null = null;
      await until(async () => {
        response = await fetch(`http://127.0.0.1:${port}/`, { headers: bearer(token.secret) }).catch(() => null);
        return response !== null || running.exitCode !== null;
      });
      assert.deepEqual(await (response as Response | null)?.json(), {
        active: true,
        refused: 'wrong_credential_kind',
        guarded: token.id,
        hasLease: true,
        cached: [token.id, token.id],
      });
    } finally {
      running.kill();
    }
    assert.doesNotMatch((await result).stderr, /rror/);
    const { body } = await owner.call<{ useCount: number }>(`/v1/access-tokens/${token.id}`);
    assert.equal(body.useCount, 4, 'the uses in memory were reported');
  });

  test('its types resolve with node16 and bundler resolution, without zod, and are correct', () => {
    writeFileSync(
      join(directory, 'types.ts'),
      `import { createClient, type Client } from '@devpilot/sdk';
import { guard, type Identity } from '@devpilot/sdk/guard';
const client: Client = createClient({ url: 'http://127.0.0.1', credential: 'dp_' });
const page = await client.accessTokens.list({ scope: 'modify_env' });
export const scopes: ReadonlyArray<'all' | 'basic_deployment' | 'advanced_deployment' | 'activity_tracker' | 'activity_tracker_analytics' | 'error_tracker' | 'modify_env' | 'run_scripts'> = page.data[0]!.scopes;
export const expires: string | null = page.data[0]!.expiresAt;
export const created: string = (await client.apiKeys.create({ name: 'Billing', permissions: ['read'] })).secret;
export const detail: string | null = (await client.explain({ credential: 'tok_1', requirement: { scopes: ['all'] } })).detail;
// @ts-expect-error there is no such scope
await client.accessTokens.create({ name: 'CI', scopes: ['everything'] });
// @ts-expect-error there is no such field
export const none: string = page.data[0]!.secret;
export const app: string = (await client.apps.create({ projectId: 'shop', name: 'Web', hooks: [{ name: 'Build', stage: 'post_setup', run: 'make' }] })).slug;
export const series: number = (await client.activity.analytics({ interval: 'day' })).series[0]!.points[0]!.count;
await client.environment.update('web', { A: 'b', C: null }, { ifMatch: (await client.environment.read('web')).tag });
// @ts-expect-error there is no such kind of server
await client.servers.create({ name: 'Web 1', kind: 'telnet' });
// @ts-expect-error there is no such scope
guard({ url: 'http://127.0.0.1', scope: 'everything' });
export const hasLease: boolean = await guard({ url: 'http://127.0.0.1', scope: 'all', apiKey: 'dp_', mode: 'lease', onError: (error: unknown) => console.log(error) }).ready();
export const wrapped = guard({ url: 'http://127.0.0.1', scope: 'all' }).wrap((_request: Request, identity: Identity) => new Response(identity.name));
`,
    );
    for (const [module, moduleResolution] of [
      ['node16', 'node16'],
      ['esnext', 'bundler'],
    ] as const) {
      const options = {
        module,
        moduleResolution,
        target: 'es2022',
        lib: ['es2023', 'dom', 'dom.iterable'],
        strict: true,
        noEmit: true,
        types: [],
      };
      writeFileSync(
        join(directory, 'tsconfig.json'),
        JSON.stringify({ compilerOptions: options, include: ['types.ts'] }),
      );
      execFileSync('tsc', ['-p', directory], {
        cwd: directory,
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, PATH },
      });
    }
  });
});

describe('dist/devpilot.tgz', () => {
  test('installed by npm, it creates an owner, serves the web UI and the API, and works as a client', async (context) => {
    const installed = await installFor('server', [packedFile('devpilot.tgz')]);
    if (installed === null)
      context.diagnostic('there is no registry, so the dependencies are linked instead of installed');
    else {
      const { packages, bytes } = measureInstallation(installed);
      assert.ok(packages <= 130, `${packages} packages`);
      assert.ok(bytes <= 60_000_000, `${bytes} bytes`);
    }
    const directory = installed ?? unpackServer();
    const bin = join(directory, 'node_modules/devpilot/bin/devpilot.mjs');
    const environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: directory,
      PORT: '0',
      DEVPILOT_DATA_DIR: join(directory, 'data'),
      DEVPILOT_CONFIG_DIR: join(directory, 'config'),
      DEVPILOT_KEYCHAIN: 'off',
      LOG_LEVEL: 'silent',
    };
    const start = (args: readonly string[], more = {}) =>
      spawn(process.execPath, [bin, ...args], { cwd: directory, env: { ...environment, ...more }, stdio: 'pipe' });
    const init = start([
      'init',
      '--email',
      'ada@example.com',
      '--name',
      'Ada',
      '--workspace',
      'Acme',
      '--password-stdin',
      '--json',
    ]);
    init.stdin.end(PASSWORD);
    const initResult = await collectResult(init);
    assert.equal(initResult.code, 0, initResult.stderr);

    const server = start(['serve']);
    const result = collectResult(server);
    try {
      const url = await new Promise<string>((resolve, reject) => {
        let output = '';
        server.stdout.on('data', (chunk: Buffer) => {
          output += chunk.toString();
          const printedUrl = /http:\/\/\S+/.exec(output)?.[0];
          if (printedUrl !== undefined) resolve(printedUrl);
        });
        void result.then(({ stderr }) => reject(new Error(stderr)));
      });
      const page = await fetch(url);
      assert.equal(page.status, 200);
      assert.match(await page.text(), /<script[^>]+src="\/assets\//);
      for (const path of ['/docs', '/docs/scalar.js']) assert.equal((await fetch(url + path)).status, 200, path);
      const signedIn = await fetch(`${url}/v1/sessions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: 'ada@example.com', password: PASSWORD }),
      });
      const session = /devpilot_session_[0-9A-Za-z]+/.exec(signedIn.headers.get('set-cookie') ?? '')?.[0] ?? '';
      const createCommand = start(['tokens', 'create', '--name', 'Packed', '--scope', 'all', '--quiet'], {
        DEVPILOT_URL: url,
        DEVPILOT_TOKEN: session,
      });
      const created = await collectResult(createCommand);
      assert.equal(created.code, 0, created.stderr);
      const authorized = await fetch(`${url}/v1/authorize?scope=modify_env`, {
        headers: bearer(created.stdout.trim()),
      });
      assert.equal(authorized.status, 200);
    } finally {
      server.kill('SIGTERM');
    }
    assert.equal((await result).code, 0);
  });
});
