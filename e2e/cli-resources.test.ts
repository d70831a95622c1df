import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Analytics } from '../src/contract/activity.ts';
import type { App } from '../src/contract/apps.ts';
import type { ErrorIssueDetail } from '../src/contract/errors.ts';
import type { Project } from '../src/contract/projects.ts';
import type { Server, ServerCheck } from '../src/contract/servers.ts';
import { startSshd, type TestSshd } from '../src/testing/sshd.ts';
import {
  createKey,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../src/testing/test-server.ts';
import { type CliShell, openCliShell } from './cli-shell.ts';
import { reportErrors, SAMPLE_STACK } from './resource-fixtures.ts';

// The tests run in order: later ones use the project and the server that earlier ones created.
let server: TestServer;
let owner: TestPerson;
let shell: CliShell;
let sshd: TestSshd;
const json = <Body>(text: string) => JSON.parse(text) as Body;

before(async () => {
  server = await startTestServer();
  owner = await signUpOwner(server);
  sshd = await startSshd();
  const { secret } = await createKey(owner, ['manage_projects', 'manage_apps', 'manage_servers']);
  shell = openCliShell({ DEVPILOT_URL: server.url, DEVPILOT_TOKEN: secret });
});
after(async () => {
  await sshd?.close();
  await server?.close();
});

describe('projects, servers and apps', () => {
  test('projects are created, listed, updated and deleted', async () => {
    const created = await shell.run(['projects', 'create', '--name', 'Web shop', '--slug', 'shop', '--json']);
    assert.equal(created.code, 0, created.stderr);
    const project = json<Project>(created.stdout);
    assert.deepEqual([project.name, project.slug, project.description], ['Web shop', 'shop', null]);
    const args = ['projects', 'update', 'shop', '--description', 'Sells', '--json', '--quiet'];
    assert.equal(json<Project>((await shell.run(args)).stdout).description, 'Sells');
    const empty = await shell.run(['projects', 'update', 'shop', '--description', '', '--json', '--quiet']);
    assert.deepEqual([json<Project>(empty.stdout).description, empty.stderr], [null, '']);
    const listed = await shell.run(['projects', 'list', '--search', 'web', '--sort', '-name', '--limit', '1']);
    assert.match(listed.stdout, new RegExp(`^${project.id}\tshop\tWeb shop\t`));
    assert.match((await shell.run(['projects', 'create'])).stderr, /name/i);
    assert.match((await shell.run(['projects', 'update', 'shop'])).stderr, /Nothing to update/);
    const secondProject = await shell.run(['projects', 'create', '--name', 'Second', '--quiet']);
    assert.match((await shell.run(['projects', 'delete', 'second'])).stderr, /--yes is required/);
    const deleted = await shell.run(['projects', 'delete', secondProject.stdout.trim(), '--yes', '--json']);
    assert.deepEqual(json(deleted.stdout), [{ id: secondProject.stdout.trim(), name: 'Second', deleted: true }]);
    assert.match((await shell.run(['projects', 'show', 'second'])).stderr, /The project was not found/);
  });

  test('a command that deletes several projects names those it deleted, even if it fails at a later one', async () => {
    for (const name of ['Empty', 'Filled']) await shell.run(['projects', 'create', '--name', name]);
    await shell.run(['apps', 'create', '--project', 'filled', '--name', 'Filler']);
    const { code, stderr } = await shell.run(['projects', 'delete', 'empty', 'filled', '--yes']);
    assert.equal(code, 1);
    assert.match(stderr, /^Deleted project Empty \(prj_\w+\)\.\n.*apps/);
    await shell.run(['apps', 'delete', 'filler', '--yes']);
    await shell.run(['projects', 'delete', 'filled', '--yes']);
  });

  test('a server is created, and passes the check once its host key is pinned', async () => {
    const created = await shell.run([
      'servers',
      'create',
      '--name',
      'Web 1',
      '--host',
      '127.0.0.1',
      '--port',
      String(sshd.port),
      '--user',
      sshd.user,
    ]);
    assert.equal(created.code, 0, created.stderr);
    const publicKey = /^Public key\s+(ssh-ed25519 .*)$/m.exec(created.stdout)?.[1] ?? '';
    sshd.authorize([publicKey]);
    const unpinned = await shell.run(['servers', 'check', 'web-1', '--json']);
    const check = json<ServerCheck>(unpinned.stdout);
    assert.deepEqual([unpinned.code, check.ok, check.hostKey], [1, false, sshd.hostKey]);
    const pinned = await shell.run(['servers', 'update', 'web-1', '--host-key', check.hostKey ?? '', '--json']);
    assert.equal(json<Server>(pinned.stdout).hostKey, sshd.hostKey);
    const passed = await shell.run(['servers', 'check', 'web-1']);
    assert.deepEqual([passed.code, passed.stdout], [0, `${sshd.hostKey}\n`], passed.stderr);
    assert.match((await shell.run(['servers', 'list'])).stdout, /\tweb-1\tWeb 1\tssh\t127\.0\.0\.1:\d+\t\w+\tpinned\t/);
    assert.match((await shell.run(['servers', 'create', '--name', 'Bad', '--port', 'x'])).stderr, /--port must be/);
  });

  test('an app is created from options and a file, gets a repository password and a deploy key, and is deleted; a server in use is not deleted', async () => {
    const hooks = [{ name: 'Build', stage: 'post_source_control', run: 'npm ci' }];
    const healthCheck = { url: 'http://127.0.0.1:8080/healthz' };
    writeFileSync(join(shell.directory, 'app.json'), JSON.stringify({ hooks, healthCheck, branch: 'develop' }));
    const created = await shell.run([
      'apps',
      'create',
      '--project',
      'shop',
      '--name',
      'Front',
      '--server',
      'web-1',
      '--repository',
      'https://git.example.com/shop.git',
      '--directory',
      '/srv/shop',
      '--branch',
      'main',
      '--keep-releases',
      '3',
      '--require-variable',
      'DATABASE_URL',
      '--from',
      'app.json',
      '--json',
    ]);
    assert.equal(created.code, 0, created.stderr);
    const app = json<App>(created.stdout);
    assert.deepEqual([app.branch, app.keepReleases, app.hooks[0]?.timeoutSeconds], ['main', 3, 600]);
    assert.equal(app.healthCheck?.url, healthCheck.url);
    assert.deepEqual(app.requiredVariables, ['DATABASE_URL']);
    const changed = await shell.run(
      ['apps', 'update', 'front', '--log-command', 'tail -n 10 log', '--require-variable', '', '--from', '-', '--json'],
      {
        input: '{ "healthCheck": null }',
      },
    );
    const updated = json<App>(changed.stdout);
    assert.deepEqual(
      [updated.healthCheck, updated.logCommand, updated.requiredVariables],
      [null, 'tail -n 10 log', []],
    );
    assert.match((await shell.run(['apps', 'show', app.id])).stdout, /Hooks\s+Build \(post_source_control\)\n/);
    assert.equal((await shell.run(['apps', 'list', '--project', 'shop', '--quiet'])).stdout, `${app.id}\n`);
    const withPassword = await shell.run(
      ['apps', 'update', 'front', '--repository-user', 'deploy', '--repository-password', '-', '--json'],
      { input: 'a token of the git host\n' },
    );
    assert.deepEqual(
      [json<App>(withPassword.stdout).hasRepositoryPassword, withPassword.stdout.includes('a token')],
      [true, false],
      withPassword.stderr,
    );
    assert.match(
      (await shell.run(['apps', 'show', app.id])).stdout,
      /Repository credentials\s+deploy, password stored\n/,
    );
    const repository = `ssh://git@127.0.0.1:${sshd.port}/srv/shop.git`;
    await shell.run(['apps', 'create', '--project', 'shop', '--name', 'Keyed', '--repository', repository]);
    assert.match(
      (await shell.run(['apps', 'deploy-key', 'keyed', '--quiet'])).stdout,
      /^ssh-ed25519 \S+ devpilot-keyed\n$/,
    );
    const checked = await shell.run(['apps', 'deploy-key', 'keyed', '--check']);
    assert.deepEqual([checked.code, checked.stdout], [0, `${sshd.hostKey}\n`], checked.stderr);
    const confirmation = await shell.run(['apps', 'deploy-key', 'keyed', '--confirm', sshd.hostKey, '--yes']);
    assert.notEqual(confirmation.code, 0, 'an API key cannot confirm a host key');
    assert.equal((await shell.run(['apps', 'deploy-key', 'keyed', '--delete', '--yes'])).code, 0);
    assert.equal((await shell.run(['apps', 'delete', 'keyed', '--yes'])).code, 0);
    const onCommandLine = await shell.run(['apps', 'update', 'front', '--repository-password', 'secret']);
    assert.deepEqual([onCommandLine.code, /shell history/.test(onCommandLine.stderr)], [1, true]);
    const serverInUse = await shell.run(['servers', 'delete', 'web-1', '--yes']);
    assert.deepEqual([serverInUse.code, /Front/.test(serverInUse.stderr)], [1, true]);
    const unknown = await shell.run(['apps', 'update', 'front', '--from', '-'], { input: '{ "colour": "red" }' });
    assert.deepEqual([unknown.code, /colour/.test(unknown.stderr)], [1, true]);
    for (const input of ['[]', 'no json']) {
      assert.equal((await shell.run(['apps', 'update', 'front', '--from', '-'], { input })).code, 1);
    }
    assert.equal((await shell.run(['apps', 'delete', 'front', '--yes'])).code, 0);
    assert.equal((await shell.run(['servers', 'delete', 'web-1', '--yes'])).code, 0);
  });
});

describe('activity', () => {
  test('events from options, a JSON array and NDJSON lines are stored once, listed and counted', async () => {
    const environmentWith = (secret: string) => ({ environment: { DEVPILOT_TOKEN: secret } });
    const sender = environmentWith((await createToken(owner, ['activity_tracker'])).secret);
    const reader = environmentWith((await createToken(owner, ['activity_tracker_analytics'])).secret);
    const sendOrder = [
      'activity',
      'send',
      '--type',
      'order.placed',
      '--source',
      '/shop',
      '--subject',
      'ada',
      '--data',
      '{"total":42}',
    ];
    const sent = await shell.run([...sendOrder, '--id', 'first'], sender);
    assert.deepEqual([sent.code, sent.stderr], [0, 'Events sent: 1 new, 0 duplicates.\n']);
    const repeated = await shell.run([...sendOrder, '--id', 'first', '--json'], sender);
    assert.deepEqual(json(repeated.stdout), { accepted: 0, duplicates: 1 });
    const event = (id: number, type: string) => ({ specversion: '1.0', id: String(id), source: '/shop', type });
    const events = Array.from({ length: 1200 }, (_, index) => event(index, 'order.paid'));
    const batch = await shell.run(['activity', 'send', '-', '--json'], { ...sender, input: JSON.stringify(events) });
    assert.deepEqual(json(batch.stdout), { accepted: 1200, duplicates: 0 }, batch.stderr);
    const lines = [event(5000, 'mail.sent'), event(5001, 'mail.sent')].map((line) => JSON.stringify(line)).join('\n');
    assert.equal((await shell.run(['activity', 'send', '-'], { ...sender, input: lines })).code, 0);
    for (const input of ['', 'no json', '[1]']) {
      assert.equal((await shell.run(['activity', 'send', '-'], { ...sender, input })).code, 1);
    }
    assert.match((await shell.run(['activity', 'send'], sender)).stderr, /--type and --source/);
    const both = await shell.run(['activity', 'send', '-', '--type', 'order.paid'], { ...sender, input: lines });
    assert.deepEqual([both.code, both.stderr.includes('--type describes a single event')], [1, true]);

    const listed = await shell.run(['activity', 'events', '--type', 'order.placed'], reader);
    assert.match(listed.stdout, /\torder\.placed\t\/shop\tada\tfirst\n$/);
    const analytics = ['activity', 'analytics', '--interval', 'hour', '--group-by', 'type'];
    assert.equal(json<Analytics>((await shell.run([...analytics, '--json'], reader)).stdout).total, 1203);
    const shown = await shell.run(analytics, reader);
    assert.match(shown.stdout, /\torder\.paid\t\d+\t/);
    assert.equal(shown.stderr, '1203 events.\n');
    const csv = await shell.run(['activity', 'events', '--csv'], reader);
    assert.equal(csv.stdout.trim().split('\n').length, 1204);
    assert.match((await shell.run([...analytics, '--csv'], reader)).stdout, /order\.paid/);
  });
});

describe('errors', () => {
  test('issues are listed, shown with their stack trace, resolved, reopened, muted and deleted', async () => {
    const report = {
      type: 'TypeError',
      message: 'order is undefined',
      stack: SAMPLE_STACK,
      app: 'shop',
      release: 'shop@1',
    };
    const [issue = ''] = await reportErrors(server, owner, [report, { type: 'RangeError', message: 'too far' }]);
    const environment = { DEVPILOT_TOKEN: (await createToken(owner, ['error_tracker'])).secret };
    const listed = await shell.run(['errors', 'list', '--app', 'shop', '--status', 'open'], { environment });
    assert.match(listed.stdout, new RegExp(`^${issue}\topen\terror\t1\t[^\t]+\tshop\t.*TypeError.*\n$`));
    const shown = await shell.run(['errors', 'show', issue], { environment });
    assert.match(shown.stdout, /^Releases\s+shop@1 \(1\)$/m);
    assert.match(shown.stdout, /^\s*at totalOf \(\/srv\/shop\/current\/src\/basket\.ts:42:17\)$/m);
    assert.equal((await shell.run(['errors', 'resolve', issue], { environment })).code, 0);
    assert.equal(
      (await shell.run(['errors', 'list', '--status', 'resolved', '--quiet'], { environment })).stdout,
      `${issue}\n`,
    );
    const reopened = await shell.run(['errors', 'reopen', issue, '--json'], { environment });
    assert.equal(json<ErrorIssueDetail[]>(reopened.stdout)[0]?.status, 'open');
    assert.equal((await shell.run(['errors', 'resolve', 'iss_none'], { environment })).code, 1);
    const muted = await shell.run(['errors', 'mute', issue, '--json'], { environment });
    assert.equal(json<ErrorIssueDetail[]>(muted.stdout)[0]?.status, 'muted');
    assert.notEqual((await shell.run(['errors', 'delete', issue], { environment })).code, 0);
    assert.equal((await shell.run(['errors', 'delete', issue, '--yes'], { environment })).code, 0);
    assert.equal((await shell.run(['errors', 'show', issue], { environment })).code, 1);
  });
});
