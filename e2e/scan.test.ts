import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { mintSecret } from '../src/authorization/secret.ts';
import type { toSarif } from '../src/cli/scan/findings.ts';
import type { AuditEvent } from '../src/contract/audit-events.ts';
import type { Page } from '../src/contract/paging.ts';
import { ensureCommand } from '../src/testing/debian-packages.ts';
import {
  bearer,
  createKey,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../src/testing/test-server.ts';
import { BIN, type CliShell, openCliShell, type ProcessResult } from './cli-shell.ts';

interface Report {
  readonly findings: {
    path: string;
    line: number;
    commit: string | null;
    kind: string;
    hint: string;
    status: string | null;
  }[];
}

let shell: CliShell;
let root: string;
const token = mintSecret('access_token');
const key = mintSecret('api_key');
const session = mintSecret('session');

function writeRepositoryFile(path: string, text: string | Buffer): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], {
    cwd: root,
    encoding: 'utf8',
  });
const scan = (...args: string[]) => shell.run(['scan', ...args], { cwd: root });
const reportOf = ({ stdout }: ProcessResult) => JSON.parse(stdout) as Report;
const assertNoSecretPrinted = (result: ProcessResult) => {
  for (const secret of [token, key, session]) assert.ok(!(result.stdout + result.stderr).includes(secret));
};

before(() => {
  ensureCommand('git');
  shell = openCliShell();
  root = join(shell.directory, 'repo');
  mkdirSync(root);
});

