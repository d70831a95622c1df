import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { AccessToken } from '../src/contract/access-tokens.ts';
import type { Backup } from '../src/contract/backups.ts';
import type { Deployment } from '../src/contract/deployments.ts';
import type { LogLine } from '../src/contract/logs.ts';
import type { Run, Script } from '../src/contract/scripts.ts';
import type { Server } from '../src/contract/servers.ts';
import type { WorkloadExchange, WorkloadIdentity } from '../src/contract/workload-identities.ts';
import { createServerResource, createTestApp, getDeployment, type TestApp } from '../src/testing/test-deployments.ts';
import {
  bearer,
  createKey,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';
import { startWorkloadIssuer, type WorkloadIssuer } from '../src/testing/workload-issuer.ts';
import { type CliShell, collectResult, openCliShell } from './cli-shell.ts';

// The tests run in order: later ones use deployments and scripts that earlier ones created.
let testServer: TestServer;
let owner: TestPerson;
let server: Server;
let app: TestApp;
let shell: CliShell;
let advancedTokenEnvironment: { DEVPILOT_TOKEN: string };
let approverEnvironment: { DEVPILOT_TOKEN: string };
let scriptsTokenEnvironment: { DEVPILOT_TOKEN: string };
let keyEnvironment: { DEVPILOT_TOKEN: string };
const json = <Body>(text: string) => JSON.parse(text) as Body;
/** Returns the ID of the deployment that created the live release: the name of the release's directory. */
const readLiveDeploymentId = () => readlinkSync(join(app.directory, 'current')).split('/').at(-1);

before(async () => {
  testServer = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on', DEVPILOT_OUTBOUND: 'any' } });
  owner = await signUpOwner(testServer);
  server = await createServerResource(owner);
  app = await createTestApp(owner, server.id, {
    hooks: [
      { name: 'Build', stage: 'post_source_control', run: 'echo building; test ! -e broken' },
      { name: 'Notify', stage: 'post_release', run: 'echo notified' },
    ],
    logCommand: 'printf "first\\nsecond\\nthird\\n"',
  });
  const environmentWith = async (credential: Promise<{ secret: string }>) => ({
    DEVPILOT_TOKEN: (await credential).secret,
  });
  const basic = await environmentWith(createToken(owner, ['basic_deployment']));
  advancedTokenEnvironment = await environmentWith(createToken(owner, ['advanced_deployment']));
  approverEnvironment = await environmentWith(createToken(owner, ['advanced_deployment'], { name: 'Approver' }));
  scriptsTokenEnvironment = await environmentWith(createToken(owner, ['run_scripts']));
  keyEnvironment = await environmentWith(
    createKey(owner, ['read', 'write', 'delete', 'deploy', 'view_logs', 'manage_backups']),
  );
  shell = openCliShell({ DEVPILOT_URL: testServer.url, ...basic });
});
after(() => testServer?.close());

describe('deployments', () => {
  test('deploy --follow prints the log and exits with 0 once the release is live', async () => {
    const { code, stdout, stderr } = await shell.run(['deploy', app.slug, '--follow']);
    assert.match(stderr, /^Deployment dpl_\w+ created\.$/m);
    assert.doesNotMatch(stderr, /Waiting for/);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^building$/m);
    assert.match(stdout, /^── .*Build/m);
    assert.match(stdout, /^notified$/m);
    assert.match(stderr, /^Deployment dpl_\w+ completed: commit [0-9a-f]{40}\.$/m);
    assert.match(stderr, new RegExp(`Deployment ${readLiveDeploymentId()} completed`));
    const shown = await shell.run(['deployments', 'show', readLiveDeploymentId() ?? '']);
    assert.match(shown.stdout, /Status\s+completed, 100%\n/);
    assert.match(shown.stdout, /Live\s+yes\n/);
  });

  test('if a hook fails, deploy exits with 1, prints the reason and keeps the live release; --skip-hook requires advanced_deployment', async () => {
    const releaseBefore = readLiveDeploymentId();
    app.repository.commit({ broken: 'yes' }, 'Breaks');
    const { code, stdout, stderr } = await shell.run(['deploy', app.slug, '--follow', '--json']);
    assert.equal(code, 1);
    const finished = json<Deployment>(stdout);
    assert.equal(finished.status, 'failed');
    // Standard output contains only the deployment; its log goes to standard error.
    assert.match(stderr, /^building$/m);
    assert.match(stderr, /^\{"error":\{"code":"failed","message":"Deployment dpl_\w+ failed: .*Build/m);
    assert.equal(readLiveDeploymentId(), releaseBefore);
    const deployArgs = ['deploy', app.slug, '--wait', '--skip-hook', 'Build', '--quiet'];
    const refused = await shell.run(deployArgs);
    assert.deepEqual([refused.code, /Required: advanced_deployment/.test(refused.stderr)], [1, true]);
    assert.deepEqual(await shell.run(deployArgs, { environment: advancedTokenEnvironment }), {
      code: 0,
      stdout: '',
      stderr: '',
    });
    assert.notEqual(readLiveDeploymentId(), releaseBefore);
  });

  test('list applies filters, retry is refused after a newer deployment, rollback repeats an earlier deployment, and unknown values are reported', async () => {
    const failed = json<Deployment[]>(
      (await shell.run(['deployments', 'list', '--app', app.slug, '--status', 'failed', '--json'])).stdout,
    );
    assert.equal(failed.length, 1);
    const refusedRetry = await shell.run(['deployments', 'retry', failed[0]?.id ?? '', '--wait']);
    assert.deepEqual([refusedRetry.code, /A newer deployment of this app/.test(refusedRetry.stderr)], [1, true]);
    const completed = await shell.run(['deployments', 'list', '--status', 'completed', '--quiet']);
    const firstId = completed.stdout.trim().split('\n').at(-1) ?? '';
    const rolledBack = await shell.run(['deployments', 'rollback', firstId, '--wait', '--json']);
    assert.equal(rolledBack.code, 0, rolledBack.stderr);
    const deployment = json<Deployment>(rolledBack.stdout);
    assert.deepEqual([deployment.kind, deployment.rollbackOf, deployment.live], ['rollback', firstId, true]);
    const liveOnly = await shell.run(['deployments', 'list', '--live', '--quiet']);
    assert.equal(liveOnly.stdout, `${deployment.id}\n`);
    assert.equal((await shell.run(['deployments', 'list', '--limit', '1', '--quiet'])).stdout, `${deployment.id}\n`);
    assert.equal((await shell.run(['deploy', 'no-such-app'])).code, 1);
    assert.match((await shell.run(['deploy', app.slug, '--at', 'soon'])).stderr, /--at must be/);
    assert.match((await shell.run(['deployments', 'list', '--status', 'unknown'])).stderr, /must be one of/);
  });

  test('someone else approves a deployment; --replace cancels a pending one; --wait exits with 2 if the deployment is cancelled', async () => {
    const created = await shell.run(
      ['deploy', app.slug, '--approval', '--commit', app.repository.git('rev-parse', 'HEAD~1'), '--json'],
      {
        environment: advancedTokenEnvironment,
      },
    );
    const { id, waitingFor } = json<Deployment>(created.stdout);
    assert.equal(waitingFor, 'approval');
    assert.match(created.stderr, new RegExp(`devpilot logs ${id} --follow`));
    const follower = shell.start(['deploy', app.slug, '--approval', '--wait', '--replace'], {
      environment: advancedTokenEnvironment,
    });
    const result = collectResult(follower);
    await until(async () => (await getDeployment(owner, id)).status === 'cancelled');
    const pendingId = (await shell.run(['deployments', 'list', '--status', 'pending', '--quiet'])).stdout.trim();
    const cancelled = await shell.run(['deployments', 'cancel', pendingId]);
    assert.deepEqual([cancelled.code, cancelled.stderr], [0, `Deployment ${pendingId} was cancelled.\n`]);
    const { code, stderr } = await result;
    assert.equal(code, 2);
    assert.match(
      stderr,
      new RegExp(`Waiting for approval. Approve it with: devpilot deployments approve ${pendingId}`),
    );
    assert.match(stderr, new RegExp(`devpilot: Deployment ${pendingId} was cancelled`));
    const waiting = await shell.run(['deploy', app.slug, '--approval', '--skip-hook', 'Build', '--quiet'], {
      environment: advancedTokenEnvironment,
    });
    const waitingId = waiting.stdout.trim();
    const approveArgs = ['deployments', 'approve', waitingId, '--json'];
    const selfApproval = await shell.run(approveArgs, { environment: advancedTokenEnvironment });
    assert.match(selfApproval.stderr, /Someone else must approve/);
    const approved = await shell.run(approveArgs, { environment: approverEnvironment });
    assert.equal(approved.code, 0, approved.stderr);
    await until(async () => (await getDeployment(owner, waitingId)).status === 'completed');
    const promoted = await shell.run(['deployments', 'promote', waitingId], { environment: advancedTokenEnvironment });
    assert.equal(promoted.code, 1, 'only a canary can be promoted');
  });

  test('when interrupted, --follow says how to follow again, and the deployment continues', async () => {
    const follower = shell.start(['deploy', app.slug, '--approval', '--follow'], {
      environment: advancedTokenEnvironment,
    });
    const result = collectResult(follower);
    await new Promise((resolve) => follower.stderr?.once('data', resolve));
    const id = (await shell.run(['deployments', 'list', '--status', 'pending', '--quiet'])).stdout.trim();
    follower.kill('SIGINT');
    const { code, stderr } = await result;
    assert.equal(code, 130);
    assert.match(
      stderr,
      new RegExp(`Deployment ${id} continues on the server. Check on it with: devpilot logs ${id} --follow`),
    );
    assert.equal((await getDeployment(owner, id)).status, 'pending');
    assert.equal((await shell.run(['deployments', 'cancel', id, '--quiet'])).code, 0);
  });
});

describe('logs', () => {
  test('of a deployment are printed as text or NDJSON, from the requested line on', async () => {
    const id = readLiveDeploymentId() ?? '';
    const lines = (await shell.run(['logs', id, '--json'])).stdout
      .trim()
      .split('\n')
      .map((line) => json<LogLine>(line));
    assert.ok(lines.some(({ text }) => text === 'notified'));
    const lastTwoLines = await shell.run(['logs', id, '--json', '--from', String(lines.length - 2)]);
    assert.deepEqual(
      lastTwoLines.stdout
        .trim()
        .split('\n')
        .map((line) => json<LogLine>(line)),
      lines.slice(-2),
    );
    const withTimestamps = await shell.run(['logs', id, '--timestamps', '--follow']);
    assert.match(withTimestamps.stdout, /^\d{4}-\d\d-\d\dT[\d:.]+Z notified$/m);
    assert.equal((await shell.run(['logs', 'dpl_00000000000000000000000000'])).code, 1);
  });

  test('of an app are the output of its log command', async () => {
    const { code, stdout, stderr } = await shell.run(['logs', app.slug, '--from', '1'], {
      environment: keyEnvironment,
    });
    assert.deepEqual([code, stdout], [0, 'second\nthird\n'], stderr);
  });

  test('of a run contain nothing that a terminal or a build system executes, unless --raw is set', async () => {
    const lines = ['\x1b[31mred\x1b[0m', '::add-mask::a', '##vso[task.setvariable variable=a]b'];
    const body = `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')}`;
    const script = await owner.call<Script>('/v1/scripts', { body: { name: 'Loud', body, serverId: server.id } });
    const { id } = (await owner.call<Run>(`/v1/scripts/${script.body.id}/runs`, { body: {} })).body;
    await until(async () => (await owner.call<Run>(`/v1/runs/${id}`)).body.status === 'completed');
    const printLogs = async (...options: string[]) => {
      const { code, stdout, stderr } = await shell.run(['logs', id, ...options], {
        environment: scriptsTokenEnvironment,
      });
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const sanitized = await printLogs();
    assert.ok(sanitized.includes('red\n: :add-mask::a\n# #vso[task.setvariable variable=a]b\n'), sanitized);
    assert.ok((await printLogs('--raw')).includes(`${lines.join('\n')}\n`));
    const details = await shell.run(['scripts', 'show', script.body.id, '--json'], {
      environment: scriptsTokenEnvironment,
    });
    assert.equal(json<Script>(details.stdout).body, body);
    assert.doesNotMatch(details.stdout, /##/);
    const ndjson = await printLogs('--json');
    assert.doesNotMatch(ndjson, /\x1b|##/);
    const texts = ndjson
      .trim()
      .split('\n')
      .map((line) => json<LogLine>(line).text);
    assert.deepEqual(
      texts.filter((text) => lines.includes(text)),
      lines,
    );
  });
});

describe('scripts', () => {
  test('are created from a file, run with parameters, and updated', async () => {
    writeFileSync(join(shell.directory, 'greet.sh'), 'echo "Hello, $WHO"; echo "from $PLACE"; exit "$CODE"\n');
    const environment = keyEnvironment;
    const created = await shell.run(
      [
        'scripts',
        'create',
        '--name',
        'Greet',
        '--server',
        server.slug,
        '--body',
        'greet.sh',
        '--timeout',
        '60',
        '--param',
        'WHO',
        '--param',
        'PLACE=here',
        '--param',
        'CODE=0',
        '--pattern',
        'CODE=[0-9]+',
        '--json',
      ],
      { environment },
    );
    assert.equal(created.code, 0, created.stderr);
    const script = json<Script>(created.stdout);
    assert.deepEqual(script.parameters, [
      { name: 'WHO', pattern: null, default: null },
      { name: 'PLACE', pattern: null, default: 'here' },
      { name: 'CODE', pattern: '[0-9]+', default: '0' },
    ]);
    const ran = await shell.run(['run', 'greet', '--param', 'WHO=-', '--param', 'PLACE=$(touch x)', '--follow'], {
      environment: scriptsTokenEnvironment,
      input: "Ada 'n' co\n",
    });
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /^Hello, Ada 'n' co\nfrom \$\(touch x\)$/m);
    const failed = await shell.run(['run', 'greet', '--param', 'WHO=x', '--param', 'CODE=7', '--wait', '--json'], {
      environment: scriptsTokenEnvironment,
    });
    assert.equal(failed.code, 7);
    const run = json<Run>(failed.stdout);
    assert.deepEqual([run.status, run.exitCode], ['failed', 7]);
    assert.match((await shell.run(['logs', run.id], { environment: scriptsTokenEnvironment })).stdout, /Hello, x/);
    const invalid = await shell.run(['run', 'greet', '--param', 'CODE=x', '--param', 'WHO=x'], {
      environment: scriptsTokenEnvironment,
    });
    assert.deepEqual([invalid.code, /CODE/.test(invalid.stderr)], [1, true]);
    for (const param of ['WHO', '=x']) {
      assert.match(
        (await shell.run(['run', 'greet', '--param', param], { environment: scriptsTokenEnvironment })).stderr,
        /NAME=VALUE/,
      );
    }
    const scheduledArgs = [
      '--name',
      'Night',
      '--server',
      server.slug,
      '--body',
      'greet.sh',
      '--schedule',
      '0 3 * * *',
      '--keep-runs',
      '5',
    ];
    const scheduled = json<Script>(
      (await shell.run(['scripts', 'create', ...scheduledArgs, '--json'], { environment })).stdout,
    );
    assert.equal(scheduled.keepRuns, 5);
    const times = json<{ at: string }[]>(
      (await shell.run(['scripts', 'next-runs', 'night', '--json'], { environment })).stdout,
    );
    assert.deepEqual([times.length, times[0]?.at, times[4]?.at.slice(11)], [5, scheduled.nextRunAt, '03:00:00.000Z']);
    const updateArgs = [
      'scripts',
      'update',
      'greet',
      '--body',
      '-',
      '--description',
      'Greets',
      '--app',
      app.slug,
      '--json',
    ];
    const updated = json<Script>((await shell.run(updateArgs, { environment, input: 'sleep 600\n' })).stdout);
    assert.deepEqual([updated.body, updated.version, updated.description], ['sleep 600\n', 2, 'Greets']);
    assert.equal(updated.appId, app.id);
    assert.match((await shell.run(['scripts', 'list'], { environment })).stdout, /\tgreet\tGreet\t/);
    assert.match((await shell.run(['scripts', 'update', 'greet'], { environment })).stderr, /Nothing to update/);
  });

  test('runs are listed, shown and cancelled', async () => {
    const environment = scriptsTokenEnvironment;
    const started = await shell.run(['run', 'greet', '--param', 'WHO=x', '--quiet'], { environment });
    const id = started.stdout.trim();
    const follower = shell.start(['logs', id, '--follow', '--json'], { environment });
    const result = collectResult(follower);
    await new Promise((resolve) => follower.stdout?.once('data', resolve));
    assert.equal((await shell.run(['runs', 'cancel', id], { environment })).code, 0);
    assert.equal((await result).code, 0);
    assert.match((await shell.run(['runs', 'show', id], { environment })).stdout, /Status\s+cancelled\n/);
    const listed = await shell.run(['runs', 'list', 'greet', '--status', 'cancelled', '--quiet'], { environment });
    assert.equal(listed.stdout, `${id}\n`);
    assert.equal((await shell.run(['scripts', 'delete', 'greet', '--yes'], { environment: keyEnvironment })).code, 0);
    assert.equal((await shell.run(['scripts', 'show', 'greet'], { environment: keyEnvironment })).code, 1);
  });
});

describe('backups', () => {
  test('are created, restored and deleted', async () => {
    const environment = keyEnvironment;
    const noteFile = join(app.directory, 'shared', 'note.txt');
    mkdirSync(join(app.directory, 'shared'), { recursive: true });
    writeFileSync(noteFile, 'before');
    const created = await shell.run(['backups', 'create', app.slug, '--wait', '--json'], { environment });
    assert.equal(created.code, 0, created.stderr);
    const backup = json<Backup>(created.stdout);
    assert.deepEqual([backup.status, backup.sha256?.length], ['completed', 64]);
    writeFileSync(noteFile, 'after');
    const refused = await shell.run(['backups', 'restore', backup.id], { environment });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, new RegExp(`Restore ${app.slug} to .* --yes is required`));
    assert.equal(readFileSync(noteFile, 'utf8'), 'after');
    const restored = await shell.run(['backups', 'restore', backup.id, '--yes'], { environment });
    assert.equal(restored.code, 0, restored.stderr);
    assert.equal(readFileSync(noteFile, 'utf8'), 'before');
    const terminalShell = openCliShell({ DEVPILOT_URL: testServer.url, ...environment });
    const question = /Type .* to continue/;
    const wrongName = await terminalShell.typeAtTerminal(['backups', 'restore', backup.id], [[question, 'yes\r']]);
    assert.equal(wrongName.code, 2, wrongName.stdout);
    const confirmed = await terminalShell.typeAtTerminal(
      ['backups', 'restore', backup.id],
      [[question, `${app.slug}\r`]],
    );
    assert.equal(confirmed.code, 0, confirmed.stdout);
    const secondRestore = await shell.run(['backups', 'restore', backup.id, '--yes', '--json'], { environment });
    assert.equal(json<Backup>(secondRestore.stdout).lastRestore?.status, 'completed');
    assert.match((await shell.run(['backups', 'list', app.slug], { environment })).stdout, /\tdirectory\tcompleted\t/);
    assert.equal((await shell.run(['backups', 'delete', backup.id, '--yes'], { environment })).code, 0);
    assert.equal((await shell.run(['backups', 'show', backup.id], { environment })).code, 1);
    assert.ok(existsSync(noteFile));
  });
});

describe('without a stored secret', () => {
  let issuer: WorkloadIssuer;
  let sessionEnvironment: Readonly<Record<string, string>>;
  let shop: TestApp;
  before(async () => {
    issuer = await startWorkloadIssuer();
    shop = await createTestApp(owner, server.id, { name: 'Shop' });
    sessionEnvironment = { DEVPILOT_TOKEN: owner.cookie.split('=')[1] ?? '', DEVPILOT_WORKSPACE: owner.workspaceId };
  });
  after(() => issuer.close());

  const now = () => Math.floor(Date.now() / 1000);
  const claims = (overrides: Readonly<Record<string, unknown>>) => ({
    iss: issuer.url,
    aud: testServer.url,
    iat: now(),
    exp: now() + 300,
    jti: crypto.randomUUID(),
    ...overrides,
  });
  /** The claims that GitHub signs for a push to the main branch. */
  const gitHubClaims = (repository = 'acme/shop') =>
    claims({
      sub: `repo:${repository}:ref:refs/heads/main`,
      repository,
      ref: 'refs/heads/main',
      event_name: 'push',
      workflow_ref: `${repository}/.github/workflows/deploy.yml@refs/heads/main`,
    });
  const gitLabClaims = () =>
    claims({
      sub: 'project_path:acme/shop:ref_type:branch:ref:main',
      project_path: 'acme/shop',
      ref: 'main',
      ref_type: 'branch',
    });
  async function createIdentity(args: readonly string[]): Promise<WorkloadIdentity> {
    const scope = ['--scope', 'basic_deployment', '--issuer', issuer.url];
    const created = await shell.run(['workload-identities', 'create', '--name', 'Shop', ...scope, ...args, '--json'], {
      environment: sessionEnvironment,
    });
    assert.equal(created.code, 0, created.stderr);
    return json(created.stdout);
  }
  const countIssuedTokens = async () =>
    (await owner.call<{ total: number }>('/v1/access-tokens?origin=workload')).body.total;

  test('jobs of GitHub and GitLab deploy, and their tokens are revoked at the end; a job of another repository is refused', async () => {
    const onGitHub = await createIdentity(['--github', 'acme/shop', '--branch', 'main', '--workflow', 'deploy.yml']);
    assert.deepEqual(onGitHub.conditions, {
      repository: 'acme/shop',
      ref: 'refs/heads/main',
      workflow_ref: 'acme/shop/.github/workflows/deploy.yml@*',
    });
    const defaultRespond = issuer.respond;
    let repository = 'acme/shop';
    issuer.respond = async (path, response) => {
      if (!path.startsWith('/token?')) return defaultRespond(path, response);
      assert.equal(new URLSearchParams(path.split('?')[1]).get('audience'), testServer.url);
      response.end(JSON.stringify({ value: await issuer.sign(gitHubClaims(repository)) }));
    };
    const gitHubJob = {
      DEVPILOT_TOKEN: '',
      DEVPILOT_WORKLOAD_IDENTITY: onGitHub.id,
      ACTIONS_ID_TOKEN_REQUEST_URL: `${issuer.url}/token?job=1`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner',
    };
    const deployedFromGitHub = await shell.run(['deploy', shop.slug, '--follow'], { environment: gitHubJob });
    assert.equal(deployedFromGitHub.code, 0, deployedFromGitHub.stderr);
    assert.match(deployedFromGitHub.stderr, /^Deployment dpl_\w+ completed: commit [0-9a-f]{40}\.$/m);
    assert.equal(readFileSync(join(shop.directory, 'current', 'page.txt'), 'utf8'), 'one');
    assert.equal(await countIssuedTokens(), 0);
    repository = 'mallory/shop';
    const refused = await shell.run(['deploy', shop.slug, '--follow'], { environment: gitHubJob });
    assert.deepEqual([refused.code, /The subject token is not accepted/.test(refused.stderr)], [1, true]);
    const exchanges = await shell.run(['workload-identities', 'exchanges', onGitHub.id, '--json'], {
      environment: sessionEnvironment,
    });
    const [lastExchange] = json<WorkloadExchange[]>(exchanges.stdout);
    assert.deepEqual(
      [lastExchange?.accepted, lastExchange?.reason, lastExchange?.claims?.['repository']],
      [false, 'repository', 'mallory/shop'],
    );

    const onGitLab = await createIdentity(['--gitlab', 'acme/shop', '--branch', 'main']);
    const gitLabJob = {
      DEVPILOT_TOKEN: '',
      DEVPILOT_WORKLOAD_IDENTITY: onGitLab.id,
      DEVPILOT_ID_TOKEN: await issuer.sign(gitLabClaims()),
    };
    const deployedFromGitLab = await shell.run(['deploy', shop.slug, '--wait'], { environment: gitLabJob });
    assert.equal(deployedFromGitLab.code, 0, deployedFromGitLab.stderr);
    assert.equal(await countIssuedTokens(), 0);
    issuer.respond = defaultRespond;
    const deleted = await shell.run(['workload-identities', 'delete', onGitHub.id, onGitLab.id, '--yes'], {
      environment: sessionEnvironment,
    });
    assert.equal(deleted.code, 0, deleted.stderr);
  });

  test('exchange runs a command with a token and revokes it when the command ends, even by a signal; without a command it prints the token', async () => {
    const identity = await createIdentity(['--kubernetes', 'shop/deployer']);
    const tokenFile = join(shell.directory, 'token');
    const writeSubjectToken = async () =>
      writeFileSync(
        tokenFile,
        `${await issuer.sign(claims({ sub: 'system:serviceaccount:shop:deployer', aud: [testServer.url] }))}\n`,
      );
    const options = ['--identity', identity.id, '--token-file', tokenFile];
    await writeSubjectToken();
    const ran = await shell.run(['exchange', ...options, '--', 'sh', '-c', 'echo "$DEVPILOT_TOKEN"; exit 7']);
    assert.deepEqual([ran.code, /^workspace_token_\w+\n$/.test(ran.stdout)], [7, true], ran.stderr);
    assert.equal((await testServer.call('/v1/whoami', { headers: bearer(ran.stdout.trim()) })).status, 401);
    await writeSubjectToken();
    const exchanged = await shell.run(['exchange', ...options, '--expires', '2m']);
    const secret = exchanged.stdout.trim();
    assert.equal((await testServer.call('/v1/whoami', { headers: bearer(secret) })).status, 200, exchanged.stderr);
    const replayed = await shell.run(['exchange', ...options]);
    assert.deepEqual([replayed.code, replayed.stdout], [1, '']);
    const narrowerArgs = ['exchange', '--scope', 'basic_deployment', '--app', shop.slug, '--address', '127.0.0.1'];
    const tokenEnvironment = { DEVPILOT_TOKEN: secret, DEVPILOT_ID_TOKEN_2: 'unused' };
    // The command gets the new token, but no ID token.
    const printScript = 'printenv DEVPILOT_ID_TOKEN_2 || echo "$DEVPILOT_TOKEN"';
    const narrowed = await shell.run([...narrowerArgs, '--', 'sh', '-c', printScript], {
      environment: tokenEnvironment,
    });
    assert.match(narrowed.stdout, /^workspace_token_\w+\n$/, narrowed.stderr);
    assert.notEqual(narrowed.stdout.trim(), secret);
    const printed = await shell.run(narrowerArgs, { environment: tokenEnvironment });
    assert.equal(printed.code, 0, printed.stderr);
    const narrowerTokens = await owner.call<{ data: AccessToken[] }>('/v1/access-tokens?origin=exchange');
    const { addresses, apps } = narrowerTokens.body.data[0]?.restrictions ?? {};
    assert.deepEqual([addresses, apps], [['127.0.0.1'], [shop.id]]);
    await writeSubjectToken();
    const interrupted = shell.start(['exchange', ...options, '--', 'sh', '-c', 'echo $DEVPILOT_TOKEN; exec sleep 100']);
    const result = collectResult(interrupted);
    await new Promise((resolve) => interrupted.stdout?.once('data', resolve));
    interrupted.kill('SIGTERM');
    const { stdout } = await result;
    assert.equal(interrupted.signalCode ?? interrupted.exitCode, 'SIGTERM');
    assert.equal((await testServer.call('/v1/whoami', { headers: bearer(stdout.trim()) })).status, 401);
    const tested = await shell.run(['workload-identities', 'test', identity.id, '-'], {
      environment: sessionEnvironment,
      input: JSON.stringify(claims({ sub: 'system:serviceaccount:shop:other' })),
    });
    assert.deepEqual([tested.code, /^sub: must be /.test(tested.stdout)], [1, true], tested.stderr);
    const updated = await shell.run(['workload-identities', 'update', identity.id, '--lifetime', '1h'], {
      environment: sessionEnvironment,
    });
    assert.match(updated.stdout, /3600 s/);
    const listed = await shell.run(['workload-identities', 'list', '--quiet'], { environment: sessionEnvironment });
    assert.equal(listed.stdout, `${identity.id}\n`);
    await shell.run(['workload-identities', 'delete', identity.id, '--yes'], { environment: sessionEnvironment });
  });
});
