import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { AccessToken } from '../src/contract/access-tokens.ts';
import type { CountedPage } from '../src/contract/paging.ts';
import type { WorkloadExchanges, WorkloadIdentity } from '../src/contract/workload-identities.ts';
import { workloadPreset } from '../src/contract/workload-presets.ts';
import { gitHubClaims, gitLabClaims, OTHER_CLAIMS } from '../src/testing/ci-claims.ts';
import { type CiIssuer, startCiIssuer } from '../src/testing/ci-issuer.ts';
import { startSshd, type TestSshd } from '../src/testing/sshd.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import {
  createServerResource,
  createTestApp,
  isFinished,
  type TestApp,
  waitForDeployment,
} from '../src/testing/test-deployments.ts';
import { bearer, signUpOwner, startTestServer, type TestPerson, type TestServer } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';
import { BIN, collectResult } from './cli-shell.ts';

const deployFile = (path: string) => fileURLToPath(new URL(`../deploy/${path}`, import.meta.url));

let server: TestServer;
let owner: TestPerson;
let sshd: TestSshd;
let app: TestApp;
let gitHub: CiIssuer;
let gitLab: CiIssuer;
const directory = temporaryDirectory();
before(async () => {
  [server, sshd, gitHub, gitLab] = await Promise.all([
    startTestServer({ environment: { DEVPILOT_OUTBOUND: 'any' } }),
    startSshd(),
    startCiIssuer(),
    startCiIssuer(),
  ]);
  owner = await signUpOwner(server);
  const { port, user, hostKey } = sshd;
  const resource = await createServerResource(owner, { kind: 'ssh', host: '127.0.0.1', port, user, hostKey });
  sshd.authorize([resource.publicKey ?? '']);
  app = await createTestApp(owner, resource.id);
});
after(() => Promise.all([server?.close(), sshd?.close(), gitHub?.close(), gitLab?.close()]));
beforeEach(() => app.edit({ hooks: [] }));

async function createIdentity(issuer: CiIssuer, conditions: object, audience?: string): Promise<WorkloadIdentity> {
  const { status, body, text } = await owner.call<WorkloadIdentity>('/v1/workload-identities', {
    body: {
      name: 'Shop',
      issuer: issuer.url,
      audience,
      conditions,
      scopes: ['basic_deployment'],
      restrictions: { apps: [app.slug] },
    },
  });
  assert.equal(status, 201, text);
  return body;
}

/** Returns the entries of a mapping in a YAML file in `deploy`, with the given values of its inputs. */
function mappingIn(path: string, name: string, inputs: Readonly<Record<string, string>>): Record<string, string> {
  const text = readFileSync(deployFile(path), 'utf8');
  const [, indent = '', block = ''] = new RegExp(`^( *)${name}:\\n((?:\\1  .*\\n)+)`, 'm').exec(text) ?? [];
  const entries = block.split('\n').flatMap((line) => {
    const [, key, value] = new RegExp(`^${indent}  ([A-Z_]+): (.*)$`).exec(line) ?? [];
    if (key === undefined || value === undefined) return [];
    const replaced = value.replace(/\$(?:\{\{|\[\[) inputs\.(\w+) (?:\}\}|\]\])/, (_, input: string) => {
      assert.ok(input in inputs, input);
      return inputs[input] ?? '';
    });
    return [[key, replaced.replace('$CI_COMMIT_SHA', inputs['commit'] ?? '')] as const];
  });
  assert.ok(entries.length >= 4, path);
  return Object.fromEntries(entries);
}

/**
 * Runs a shell command of a pipeline. Its clock is ahead by the number of seconds in the file `ahead`, which a test can
 * change.
 */