describe('scan, without a server', () => {
  test('finds secrets in a plain directory, except in ignored files', async () => {
    writeRepositoryFile('a/settings.py', `x = 1\nTOKEN = "${token}"\n`);
    writeRepositoryFile('a/.gitignore', 'local.env\n');
    writeRepositoryFile('a/local.env', key);
    writeRepositoryFile('a/.devpilotignore', 'vectors.txt\n');
    writeRepositoryFile('a/vectors.txt', key);
    writeRepositoryFile('a/wide.txt', Buffer.from(`\ufeff${key}`, 'utf16le'));
    symlinkSync('/proc/self/environ', join(root, 'a/link'));
    const result = await scan('a');
    assertNoSecretPrinted(result);
    assert.equal(result.code, 1);
    assert.deepEqual(result.stdout.trim().split('\n').sort(), [
      `a/settings.py:2: access token …${token.slice(-4)}`,
      `a/wide.txt:1: API key …${key.slice(-4)}`,
    ]);
    assert.equal((await scan('a/.gitignore')).code, 0);
    assert.equal((await scan('missing')).code, 1);
  });

  test('finds removed secrets in Git history, with the commit that introduced them', async () => {
    git('init', '-q', '-b', 'main');
    writeRepositoryFile('.gitignore', 'a\n');
    writeRepositoryFile('old.txt', `one\ntwo\n${session}\n`);
    writeRepositoryFile('tracked.env', `KEY=${key}\n`);
    git('add', '.');
    git('commit', '-qm', `first, with ${token} in its message`);
    const commit = git('rev-parse', '--short=12', 'HEAD').trim();
    unlinkSync(join(root, 'old.txt'));
    git('rm', '-q', '--cached', 'tracked.env');
    writeRepositoryFile('.gitignore', 'a\ntracked.env\n');
    git('add', '-A');
    git('commit', '-qm', 'second');
    const result = await scan('--json');
    assertNoSecretPrinted(result);
    assert.equal(result.code, 1);
    const locations = reportOf(result).findings.map(({ path, line, commit }) => `${path}:${line} ${commit}`);
    assert.deepEqual(locations.sort(), [`(message):5 ${commit}`, `old.txt:3 ${commit}`, `tracked.env:1 ${commit}`]);
    assert.equal((await scan('--no-history')).code, 0);
    writeRepositoryFile('.devpilotignore', 'old.txt\ntracked.env\n');
    assert.equal(reportOf(await scan('--json')).findings.length, 1);
    unlinkSync(join(root, '.devpilotignore'));
  });

  test('the history of bare and nested repositories is scanned too; a shallow clone is reported', async () => {
    const outer = join(shell.directory, 'outer');
    mkdirSync(outer);
    git('clone', '-q', '.', join(outer, 'nested'));
    git('clone', '-q', '--bare', '.', join(shell.directory, 'bare.git'));
    git('clone', '-q', '--depth', '1', `file://${root}`, join(shell.directory, 'shallow'));
    const findPaths = async (...args: string[]) => {
      const result = await shell.run(['scan', '--json', ...args]);
      assertNoSecretPrinted(result);
      return reportOf(result).findings.map(({ path, commit }) => [path, commit !== null]);
    };
    for (const repository of ['outer', 'bare.git']) {
      const findings = await findPaths(repository);
      const scannedRepository = repository === 'outer' ? 'outer/nested' : repository;
      assert.ok(
        findings.some(([path, isInHistory]) => path === `${scannedRepository}/old.txt` && isInHistory),
        JSON.stringify(findings),
      );
    }
    const shallow = await shell.run(['scan', 'shallow']);
    assert.match(shallow.stderr, /shallow clone: .* git fetch --unshallow/);
  });

  test('with --staged, scans only staged files, with their staged content', async () => {
    writeRepositoryFile('new.txt', `${token}\n`);
    assert.equal((await scan('--staged')).code, 0);
    git('add', 'new.txt');
    writeRepositoryFile('new.txt', 'harmless\n');
    const staged = await scan('--staged');
    assert.equal(staged.code, 1);
    assert.match(staged.stdout, /^new\.txt:1: access token/);
    git('rm', '-qf', 'new.txt');
  });

  test('the pre-commit hook refuses a commit that adds a secret, and is not installed over another hook', async () => {
    const tools = join(shell.directory, 'tools');
    mkdirSync(tools);
    writeFileSync(join(tools, 'devpilot'), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`, { mode: 0o755 });
    const installed = await scan('--install-hook');
    assert.equal(installed.code, 0, installed.stderr);
    const secondInstall = await scan('--install-hook');
    assert.match(secondInstall.stderr, /already runs: devpilot scan --staged/);
    const commit = () =>
      spawnSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', 'commit', '-qm', 'Change'], {
        cwd: root,
        encoding: 'utf8',
        env: { ...process.env, PATH: `${tools}:${process.env['PATH']}` },
      });
    writeRepositoryFile('hooked.txt', `${token}\n`);
    git('add', 'hooked.txt');
    const refused = commit();
    assert.equal(refused.status, 1, refused.stderr);
    assert.match(refused.stdout + refused.stderr, /hooked\.txt:1: access token/);
    writeRepositoryFile('hooked.txt', 'harmless\n');
    git('add', 'hooked.txt');
    assert.equal(commit().status, 0);
    const path = join(root, '.git/hooks/pre-commit');
    writeFileSync(path, '#!/bin/sh\nexit 0\n');
    const refusedInstall = await scan('--install-hook');
    assert.deepEqual([refusedInstall.code, readFileSync(path, 'utf8')], [1, '#!/bin/sh\nexit 0\n']);
    assert.match(refusedInstall.stderr, /exists already\. Add this line to it: npx devpilot scan --staged/);
    rmSync(path);
  });

  test('a scan executes no program that the configuration of the scanned repository names', async () => {
    const markerFile = join(shell.directory, 'executed');
    git('config', 'core.fsmonitor', `touch ${markerFile}`);
    git('config', 'log.showSignature', 'true');
    git('config', 'gpg.program', `touch ${markerFile}`);
    git('config', 'diff.external', `touch ${markerFile}`);
    await scan();
    await scan('--staged');
    assert.throws(() => readFileSync(markerFile));
    for (const name of ['core.fsmonitor', 'log.showSignature', 'gpg.program', 'diff.external'])
      git('config', '--unset', name);
  });
});

describe('scan, with a server', () => {
  let server: TestServer;
  let owner: TestPerson;
  before(async () => {
    server = await startTestServer();
    owner = await signUpOwner(server);
  });
  after(() => server.close());

  test('reports which secrets are valid, and revokes the known ones only on request', async () => {
    const liveToken = await createToken(owner, ['modify_env']);
    const tokenWithPassphrase = await createToken(owner, ['all'], { passphrase: 'correct horse' });
    const inactiveKey = await createKey(owner, ['read'], { active: false });
    const secrets = [liveToken.secret, tokenWithPassphrase.secret, inactiveKey.secret, key];
    writeRepositoryFile('live/found.txt', `${secrets.join('\n')}\n`);
    const args = ['live', '--no-history', '--json', '--server', server.url];
    const statuses = (result: ProcessResult) => reportOf(result).findings.map(({ status }) => status);
    const results = await scan(...args);
    assert.equal(results.code, 1, results.stderr);
    assert.deepEqual(statuses(results), ['live', 'live', 'inactive', 'unknown']);
    for (const secret of secrets) assert.ok(!(results.stdout + results.stderr).includes(secret));
    const unconfirmed = await scan(...args, '--revoke');
    assert.match(unconfirmed.stderr, /--yes is required/);
    assert.deepEqual(statuses(unconfirmed), statuses(results));
    assert.match(results.stderr, /To revoke the 3 secrets known to the server, run again with --revoke --yes/);
    const unreachable = await scan('live', '--no-history', '--json', '--server', 'http://127.0.0.1:9');
    assert.deepEqual([unreachable.code, statuses(unreachable)], [1, [null, null, null, null]]);
    const terminalArgs = [...args.filter((word) => word !== '--json')].map((word) =>
      word === 'live' ? join(root, word) : word,
    );
    const declined = await shell.typeAtTerminal(['scan', ...terminalArgs], [[/Permanently revoke/, 'n']]);
    assert.equal(declined.code, 2);
    assert.match(declined.stdout, /access token …/);
    assert.equal((await server.call('/v1/authorize', { headers: bearer(liveToken.secret) })).status, 200);
    assert.deepEqual(statuses(await scan(...args, '--revoke', '--yes')), ['revoked', 'revoked', 'revoked', 'unknown']);
    assert.equal((await server.call('/v1/authorize', { headers: bearer(liveToken.secret) })).status, 401);
    assert.equal((await owner.call(`/v1/api-keys/${inactiveKey.id}`)).status, 404);
  });

  test('reports the secrets that it finds as leaked only after confirmation, and writes SARIF', async () => {
    const leakedToken = await createToken(owner, ['modify_env']);
    writeRepositoryFile('leaked/a folder/found.txt', `\n${leakedToken.secret}\n${leakedToken.secret}\n${key}\n`);
    const args = ['leaked', '--no-history', '--server', server.url, '--report'];
    const declined = await scan(...args);
    assert.match(declined.stderr, /--yes is required/);
    const unchanged = await server.call('/v1/authorize', { headers: bearer(leakedToken.secret) });
    assert.equal(unchanged.status, 200);
    const result = await scan(...args, '--yes', '--format', 'sarif');
    assert.equal(result.code, 1, result.stderr);
    assert.equal((await server.call('/v1/authorize', { headers: bearer(leakedToken.secret) })).status, 401);
    for (const secret of [leakedToken.secret, key]) assert.ok(!(result.stdout + result.stderr).includes(secret));
    const log = JSON.parse(result.stdout) as ReturnType<typeof toSarif>;
    assert.equal(log.version, '2.1.0');
    const { tool, results = [] } = log.runs[0] ?? {};
    assert.deepEqual(
      tool?.driver.rules.map(({ id }) => id),
      ['devpilot-access-token', 'devpilot-api-key', 'devpilot-session'],
    );
    const resultStatuses = results.map(({ ruleId, ruleIndex, properties: { status } }) => [ruleId, ruleIndex, status]);
    const tokenResult = ['devpilot-access-token', 0, 'reported'];
    assert.deepEqual(resultStatuses, [tokenResult, tokenResult, ['devpilot-api-key', 1, 'unknown']]);
    assert.deepEqual(results[0]?.locations, [
      { physicalLocation: { artifactLocation: { uri: 'leaked/a%20folder/found.txt' }, region: { startLine: 2 } } },
    ]);
    const events = await owner.call<Page<AuditEvent>>(`/v1/audit-events?credential=${leakedToken.id}`);
    const event = events.body.data.find(({ action }) => action === 'credential.leaked');
    assert.equal(event?.detail['url'], 'leaked/a folder/found.txt:2');
    assert.equal((await scan('leaked', '--format', 'xml')).code, 1);
  });
});
