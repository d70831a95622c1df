import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { App } from '../src/contract/apps.ts';
import {
  createToken,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../src/testing/test-server.ts';
import { type CliShell, collectResult, openCliShell } from './cli-shell.ts';
import { createApp, createProject, setVariables } from './resource-fixtures.ts';

let server: TestServer;
let owner: TestPerson;
let shell: CliShell;
let app: App;
let secret: string;

const AWKWARD = {
  QUOTES: `it's "quoted" \\ and \`back\``,
  LINES: 'one\ntwo\r\nthree\n',
  HASH: 'a # b',
  DOLLAR: '$HOME $(touch x) $$ ${',
  UMLAUT: 'schön 🚲',
  EMPTY: '',
};
const variables = async () => {
  const { body } = await owner.call<{ data: { name: string; value: string }[] }>(`/v1/apps/${app.id}/env`);
  return Object.fromEntries(body.data.map(({ name, value }) => [name, value]));
};
const file = (name: string, text: string) => {
  writeFileSync(join(shell.directory, name), text);
  return name;
};

before(async () => {
  server = await startTestServer();
  owner = await signUpOwner(server);
  const { id: projectId } = await createProject(owner, { name: 'Shop' });
  app = await createApp(owner, { name: 'Storefront', projectId });
  secret = (await createToken(owner, ['modify_env'], { passphrase: 'schöne Passphrase' })).secret;
  shell = openCliShell({
    DEVPILOT_URL: server.url,
    DEVPILOT_TOKEN: secret,
    DEVPILOT_PASSPHRASE: 'schöne Passphrase',
  });
});
after(async () => {
  shell?.close();
  await server?.close();
});
beforeEach(async () => {
  const old = Object.keys(await variables()).map((name) => [name, null]);
  await setVariables(owner, app, Object.fromEntries(old));
});

describe('pull', () => {
  test('writes exactly what push reads, as dotenv and as JSON', async () => {
    await setVariables(owner, app, AWKWARD);
    for (const format of ['dotenv', 'json']) {
      const pulled = await shell.run(['env', 'pull', app.slug, '--format', format]);
      assert.deepEqual([pulled.code, pulled.stderr], [0, '']);
      await setVariables(owner, app, Object.fromEntries(Object.keys(AWKWARD).map((name) => [name, null])));
      const pushed = await shell.run(['env', 'push', app.slug, '-', '--format', format, '--yes'], {
        input: pulled.stdout,
      });
      assert.equal(pushed.code, 0, pushed.stderr);
      assert.deepEqual(await variables(), AWKWARD);
    }
  });

  test('a file for a reader that could not read a value back is refused, naming the variable', async () => {
    await setVariables(owner, app, { LINES: 'one\ntwo', PLAIN: "it's" });
    const shellFile = await shell.run(['env', 'pull', app.slug, '--format', 'shell']);
    assert.equal(shellFile.stdout, `LINES='one\ntwo'\nPLAIN="it's"\n`);
    const refused = await shell.run(['env', 'pull', app.slug, '--format', 'docker']);
    assert.deepEqual(
      [refused.code, refused.stdout, refused.stderr],
      [1, '', 'devpilot: The format docker cannot represent the value of LINES: it has a line break.\n'],
    );
  });

  test('writes a file of mode 0600, even when it replaces one that others could read', async () => {
    await setVariables(owner, app, { KEY: 'value' });
    const path = join(shell.directory, '.env');
    writeFileSync(path, 'OLD=1\n');
    chmodSync(path, 0o644);
    const { code, stdout } = await shell.run(['env', 'pull', app.slug, '--output', '.env']);
    assert.deepEqual([code, stdout], [0, '']);
    assert.equal(readFileSync(path, 'utf8'), 'KEY=value\n');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const nowhere = await shell.run(['env', 'pull', app.slug, '--output', 'no/such/.env']);
    assert.match(nowhere.stderr, /no\/such\/\.env cannot be written: ENOENT/);
    assert.equal(nowhere.code, 1);
    assert.match(
      (await shell.run(['env', 'pull', app.slug, '--format', 'yaml'])).stderr,
      /one of: dotenv, node, python, shell, systemd, docker, json/,
    );
  });

  test('list prints names and does not request values', async () => {
    await setVariables(owner, app, { KEY: 'hidden value' });
    const { stdout } = await shell.run(['env', 'list', app.slug]);
    assert.match(stdout, /^KEY\t\d{4}-/);
    assert.equal((await shell.run(['env', 'list', app.slug, '--quiet'])).stdout, 'KEY\n');
    assert.ok(!(await shell.run(['env', 'list', app.slug, '--json'])).stdout.includes('hidden value'));
  });
});

describe('push', () => {
  test('shows names with masked values, requires --yes without a terminal, and keeps variables missing from the file', async () => {
    await setVariables(owner, app, { SAME: 'same', OTHER: 'before', LEFT: 'stays' });
    const name = file('next.env', 'SAME=same\nOTHER=after-secret\nNEW=new-secret\n');
    const refused = await shell.run(['env', 'push', app.slug, name]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^\+ NEW=•+$/m);
    assert.match(refused.stderr, /^~ OTHER=•+$/m);
    assert.match(refused.stderr, /1 not in the file, kept \(remove with --prune\): LEFT/);
    assert.match(refused.stderr, /1 added, 1 changed, 0 removed\? Without a terminal, --yes is required/);
    assert.ok(!/secret|before|same/.test(refused.stderr.replaceAll(name, '')));
    assert.equal((await variables())['OTHER'], 'before');

    const pushed = await shell.run(['env', 'push', app.slug, name, '--yes', '--json', '--quiet']);
    assert.equal(pushed.stderr, '');
    assert.deepEqual(JSON.parse(pushed.stdout), {
      added: ['NEW'],
      changed: ['OTHER'],
      removed: [],
      unchanged: ['SAME'],
      kept: ['LEFT'],
      applied: true,
    });
    assert.deepEqual(await variables(), { SAME: 'same', OTHER: 'after-secret', NEW: 'new-secret', LEFT: 'stays' });
  });

  test('on a terminal, asks after showing the diff; "no" changes nothing and exits with 2', async () => {
    const name = file('asked.env', 'ASKED=hidden-value\n');
    const refused = await shell.typeAtTerminal(['env', 'push', app.slug, name], [[/Change the environment/, 'n']]);
    assert.equal(refused.code, 2);
    assert.match(refused.stdout, /\+ ASKED=•+.*Change the environment.*Cancelled; nothing was changed/s);
    assert.deepEqual(await variables(), {});
    const pushed = await shell.typeAtTerminal(['env', 'push', app.slug, name], [[/Change the environment/, 'y']]);
    assert.equal(pushed.code, 0);
    assert.ok(!`${refused.stdout}${pushed.stdout}`.includes('hidden-value'));
    assert.deepEqual(await variables(), { ASKED: 'hidden-value' });
  });

  test('removes variables missing from the file with --prune; changes nothing with --dry-run', async () => {
    await setVariables(owner, app, { KEPT: '1', GONE: '2' });
    const name = file('pruned.json', '{ "KEPT": "1" }');
    const shown = await shell.run(['env', 'push', app.slug, name, '--prune', '--dry-run']);
    assert.deepEqual([shown.code, shown.stderr], [0, '- GONE\n']);
    assert.deepEqual(await variables(), { KEPT: '1', GONE: '2' });
    assert.equal((await shell.run(['env', 'push', app.slug, name, '--prune', '--yes'])).code, 0);
    assert.deepEqual(await variables(), { KEPT: '1' });
    const again = await shell.run(['env', 'push', app.slug, name, '--prune']);
    assert.deepEqual([again.code, again.stderr], [0, `The environment of ${app.slug} is already up to date.\n`]);
  });

  test('names the invalid line and prints nothing of its content', async () => {
    const bad = await shell.run(['env', 'push', app.slug, file('bad.env', 'A=1\nB="never closed\n'), '--yes']);
    assert.deepEqual([bad.code, bad.stderr], [1, 'devpilot: bad.env, line 2: must have a closing quote.\n']);
    const json = await shell.run(['env', 'push', app.slug, file('bad.json', '{"A": "top secret'), '--yes']);
    assert.deepEqual([json.code, json.stderr], [1, 'devpilot: bad.json is not valid JSON.\n']);
    const number = await shell.run(['env', 'push', app.slug, file('number.json', '{"A": 5}'), '--yes']);
    assert.match(number.stderr, /A must be a valid variable name with a string value/);
    writeFileSync(join(shell.directory, 'latin.env'), Buffer.from([0x41, 0x3d, 0xe4]));
    assert.match((await shell.run(['env', 'push', app.slug, 'latin.env', '--yes'])).stderr, /is not valid UTF-8/);
    assert.match((await shell.run(['env', 'push', app.slug, 'none.env', '--yes'])).stderr, /cannot be read: ENOENT/);
    assert.deepEqual(await variables(), {});
  });
});

describe('set and unset', () => {
  test('read the value from standard input and never from the command line', async () => {
    const set = await shell.run(['env', 'set', app.slug, 'PEM'], { input: 'line one\nline two\n' });
    assert.deepEqual([set.code, set.stdout, set.stderr], [0, '', `Set PEM of ${app.slug}.\n`]);
    const dashed = await shell.run(['env', 'set', app.slug, 'DASHED=-', '--json'], { input: 'shown nowhere' });
    assert.equal(JSON.parse(dashed.stdout).name, 'DASHED');
    assert.ok(!dashed.stdout.includes('shown nowhere'));
    const onLine = await shell.run(['env', 'set', app.slug, 'KEY=value']);
    assert.equal(onLine.code, 1);
    assert.match(onLine.stderr, /is saved in shell history/);
    assert.match((await shell.run(['env', 'set', app.slug, 'NOTHING'])).stderr, /use --empty/);
    assert.equal((await shell.run(['env', 'set', app.slug, 'NOTHING', '--empty'])).code, 0);
    assert.match(
      (await shell.run(['env', 'set', app.slug, '9BAD'], { input: 'x' })).stderr,
      /A variable name must consist of/,
    );
    assert.deepEqual(await variables(), { PEM: 'line one\nline two', DASHED: 'shown nowhere', NOTHING: '' });
  });

  test('on a terminal, the value is typed without echo', async () => {
    const typed = await shell.typeAtTerminal(['env', 'set', app.slug, 'TYPED'], [[/Value of TYPED/, 'unseen value\r']]);
    assert.equal(typed.code, 0, typed.stdout);
    assert.ok(!typed.stdout.includes('unseen'));
    assert.deepEqual(await variables(), { TYPED: 'unseen value' });
  });

  test('unset removes all or none, and an earlier version restores them', async () => {
    await setVariables(owner, app, { A: '1', B: '2', C: '3' });
    assert.equal((await shell.run(['env', 'unset', app.slug, 'A', 'X', '--yes'])).code, 1);
    assert.match((await shell.run(['env', 'unset', app.slug, 'A'])).stderr, /--yes is required/);
    assert.deepEqual(await variables(), { A: '1', B: '2', C: '3' });
    assert.equal((await shell.run(['env', 'unset', app.slug, 'A', 'B', '--yes'])).code, 0);
    assert.deepEqual(await variables(), { C: '3' });
    const versions = JSON.parse((await shell.run(['env', 'versions', app.slug, '--limit', '2', '--json'])).stdout);
    assert.deepEqual(versions[0].removed, ['A', 'B']);
    const args = ['env', 'restore', app.slug, String(versions[1].version), '--yes'];
    assert.equal((await shell.run(args)).code, 0);
    assert.deepEqual(await variables(), { A: '1', B: '2', C: '3' });
  });

  test('an unknown app and a missing scope are reported', async () => {
    const missing = await shell.run(['env', 'pull', 'no-such-app']);
    assert.equal(missing.code, 1);
    const other = await createToken(owner, ['run_scripts']);
    const refused = await shell.run(['env', 'pull', app.slug], { environment: { DEVPILOT_TOKEN: other.secret } });
    assert.match(refused.stderr, /Required: modify_env/);
  });
});

describe('run', () => {
  const nodeCommand = (text: string) => ['--', process.execPath, '-e', text];

  test('passes the variables but not the credential to the command, and exits with its code', async () => {
    await setVariables(owner, app, { ...AWKWARD, PATH_LIKE: 'x' });
    const script =
      'process.stdout.write(JSON.stringify([process.env, process.umask(), process.argv.slice(1)])); process.exit(7)';
    const ran = await shell.run(['env', 'run', app.slug, ...nodeCommand(script), '--', '--json', '$HOME', 'a b']);
    assert.equal(ran.code, 7, ran.stderr);
    assert.equal(ran.stderr, '');
    const [environment, umask, args] = JSON.parse(ran.stdout);
    for (const [name, value] of Object.entries(AWKWARD)) assert.equal(environment[name], value, name);
    assert.equal(environment.HOME, shell.directory);
    assert.equal(umask, process.umask());
    assert.deepEqual(args, ['--json', '$HOME', 'a b']);
    assert.deepEqual([environment.DEVPILOT_TOKEN, environment.DEVPILOT_PASSPHRASE], [undefined, undefined]);
    assert.ok(!ran.stdout.includes(secret));
  });

  test('forwards standard input and signals, and ends by the signal that ended the command', async () => {
    const echo = await shell.run(['env', 'run', app.slug, '--', 'cat'], { input: 'through' });
    assert.deepEqual([echo.code, echo.stdout], [0, 'through']);
    const started = 'console.log("ready"); setInterval(() => {}, 1000);';
    const caught = shell.start([
      'env',
      'run',
      app.slug,
      ...nodeCommand(`process.on("SIGTERM", () => process.exit(3)); ${started}`),
    ]);
    caught.stdout?.once('data', () => caught.kill('SIGTERM'));
    assert.equal((await collectResult(caught)).code, 3);
    const died = shell.start(['env', 'run', app.slug, ...nodeCommand(started)]);
    died.stdout?.once('data', () => died.kill('SIGINT'));
    await collectResult(died);
    assert.equal(died.signalCode, 'SIGINT');
  });

  test('exits with 127 for a command that is not found, with 126 for a file that is not executable', async () => {
    assert.equal((await shell.run(['env', 'run', app.slug, '--', 'no-such-command'])).code, 127);
    file('plain', 'text');
    assert.equal((await shell.run(['env', 'run', app.slug, '--', './plain'])).code, 126);
    assert.equal((await shell.run(['env', 'run', app.slug])).code, 1);
  });
});

test('variables of a project are inherited: push keeps equal ones inherited, and removes only those of the app', async () => {
  const project = ['shop', '--project'];
  const sharedLevel = await shell.run(['env', 'set', ...project, 'LEVEL'], { input: 'info' });
  assert.deepEqual([sharedLevel.code, sharedLevel.stderr], [0, 'Set LEVEL of shop.\n']);
  assert.equal((await shell.run(['env', 'push', ...project, file('shared.json', '{"REGION":"eu"}'), '--yes'])).code, 0);
  await setVariables(owner, app, { OWN: '1' });
  const pulled = await shell.run(['env', 'pull', app.slug]);
  assert.equal(pulled.stdout, 'LEVEL=info\nOWN=1\nREGION=eu\n');
  const list = JSON.parse((await shell.run(['env', 'list', app.slug, '--json'])).stdout);
  assert.deepEqual(
    list.map(({ name, from }: { name: string; from: string }) => [name, from]),
    [
      ['LEVEL', 'project'],
      ['OWN', 'app'],
      ['REGION', 'project'],
    ],
  );
  const pushed = await shell.run([
    'env',
    'push',
    app.slug,
    file('override.env', 'LEVEL=debug\nREGION=eu\n'),
    '--prune',
    '--yes',
    '--json',
    '--quiet',
  ]);
  assert.deepEqual(JSON.parse(pushed.stdout), {
    added: [],
    changed: ['LEVEL'],
    removed: ['OWN'],
    unchanged: ['REGION'],
    kept: [],
    applied: true,
  });
  const ran = await shell.run(['env', 'run', app.slug, '--', '/bin/sh', '-c', 'echo "$LEVEL $REGION"']);
  assert.equal(ran.stdout, 'debug eu\n');
  const unset = await shell.run(['env', 'unset', app.slug, 'REGION', '--yes']);
  assert.deepEqual([unset.code, /inherits REGION from its project/.test(unset.stderr)], [1, true]);
  assert.equal((await shell.run(['env', 'unset', app.slug, 'LEVEL', '--yes'])).code, 0);
  assert.equal((await variables())['LEVEL'], 'info');
  assert.equal((await shell.run(['env', 'unset', ...project, 'LEVEL', 'REGION', '--yes'])).code, 0);
  const versions = JSON.parse((await shell.run(['env', 'versions', ...project, '--json'])).stdout);
  assert.deepEqual(versions[0].removed, ['LEVEL', 'REGION']);
  const restored = await shell.run(['env', 'restore', ...project, '1', '--yes', '--json']);
  assert.deepEqual(
    JSON.parse(restored.stdout).map(({ name }: { name: string }) => name),
    ['LEVEL'],
  );
  assert.equal((await shell.run(['env', 'unset', ...project, 'LEVEL', '--yes'])).code, 0);
});

test('a member lists the names; pull and run fail instead of using blank values', async () => {
  await setVariables(owner, app, { DATABASE_URL: 'postgres://shop:hunter2hunter2@db' });
  const member = await signUpMember(server, owner, 'member', 'mia@example.com');
  const environment = { DEVPILOT_TOKEN: member.cookie.split('=')[1] ?? '' };
  const listed = await shell.run(['env', 'list', app.slug], { environment });
  assert.deepEqual([listed.code, /DATABASE_URL/.test(listed.stdout)], [0, true], listed.stderr);
  for (const args of [
    ['env', 'pull', app.slug],
    ['env', 'pull', app.slug, '--output', 'members.env'],
    ['env', 'run', app.slug, '--', 'touch', 'started'],
  ]) {
    const refused = await shell.run(args, { environment });
    assert.deepEqual([refused.code, refused.stdout], [1, ''], args.join(' '));
    assert.match(refused.stderr, /This requires an owner or admin of the workspace; you are a member/);
  }
  for (const file of ['members.env', 'started']) assert.equal(existsSync(join(shell.directory, file)), false);
});