function runJob(command: string, environment: Readonly<Record<string, string>>): ChildProcess {
  const dateCommand = join(directory, 'date');
  writeFileSync(dateCommand, `#!/bin/sh\necho $(($(/bin/date "$@") + $(cat '${directory}/ahead')))\n`);
  writeFileSync(join(directory, 'ahead'), '0');
  chmodSync(dateCommand, 0o755);
  const env = { PATH: `${directory}:${process.env['PATH']}`, DEVPILOT_POLL_SECONDS: '0.05', ...environment };
  return spawn('sh', ['-c', command], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

/**
 * Runs the step of the composite action. Each identity token has the claims that `claims` returns at its request.
 */
async function runAction(identity: WorkloadIdentity, commit: string, claims: () => object): Promise<ChildProcess> {
  const tokenService = createServer(async (request, response) => {
    const audience = new URL(request.url ?? '', server.url).searchParams.get('audience') ?? '';
    const isRunner = request.headers.authorization === 'Bearer runner';
    const value = isRunner ? await gitHub.issue(audience, { ...claims() }) : null;
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ count: 1, value }));
  });
  await once(tokenService.listen(0, '127.0.0.1'), 'listening');
  const job = runJob('sh "$GITHUB_ACTION_PATH/deploy.sh"', {
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTION_PATH: deployFile('github-action'),
    ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${(tokenService.address() as AddressInfo).port}/token?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner',
    ...mappingIn('github-action/action.yml', 'env', {
      url: server.url,
      identity: identity.id,
      app: app.slug,
      commit,
    }),
  });
  job.once('close', () => tokenService.close());
  return job;
}

/** Runs the script of the GitLab component with this number of identity tokens. */
async function runComponent(identity: WorkloadIdentity, commit: string, claims: object, tokenCount = 4) {
  const text = readFileSync(deployFile('gitlab-component/template.yml'), 'utf8');
  const [, script = ''] = /^ {4}- \|\n((?: {6}.*\n|\n)+) {4}- sh \/tmp\/deploy\.sh\n$/m.exec(text) ?? [];
  const names = [...text.matchAll(/^ {4}(DEVPILOT_ID_TOKEN\w*):$/gm)].map(([, name = '']) => name);
  assert.equal(names.length, 4);
  const issued: Record<string, string> = {};
  for (const name of names.slice(0, tokenCount)) issued[name] = await gitLab.issue(server.url, { ...claims });
  const command = `${script.replace(/^ {6}/gm, '')}sh /tmp/deploy.sh`.replaceAll('/tmp/', `${directory}/`);
  const inputs = { url: server.url, identity: identity.id, app: app.slug, commit };
  return runJob(command, {
    GITLAB_CI: 'true',
    ...issued,
    ...mappingIn('gitlab-component/template.yml', 'variables', inputs),
  });
}

const issuedTokens = async () =>
  (await owner.call<CountedPage<AccessToken>>('/v1/access-tokens?origin=workload')).body.data;
async function exchangesOf({ id }: WorkloadIdentity) {
  return (await owner.call<WorkloadExchanges>(`/v1/workload-identities/${id}/exchanges`)).body.data;
}
const readPage = () => readFileSync(join(app.directory, 'current/page.txt'), 'utf8');
/** Makes deployments wait until the returned function is called. */
async function holdDeployments(): Promise<() => void> {
  const releaseFile = join(directory, crypto.randomUUID());
  await app.edit({
    hooks: [{ name: 'Wait', stage: 'post_setup', run: `until test -e ${releaseFile}; do sleep 0.05; done` }],
  });
  return () => writeFileSync(releaseFile, '');
}
async function waitUntilCreated(job: ChildProcess): Promise<void> {
  let output = '';
  job.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await until(async () => output.includes('created'));
}

test('the GitLab component contains the script of the GitHub Action', () => {
  const indented = readFileSync(deployFile('github-action/deploy.sh'), 'utf8').replace(/^(?=.)/gm, '      ');
  const template = readFileSync(deployFile('gitlab-component/template.yml'), 'utf8');
  assert.ok(template.includes(`<<'SCRIPT'\n${indented}      SCRIPT\n`));
});

