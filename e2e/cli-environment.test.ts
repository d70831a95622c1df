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

const AWKWARD_VALUES = {
  QUOTES: `it's "quoted" \\ and \`back\``,
  LINES: 'one\ntwo\r\nthree\n',
  HASH: 'a # b',
  DOLLAR: '$HOME $(touch x) $$ ${',
  UMLAUT: 'schön 🚲',
  EMPTY: '',
};
const readVariables = async () => {
  const { body } = await owner.call<{ data: { name: string; value: string }[] }>(`/v1/apps/${app.id}/env`);
  return Object.fromEntries(body.data.map(({ name, value }) => [name, value]));
};
const createFile = (name: string, content: string) => {
  writeFileSync(join(shell.directory, name), content);
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
after(() => server?.close());
beforeEach(async () => {
  const removals = Object.keys(await readVariables()).map((name) => [name, null]);
  await setVariables(owner, app, Object.fromEntries(removals));
});

describe('pull and list', () => {
  test('push restores exactly what pull has written, as dotenv and as JSON', async () => {
    await setVariables(owner, app, AWKWARD_VALUES);
    for (const format of ['dotenv', 'json']) {
      const pulled = await shell.run(['env', 'pull', app.slug, '--format', format]);
      assert.deepEqual([pulled.code, pulled.stderr], [0, '']);
      await setVariables(owner, app, Object.fromEntries(Object.keys(AWKWARD_VALUES).map((name) => [name, null])));
      const pushed = await shell.run(['env', 'push', app.slug, '-', '--format', format, '--yes'], {
        input: pulled.stdout,
      });
      assert.equal(pushed.code, 0, pushed.stderr);
      assert.deepEqual(await readVariables(), AWKWARD_VALUES);
    }
  });

  test('a format that cannot represent a value is refused, and the message names the variable', async () => {
    await setVariables(owner, app, { LINES: 'one\ntwo', PLAIN: "it's" });
    const shellFile = await shell.run(['env', 'pull', app.slug, '--format', 'shell']);
    assert.equal(shellFile.stdout, `LINES='one\ntwo'\nPLAIN="it's"\n`);
    const refused = await shell.run(['env', 'pull', app.slug, '--format', 'docker']);
    assert.deepEqual(
      [refused.code, refused.stdout, refused.stderr],
      [1, '', 'devpilot: The format docker cannot represent the value of LINES: it has a line break.\n'],
    );
  });

  test('pull writes a file of mode 0600, even over a file that others could read; a missing directory and an unknown format are reported', async () => {
    await setVariables(owner, app, { KEY: 'value' });
    const path = join(shell.directory, '.env');
    writeFileSync(path, 'OLD=1\n');
    chmodSync(path, 0o644);
    const { code, stdout } = await shell.run(['env', 'pull', app.slug, '--output', '.env']);
    assert.deepEqual([code, stdout], [0, '']);
    assert.equal(readFileSync(path, 'utf8'), 'KEY=value\n');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const missingDirectory = await shell.run(['env', 'pull', app.slug, '--output', 'no/such/.env']);
    assert.match(missingDirectory.stderr, /no\/such\/\.env cannot be written: no such file or directory/);
    assert.equal(missingDirectory.code, 1);
    assert.match(
      (await shell.run(['env', 'pull', app.slug, '--format', 'yaml'])).stderr,
      /one of: dotenv, node, python, shell, systemd, docker, json/,
    );
  });

  test('list prints names and no values', async () => {
    await setVariables(owner, app, { KEY: 'hidden value' });
    const { stdout } = await shell.run(['env', 'list', app.slug]);
    assert.match(stdout, /^KEY\t\d{4}-/);
    assert.equal((await shell.run(['env', 'list', app.slug, '--quiet'])).stdout, 'KEY\n');
    assert.ok(!(await shell.run(['env', 'list', app.slug, '--json'])).stdout.includes('hidden value'));
  });
});

describe('push', () => {
  test('shows names with masked values, requires --yes without a terminal, and keeps variables that are not in the file', async () => {
    await setVariables(owner, app, { SAME: 'same', CHANGED: 'before', KEPT: 'stays' });
    const name = createFile('next.env', 'SAME=same\nCHANGED=after-secret\nNEW=new-secret\n');
    const refused = await shell.run(['env', 'push', app.slug, name]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^\+ NEW=•+$/m);
    assert.match(refused.stderr, /^~ CHANGED=•+$/m);
    assert.match(refused.stderr, /Variables that are not in the file are kept \(remove them with --prune\): KEPT/);
    assert.match(refused.stderr, /1 added, 1 changed, 0 removed\? Without a terminal, --yes is required/);
    assert.ok(!/secret|before|same/.test(refused.stderr.replaceAll(name, '')));
    assert.equal((await readVariables())['CHANGED'], 'before');

    const pushed = await shell.run(['env', 'push', app.slug, name, '--yes', '--json', '--quiet']);
    assert.equal(pushed.stderr, '');
    assert.deepEqual(JSON.parse(pushed.stdout), {
      added: ['NEW'],
      changed: ['CHANGED'],
      removed: [],
      unchanged: ['SAME'],
      kept: ['KEPT'],
      applied: true,
    });
    assert.deepEqual(await readVariables(), {
      SAME: 'same',
      CHANGED: 'after-secret',
      NEW: 'new-secret',
      KEPT: 'stays',
    });
  });

  test('on a terminal, asks after showing the diff; "no" changes nothing and exits with 2', async () => {
    const name = createFile('greeting.env', 'GREETING=hidden-value\n');
    const refused = await shell.typeAtTerminal(['env', 'push', app.slug, name], [[/Change the environment/, 'n']]);
    assert.equal(refused.code, 2);
    assert.match(refused.stdout, /\+ GREETING=•+.*Change the environment.*Cancelled; nothing was changed/s);
    assert.deepEqual(await readVariables(), {});
    const pushed = await shell.typeAtTerminal(['env', 'push', app.slug, name], [[/Change the environment/, 'y']]);
    assert.equal(pushed.code, 0);
    assert.ok(!`${refused.stdout}${pushed.stdout}`.includes('hidden-value'));
    assert.deepEqual(await readVariables(), { GREETING: 'hidden-value' });
  });

  test('with --prune, removes variables that are not in the file; with --dry-run, changes nothing', async () => {
    await setVariables(owner, app, { KEPT: '1', DROPPED: '2' });
    const name = createFile('pruned.json', '{ "KEPT": "1" }');
    const dryRun = await shell.run(['env', 'push', app.slug, name, '--prune', '--dry-run']);
    assert.deepEqual([dryRun.code, dryRun.stderr], [0, '- DROPPED\n']);
    assert.deepEqual(await readVariables(), { KEPT: '1', DROPPED: '2' });
    assert.equal((await shell.run(['env', 'push', app.slug, name, '--prune', '--yes'])).code, 0);
    assert.deepEqual(await readVariables(), { KEPT: '1' });
    const secondPush = await shell.run(['env', 'push', app.slug, name, '--prune']);
    assert.deepEqual(
      [secondPush.code, secondPush.stderr],
      [0, `The environment of ${app.slug} is already up to date.\n`],
    );
  });

  test('an invalid or unreadable file is refused; the message names the line and prints nothing of its content', async () => {
    const badDotenv = await shell.run([
      'env',
      'push',
      app.slug,
      createFile('bad.env', 'A=1\nB="never closed\n'),
      '--yes',
    ]);
    assert.deepEqual(
      [badDotenv.code, badDotenv.stderr],
      [1, 'devpilot: bad.env, line 2: must have a closing quote.\n'],
    );
    const badJson = await shell.run(['env', 'push', app.slug, createFile('bad.json', '{"A": "top secret'), '--yes']);
    assert.deepEqual([badJson.code, badJson.stderr], [1, 'devpilot: bad.json is not valid JSON.\n']);
    const numberValue = await shell.run(['env', 'push', app.slug, createFile('number.json', '{"A": 5}'), '--yes']);
    assert.match(numberValue.stderr, /A must be a valid variable name with a string value/);
    writeFileSync(join(shell.directory, 'latin.env'), Buffer.from([0x41, 0x3d, 0xe4]));
    assert.match((await shell.run(['env', 'push', app.slug, 'latin.env', '--yes'])).stderr, /is not valid UTF-8/);
    assert.match(
      (await shell.run(['env', 'push', app.slug, 'none.env', '--yes'])).stderr,
      /cannot be read: no such file or directory/,
    );
    assert.deepEqual(await readVariables(), {});
  });
});

describe('set and unset', () => {
  test('set reads the value from standard input and never from the command line', async () => {
    const set = await shell.run(['env', 'set', app.slug, 'PEM'], { input: 'line one\nline two\n' });
    assert.deepEqual([set.code, set.stdout, set.stderr], [0, '', `Set PEM of ${app.slug}.\n`]);
    const dashed = await shell.run(['env', 'set', app.slug, 'DASHED=-', '--json'], { input: 'shown nowhere' });
    assert.equal(JSON.parse(dashed.stdout).name, 'DASHED');
    assert.ok(!dashed.stdout.includes('shown nowhere'));
    const onCommandLine = await shell.run(['env', 'set', app.slug, 'KEY=value']);
    assert.equal(onCommandLine.code, 1);
    assert.match(onCommandLine.stderr, /is saved in shell history/);
    assert.match((await shell.run(['env', 'set', app.slug, 'BLANK'])).stderr, /use --empty/);
    assert.equal((await shell.run(['env', 'set', app.slug, 'BLANK', '--empty'])).code, 0);
    assert.match(
      (await shell.run(['env', 'set', app.slug, '9BAD'], { input: 'x' })).stderr,
      /A variable name must consist of/,
    );
    assert.deepEqual(await readVariables(), { PEM: 'line one\nline two', DASHED: 'shown nowhere', BLANK: '' });
  });

  test('on a terminal, the value is typed without echo', async () => {
    const typed = await shell.typeAtTerminal(['env', 'set', app.slug, 'TYPED'], [[/Value of TYPED/, 'unseen value\r']]);
    assert.equal(typed.code, 0, typed.stdout);
    assert.ok(!typed.stdout.includes('unseen'));
    assert.deepEqual(await readVariables(), { TYPED: 'unseen value' });
  });

  test('unset removes all or none, and an earlier version restores them', async () => {
    await setVariables(owner, app, { A: '1', B: '2', C: '3' });
    assert.equal((await shell.run(['env', 'unset', app.slug, 'A', 'X', '--yes'])).code, 1);
    assert.match((await shell.run(['env', 'unset', app.slug, 'A'])).stderr, /--yes is required/);
    assert.deepEqual(await readVariables(), { A: '1', B: '2', C: '3' });
    assert.equal((await shell.run(['env', 'unset', app.slug, 'A', 'B', '--yes'])).code, 0);
    assert.deepEqual(await readVariables(), { C: '3' });
    const versions = JSON.parse((await shell.run(['env', 'versions', app.slug, '--limit', '2', '--json'])).stdout);
    assert.deepEqual(versions[0].removed, ['A', 'B']);
    const args = ['env', 'restore', app.slug, String(versions[1].version), '--yes'];
    assert.equal((await shell.run(args)).code, 0);
    assert.deepEqual(await readVariables(), { A: '1', B: '2', C: '3' });
  });

  test('an unknown app and a missing scope are reported', async () => {
    const unknownApp = await shell.run(['env', 'pull', 'no-such-app']);
    assert.equal(unknownApp.code, 1);
    const tokenWithoutScope = await createToken(owner, ['run_scripts']);
    const refused = await shell.run(['env', 'pull', app.slug], {
      environment: { DEVPILOT_TOKEN: tokenWithoutScope.secret },
    });
    assert.match(refused.stderr, /Required: modify_env/);
  });
});

describe('run', () => {
  const nodeCommand = (text: string) => ['--', process.execPath, '-e', text];

  test('passes the variables but not the credential to the command, and exits with its code', async () => {
    await setVariables(owner, app, { ...AWKWARD_VALUES, PATH_LIKE: 'x' });
    const script =
      'process.stdout.write(JSON.stringify([process.env, process.umask(), process.argv.slice(1)])); process.exit(7)';
    const ran = await shell.run(['env', 'run', app.slug, ...nodeCommand(script), '--', '--json', '$HOME', 'a b']);
    assert.equal(ran.code, 7, ran.stderr);
    assert.equal(ran.stderr, '');
    const [environment, umask, args] = JSON.parse(ran.stdout);
    for (const [name, value] of Object.entries(AWKWARD_VALUES)) assert.equal(environment[name], value, name);
    assert.equal(environment.HOME, shell.directory);
    assert.equal(umask, process.umask());
    assert.deepEqual(args, ['--json', '$HOME', 'a b']);
    assert.deepEqual([environment.DEVPILOT_TOKEN, environment.DEVPILOT_PASSPHRASE], [undefined, undefined]);
    assert.ok(!ran.stdout.includes(secret));
  });

  test('forwards standard input and signals, and ends with the signal that ended the command', async () => {
    const echo = await shell.run(['env', 'run', app.slug, '--', 'cat'], { input: 'through' });
    assert.deepEqual([echo.code, echo.stdout], [0, 'through']);
    const waitScript = 'console.log("ready"); setInterval(() => {}, 1000);';
    const handlingSignal = shell.start([
      'env',
      'run',
      app.slug,
      ...nodeCommand(`process.on("SIGTERM", () => process.exit(3)); ${waitScript}`),
    ]);
    handlingSignal.stdout?.once('data', () => handlingSignal.kill('SIGTERM'));
    assert.equal((await collectResult(handlingSignal)).code, 3);
    const endedBySignal = shell.start(['env', 'run', app.slug, ...nodeCommand(waitScript)]);
    endedBySignal.stdout?.once('data', () => endedBySignal.kill('SIGINT'));
    await collectResult(endedBySignal);
    assert.equal(endedBySignal.signalCode, 'SIGINT');
  });

  test('exits with 127 if the command is not found, 126 if it is not executable, and 1 if it is missing', async () => {
    assert.equal((await shell.run(['env', 'run', app.slug, '--', 'no-such-command'])).code, 127);
    createFile('plain', 'text');
    assert.equal((await shell.run(['env', 'run', app.slug, '--', './plain'])).code, 126);
    assert.equal((await shell.run(['env', 'run', app.slug])).code, 1);
  });
});

test('an app inherits the variables of its project: push does not copy equal values to the app, and removes only variables of the app', async () => {
  const projectArgs = ['shop', '--project'];
  const setLevel = await shell.run(['env', 'set', ...projectArgs, 'LEVEL'], { input: 'info' });
  assert.deepEqual([setLevel.code, setLevel.stderr], [0, 'Set LEVEL of shop.\n']);
  assert.equal(
    (await shell.run(['env', 'push', ...projectArgs, createFile('shared.json', '{"REGION":"eu"}'), '--yes'])).code,
    0,
  );
  await setVariables(owner, app, { APP_ONLY: '1' });
  const pulled = await shell.run(['env', 'pull', app.slug]);
  assert.equal(pulled.stdout, 'APP_ONLY=1\nLEVEL=info\nREGION=eu\n');
  const list = JSON.parse((await shell.run(['env', 'list', app.slug, '--json'])).stdout);
  assert.deepEqual(
    list.map(({ name, from }: { name: string; from: string }) => [name, from]),
    [
      ['APP_ONLY', 'app'],
      ['LEVEL', 'project'],
      ['REGION', 'project'],
    ],
  );
  const pushed = await shell.run([
    'env',
    'push',
    app.slug,
    createFile('override.env', 'LEVEL=debug\nREGION=eu\n'),
    '--prune',
    '--yes',
    '--json',
    '--quiet',
  ]);
  assert.deepEqual(JSON.parse(pushed.stdout), {
    added: [],
    changed: ['LEVEL'],
    removed: ['APP_ONLY'],
    unchanged: ['REGION'],
    kept: [],
    applied: true,
  });
  const ran = await shell.run(['env', 'run', app.slug, '--', '/bin/sh', '-c', 'echo "$LEVEL $REGION"']);
  assert.equal(ran.stdout, 'debug eu\n');
  const unset = await shell.run(['env', 'unset', app.slug, 'REGION', '--yes']);
  assert.deepEqual([unset.code, /inherits REGION from its project/.test(unset.stderr)], [1, true]);
  assert.equal((await shell.run(['env', 'unset', app.slug, 'LEVEL', '--yes'])).code, 0);
  assert.equal((await readVariables())['LEVEL'], 'info');
  assert.equal((await shell.run(['env', 'unset', ...projectArgs, 'LEVEL', 'REGION', '--yes'])).code, 0);
  const versions = JSON.parse((await shell.run(['env', 'versions', ...projectArgs, '--json'])).stdout);
  assert.deepEqual(versions[0].removed, ['LEVEL', 'REGION']);
  const restored = await shell.run(['env', 'restore', ...projectArgs, '1', '--yes', '--json']);
  assert.deepEqual(
    JSON.parse(restored.stdout).map(({ name }: { name: string }) => name),
    ['LEVEL'],
  );
  assert.equal((await shell.run(['env', 'unset', ...projectArgs, 'LEVEL', '--yes'])).code, 0);
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
