import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  bearer,
  createKey,
  createToken,
  PASSWORD,
  signUpOwner,
  startHouse,
  type TestHouse,
} from '../src/testing/house.ts';
import { untilEnd } from './command.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const PATH = `${join(root, 'node_modules/.bin')}:${process.env['PATH']}`;

let place: string;
before(() => {
  place = mkdtempSync(join(tmpdir(), 'devpilot-packages-'));
  execFileSync(process.execPath, ['scripts/pack.ts'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PATH },
  });
});
after(() => rmSync(place, { recursive: true, force: true }));

/** An empty folder with one package installed into it. */
function install(name: string, packed: string, how: readonly string[]): string {
  const directory = join(place, name);
  mkdirSync(directory);
  writeFileSync(join(directory, 'package.json'), '{"private":true,"type":"module"}');
  const args = [
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--silent',
    ...how,
    join(root, 'dist', packed),
  ];
  execFileSync('npm', args, { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'], timeout: 200_000 });
  return directory;
}

/**
 * An empty folder with the server's package in it, and beside it just the dependencies that it declares,
 * as they are installed here: what it forgets to declare, it does not find.
 */
function unpackServer(): string {
  const directory = join(place, 'server');
  const modules = join(directory, 'node_modules');
  const own = join(modules, 'devpilot');
  mkdirSync(own, { recursive: true });
  execFileSync('tar', ['-xzf', join(root, 'dist/devpilot.tgz'), '-C', own, '--strip-components=1']);
  const { dependencies } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as {
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
  let house: TestHouse;
  before(async () => {
    directory = install('sdk', 'devpilot-sdk.tgz', ['--offline']);
    house = await startHouse();
  });
  after(() => house.close());

  test('has at most 60 kB, no dependencies, and imports nothing but itself', () => {
    assert.ok(statSync(join(root, 'dist/devpilot-sdk.tgz')).size <= 60_000);
    assert.deepEqual(
      readdirSync(join(directory, 'node_modules')).filter((one) => !one.startsWith('.')),
      ['@devpilot'],
    );
    const sdk = join(directory, 'node_modules/@devpilot/sdk');
    for (const file of readdirSync(sdk, { recursive: true, encoding: 'utf8' })) {
      if (!/\.(js|d\.ts)$/.test(file)) continue;
      for (const [, from = ''] of readFileSync(join(sdk, file), 'utf8').matchAll(/from ['"]([^'"]+)['"]/g)) {
        assert.match(from, /^\.\.?\/.*\.js$/, `${file} imports ${from}`);
      }
    }
  });

  test('works where it is installed: client, guard, form of a secret', async () => {
    const owner = await signUpOwner(house);
    const token = await createToken(owner, ['modify_env']);
    const key = await createKey(owner, ['read']);
    writeFileSync(
      join(directory, 'use.js'),
      `import { createClient, DevpilotError } from '@devpilot/sdk';
import { guard } from '@devpilot/sdk/guard';
import { secretKindOf } from '@devpilot/sdk/secret';
import { SCOPES } from '@devpilot/sdk/words';
const [url, token, key] = process.argv.slice(2);
const client = createClient({ url, credential: key });
const handler = guard({ url, scope: 'modify_env' }).wrap((request, who) => new Response(who.credentialId));
const ask = async (secret) => (await handler(new Request('http://x/', { headers: { authorization: 'Bearer ' + secret } }))).text();
console.log(JSON.stringify({
  active: (await client.introspect({ token })).active,
  refused: await client.accessTokens.list().catch((error) => error instanceof DevpilotError && error.code),
  kind: secretKindOf(token),
  scopes: SCOPES.length,
  guarded: await ask(token),
}));`,
    );
    const { stdout, stderr } = await untilEnd(
      spawn(process.execPath, ['use.js', house.url, token.secret, key.secret], { cwd: directory, stdio: 'pipe' }),
    );
    assert.deepEqual(stdout === '' ? stderr : JSON.parse(stdout), {
      active: true,
      refused: 'wrong_credential_kind',
      kind: 'access_token',
      scopes: 8,
      guarded: token.id,
    });
  });

  test('its types resolve under node16 and bundler resolution, without zod, and hold', () => {
    writeFileSync(
      join(directory, 'types.ts'),
      `import { createClient, type Client } from '@devpilot/sdk';
import { guard, type Identity } from '@devpilot/sdk/guard';
const client: Client = createClient({ url: 'http://127.0.0.1', credential: 'dp_' });
const page = await client.accessTokens.list({ scope: 'modify_env' });
export const scopes: ReadonlyArray<'all' | 'basic_deployment' | 'advanced_deployment' | 'activity_tracker' | 'activity_tracker_analytics' | 'error_tracker' | 'modify_env' | 'run_scripts'> = page.data[0]!.scopes;
export const expires: string | null = page.data[0]!.expiresAt;
export const created: string = (await client.apiKeys.create({ name: 'Billing', permissions: ['read'] })).secret;
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
export const wrapped = guard({ url: 'http://127.0.0.1', scope: 'all' }).wrap((_request: Request, who: Identity) => new Response(who.name));
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
  test('with nothing beside it but what it declares, makes an owner, serves page and API, and is its own client', async () => {
    const directory = unpackServer();
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
    const made = await untilEnd(init);
    assert.equal(made.code, 0, made.stderr);

    const server = start(['serve']);
    const ended = untilEnd(server);
    try {
      const url = await new Promise<string>((resolve, reject) => {
        let said = '';
        server.stdout.on('data', (chunk: Buffer) => {
          said += chunk.toString();
          const found = /http:\/\/\S+/.exec(said)?.[0];
          if (found !== undefined) resolve(found);
        });
        void ended.then(({ stderr }) => reject(new Error(stderr)));
      });
      const page = await fetch(url);
      assert.equal(page.status, 200);
      assert.match(await page.text(), /<script[^>]+src="\/assets\//);
      assert.equal((await fetch(`${url}/docs`)).status, 200);
      const signedIn = await fetch(`${url}/v1/sessions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: 'ada@example.com', password: PASSWORD }),
      });
      const session = /devpilot_session_[0-9A-Za-z]+/.exec(signedIn.headers.get('set-cookie') ?? '')?.[0] ?? '';
      const create = start(['tokens', 'create', '--name', 'Packed', '--scope', 'all', '--quiet'], {
        DEVPILOT_URL: url,
        DEVPILOT_TOKEN: session,
      });
      const created = await untilEnd(create);
      assert.equal(created.code, 0, created.stderr);
      const judged = await fetch(`${url}/v1/authorize?scope=modify_env`, { headers: bearer(created.stdout.trim()) });
      assert.equal(judged.status, 200);
    } finally {
      server.kill('SIGTERM');
    }
    assert.equal((await ended).code, 0);
  });
});