test('a job on GitHub deploys over SSH without a stored secret, and fails unless the deployment completes', async () => {
  const identity = await createIdentity(gitHub, {
    repository: 'acme/shop',
    ref: 'refs/heads/main',
    environment: 'production',
    workflow_ref: 'acme/shop/.github/workflows/deploy.yml@*',
  });
  const commit = app.repository.commit({ 'page.txt': 'by GitHub' });
  const completed = await collectResult(await runAction(identity, commit, gitHubClaims));
  assert.equal(completed.code, 0, completed.stderr + completed.stdout);
  assert.match(
    completed.stdout,
    /^::add-mask::workspace_token_\w+\nDeployment (dpl_\w+) created\.\nDeployment \1 completed\.$/m,
  );
  assert.equal(readPage(), 'by GitHub');
  const [accepted] = await exchangesOf(identity);
  assert.equal(accepted?.claims?.['sub'], 'repo:acme@65/shop@74:environment:production');
  for (const [claims, reason] of [
    [gitHubClaims('mallory/shop'), 'repository'],
    [{ ...gitHubClaims(), event_name: 'pull_request_target' }, 'event_name'],
    [{ ...gitHubClaims(), ref: 'refs/pull/7/merge', event_name: 'pull_request' }, 'ref'],
  ] as const) {
    const refused = await collectResult(await runAction(identity, commit, () => claims));
    assert.deepEqual([refused.code, /subject token is not accepted/.test(refused.stderr)], [1, true], refused.stderr);
    assert.equal((await exchangesOf(identity))[0]?.reason, reason);
  }
  await app.edit({ hooks: [{ name: 'Fail', stage: 'post_setup', run: 'false' }] });
  const failed = await collectResult(await runAction(identity, commit, gitHubClaims));
  assert.deepEqual([failed.code, /^Deployment dpl_\w+ failed\.$/m.test(failed.stderr)], [1, true], failed.stderr);
  assert.deepEqual(await issuedTokens(), []);
});

test('a job on GitLab deploys over SSH without a stored secret', async () => {
  const identity = await createIdentity(gitLab, { project_path: 'acme/shop', ref: 'main', environment: 'production' });
  const commit = app.repository.commit({ 'page.txt': 'by GitLab' });
  const completed = await collectResult(await runComponent(identity, commit, gitLabClaims()));
  assert.equal(completed.code, 0, completed.stderr + completed.stdout);
  assert.equal(readPage(), 'by GitLab');
  const refused = await collectResult(await runComponent(identity, commit, gitLabClaims('mallory/shop')));
  assert.deepEqual([refused.code, /subject token is not accepted/.test(refused.stderr)], [1, true], refused.stderr);
  assert.deepEqual(await issuedTokens(), []);
});

test('a job requests further access tokens while it waits for a long deployment', async () => {
  const gitHubIdentity = await createIdentity(gitHub, { repository: 'acme/shop' });
  const gitLabIdentity = await createIdentity(gitLab, { project_path: 'acme/shop' });
  const commit = app.repository.commit({ 'page.txt': 'slow' });
  for (const [identity, start] of [
    [gitHubIdentity, () => runAction(gitHubIdentity, commit, gitHubClaims)],
    [gitLabIdentity, () => runComponent(gitLabIdentity, commit, gitLabClaims())],
  ] as const) {
    const release = await holdDeployments();
    const running = await start();
    const result = collectResult(running);
    await waitUntilCreated(running);
    const [firstToken] = await issuedTokens();
    // By the clock of the job, the token expires within a minute.
    writeFileSync(join(directory, 'ahead'), '850');
    await until(async () => (await exchangesOf(identity)).length === 2);
    await until(async () => (await issuedTokens()).every(({ id }) => id !== firstToken?.id));
    // The second token is deleted early, without a warning, so the job requests a third one.
    const [secondToken] = await issuedTokens();
    assert.equal((await owner.call(`/v1/access-tokens/${secondToken?.id}`, { method: 'DELETE' })).status, 204);
    await until(async () => (await exchangesOf(identity)).length === 3);
    assert.equal(running.exitCode, null);
    release();
    const { code, stderr } = await result;
    assert.equal(code, 0, stderr);
  }
  assert.deepEqual(await issuedTokens(), []);
});

test('exchange finds the identity token of a job on Buildkite, CircleCI and Kubernetes, and in a file', async (t) => {
  const agent = join(directory, 'buildkite-agent');
  const tokenFile = join(directory, 'token');
  const fail = `echo "unexpected: $*" >&2; exit 1`;
  const request = `oidc request-token --audience ${server.url}`;
  writeFileSync(agent, `#!/bin/sh\n[ "$*" = "${request}" ] || { ${fail}; }\ncat '${tokenFile}'\n`, { mode: 0o755 });
  const devpilot = [process.execPath, BIN, 'exchange'];
  const mountAsPod =
    'mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/devpilot && cp "$0" /run/secrets/devpilot/token';
  const canMount = spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs tmpfs /run']).status === 0;
  if (!canMount)
    t.diagnostic('Not tested: the path of a projected token, because this machine has no mount namespaces.');
  type Case = readonly [provider: keyof typeof OTHER_CLAIMS, subject: string, command: string[], variable?: string];
  const cases: Case[] = [
    ['buildkite', 'acme/shop', devpilot, 'BUILDKITE'],
    ['circleci', 'a0/b1', devpilot, 'CIRCLE_OIDC_TOKEN_V2'],
    ['kubernetes', 'shop/deployer', [...devpilot, '--token-file', tokenFile]],
  ];
  if (canMount) {
    const pod = ['unshare', '-rm', 'sh', '-c', `${mountAsPod} && exec "$@"`, tokenFile, ...devpilot];
    cases.push(['kubernetes', 'shop/deployer', pod]);
  }
  for (const [provider, subject, [command = '', ...args], variable] of cases) {
    const { conditions, audience } = workloadPreset(provider, { subject, branch: 'main' });
    const identity = await createIdentity(gitLab, conditions, audience ?? undefined);
    const token = await gitLab.issue(server.url, OTHER_CLAIMS[provider]);
    writeFileSync(tokenFile, `${token}\n`);
    const env = {
      PATH: `${directory}:${process.env['PATH']}`,
      HOME: directory,
      DEVPILOT_URL: server.url,
      DEVPILOT_WORKLOAD_IDENTITY: identity.id,
      ...(variable !== undefined && { [variable]: variable === 'BUILDKITE' ? 'true' : token }),
    };
    const { code, stdout, stderr } = await collectResult(
      spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    assert.deepEqual([code, stderr], [0, ''], provider);
    assert.equal((await server.call('/v1/whoami', { headers: bearer(stdout.trim()) })).status, 200, provider);
    await owner.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  }
});

test('a job without another identity token fails if its access token ends before the deployment', async () => {
  const identity = await createIdentity(gitLab, { project_path: 'acme/shop' });
  const release = await holdDeployments();
  const job = await runComponent(identity, app.repository.commit({ 'page.txt': 'unknown' }), gitLabClaims(), 1);
  const result = collectResult(job);
  await waitUntilCreated(job);
  const [token] = await issuedTokens();
  await owner.call(`/v1/access-tokens/${token?.id}`, { method: 'DELETE' });
  const { code, stdout, stderr } = await result;
  release();
  assert.equal(code, 1, stderr);
  assert.match(stderr, /no other identity token.*--lifetime/);
  // The deployment goes on without the job. It ends before the servers are closed.
  const [id = ''] = /dpl_\w+/.exec(stdout) ?? [];
  await waitForDeployment(owner, id, isFinished);
});
