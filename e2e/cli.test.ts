import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { AccessToken, CreatedAccessToken } from '../src/contract/access-tokens.ts';
import type { ApiKey } from '../src/contract/api-keys.ts';
import type { AuditEvent } from '../src/contract/audit-events.ts';
import type { Whoami } from '../src/contract/whoami.ts';
import { verifyAuditEvents } from '../src/sdk/audit.ts';
import { ensureCommand } from '../src/testing/debian-packages.ts';
import { startS3 } from '../src/testing/s3.ts';
import {
  bearer,
  cookieOf,
  createKey,
  createTestPerson,
  createToken,
  PASSWORD,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../src/testing/test-server.ts';
import { scaledTimeout } from '../src/testing/timeouts.ts';
import { BIN, type CliShell, collectResult, openCliShell } from './cli-shell.ts';

let server: TestServer;
let owner: TestPerson;
let shell: CliShell;
const json = <Body>(text: string) => JSON.parse(text) as Body;
const authorizeStatus = async (secret: string) =>
  (await server.call('/v1/authorize', { headers: bearer(secret) })).status;

/**
 * Runs `devpilot login` and approves the user code that it prints as the person, through the API instead of the web UI.
 */
async function signIn(cli: CliShell, person: TestPerson, args: readonly string[] = []) {
  const child = cli.start(['login', '--url', server.url, ...args]);
  const result = collectResult(child);
  const userCode = await new Promise<string>((resolve) => {
    let output = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const printedCode = /^Code {2}(\S+)$/m.exec(output)?.[1];
      if (printedCode !== undefined) resolve(printedCode);
    });
  });
  const approved = await person.call('/v1/device/approve', { body: { userCode } });
  assert.equal(approved.status, 204);
  return result;
}

before(async () => {
  server = await startTestServer();
  owner = await signUpOwner(server);
  shell = openCliShell();
  const { code, stderr } = await signIn(shell, owner);
  assert.equal(code, 0, stderr);
});
after(() => server.close());

describe('signing in', () => {
  test('stores the secret in a file with mode 0600, and whoami shows the person', async () => {
    const file = join(shell.directory, 'config', 'config.json');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const { code, stdout } = await shell.run(['whoami', '--json']);
    assert.equal(code, 0);
    const whoami = json<Whoami>(stdout);
    assert.equal(whoami.principal.email, owner.email);
    assert.equal(whoami.rights.role, 'owner');
  });

  test('without a credential, a command exits with 4 and says what to do', async () => {
    const freshShell = openCliShell();
    const { code, stdout, stderr } = await freshShell.run(['tokens', 'list', '--url', server.url]);
    assert.deepEqual({ code, stdout }, { code: 4, stdout: '' });
    assert.match(stderr, /^devpilot: Not signed in to http.*Run: devpilot login/);
  });

  test('the secret of a profile is sent only to the URL of the profile', async () => {
    const { code, stderr } = await shell.run(['whoami', '--url', 'http://127.0.0.1:9']);
    assert.equal(code, 4);
    assert.match(stderr, /Not signed in to http:\/\/127\.0\.0\.1:9/);
  });

  test('login reads a secret from standard input, never from the command line', async () => {
    const freshShell = openCliShell({ DEVPILOT_URL: server.url });
    const token = await createToken(owner, ['modify_env']);
    const refused = await freshShell.run(['login', '--token', token.secret]);
    assert.equal(refused.code, 1);
    assert.ok(!refused.stderr.includes(token.secret));
    assert.equal((await freshShell.run(['login', '--token', '-', '--quiet'], { input: `${token.secret}\n` })).code, 0);
    const { stdout } = await freshShell.run(['whoami', '--json']);
    assert.equal(json<Whoami>(stdout).principal.id, token.id);
  });

  test('login uses the keychain if it works and stores no secret in the file; logout removes it from the keychain', async () => {
    const freshShell = openCliShell();
    const bin = join(freshShell.directory, 'bin');
    mkdirSync(bin);
    // Stands in for the command of libsecret, which needs a desktop session.
    writeFileSync(
      join(bin, 'secret-tool'),
      `#!/bin/sh\ncase $1 in store) cat > "$HOME/stored-secret" ;; lookup) cat "$HOME/stored-secret" ;; clear) rm "$HOME/stored-secret" ;; esac\n`,
    );
    chmodSync(join(bin, 'secret-tool'), 0o755);
    const environment = { DEVPILOT_KEYCHAIN: '', PATH: `${bin}:${process.env['PATH']}`, DEVPILOT_URL: server.url };
    const token = await createToken(owner, ['modify_env']);
    const input = token.secret;
    assert.equal((await freshShell.run(['login', '--token', '-'], { environment, input })).code, 0);
    assert.ok(!readFileSync(join(freshShell.directory, 'config', 'config.json'), 'utf8').includes(token.secret));
    assert.equal((await freshShell.run(['whoami'], { environment })).code, 0);
    assert.equal((await freshShell.run(['logout'], { environment })).code, 0);
    assert.ok(!existsSync(join(freshShell.directory, 'stored-secret')));
  });

  test('DEVPILOT_TOKEN and DEVPILOT_PASSPHRASE override the configuration', async () => {
    const token = await createToken(owner, ['run_scripts'], { passphrase: 'schöne Passphrase' });
    const environment = { DEVPILOT_TOKEN: token.secret, DEVPILOT_PASSPHRASE: 'schöne Passphrase' };
    const { stdout } = await shell.run(['whoami', '--json'], { environment });
    assert.equal(json<Whoami>(stdout).principal.id, token.id);
    const withoutPassphrase = await shell.run(['whoami'], { environment: { DEVPILOT_TOKEN: token.secret } });
    assert.equal(withoutPassphrase.code, 4);
    assert.match(withoutPassphrase.stderr, /Set DEVPILOT_PASSPHRASE to the passphrase of the token\./);
    const wrongPassphrase = await shell.run(['whoami'], {
      environment: { ...environment, DEVPILOT_PASSPHRASE: 'falsche' },
    });
    assert.match(wrongPassphrase.stderr, /Check DEVPILOT_PASSPHRASE\./);
    const unknownSecret = await shell.run(['whoami'], { environment: { DEVPILOT_TOKEN: `${token.secret}x` } });
    assert.deepEqual(
      [unknownSecret.code, /Set DEVPILOT_TOKEN to a valid credential/.test(unknownSecret.stderr)],
      [4, true],
    );
    const forbidden = await shell.run(['tokens', 'list'], { environment });
    assert.equal(forbidden.code, 1);
  });

  test('logout ends the session on the server', async () => {
    const secondShell = openCliShell();
    assert.equal((await signIn(secondShell, owner, ['--profile', 'work'])).code, 0);
    const configuration = json<{ profiles: { work: { secret: string } } }>(
      readFileSync(join(secondShell.directory, 'config', 'config.json'), 'utf8'),
    );
    assert.equal((await server.call('/v1/me', { headers: bearer(configuration.profiles.work.secret) })).status, 200);
    assert.equal((await secondShell.run(['logout'])).code, 0);
    assert.equal((await server.call('/v1/me', { headers: bearer(configuration.profiles.work.secret) })).status, 401);
    assert.equal((await secondShell.run(['whoami', '--url', server.url])).code, 4);
  });
});

describe('tokens', () => {
  test('create prints only the secret to standard output', async () => {
    const created = await shell.run([
      'tokens',
      'create',
      '--name',
      'From the CLI',
      '--scope',
      'modify_env,run_scripts',
      '--expires',
      '30d',
    ]);
    assert.equal(created.code, 0, created.stderr);
    assert.match(created.stdout, /^workspace_token_[0-9A-Za-z]{46}\n$/);
    assert.match(created.stderr, /From the CLI/);
    assert.ok(!created.stderr.includes(created.stdout.trim()));
    assert.equal(await authorizeStatus(created.stdout.trim()), 200);
    const listed = await shell.run(['tokens', 'list', '--search', 'From the CLI', '--json']);
    const [token] = json<AccessToken[]>(listed.stdout);
    assert.deepEqual(token?.scopes, ['modify_env', 'run_scripts']);
    const untilExpiryMs = Date.parse(token?.expiresAt ?? '') - Date.now();
    assert.ok(Math.abs(untilExpiryMs - 30 * 86_400_000) < 120_000);
    assert.ok(!listed.stdout.includes(created.stdout.trim()));
  });

  test('a passphrase is read from standard input', async () => {
    const args = ['tokens', 'create', '--name', 'With a passphrase', '--scope', 'all', '--passphrase', '-', '--json'];
    const { stdout, code } = await shell.run(args, { input: 'correct horse\n' });
    assert.equal(code, 0);
    const token = json<CreatedAccessToken>(stdout);
    assert.equal(token.hasPassphrase, true);
    const headers = { ...bearer(token.secret), 'Access-Token-Passphrase': 'correct horse' };
    assert.equal((await server.call('/v1/authorize', { headers })).status, 200);
  });

  test('invalid values are reported per field by the server or per option by the CLI, and the exit code is 1', async () => {
    const { code, stderr, stdout } = await shell.run(['tokens', 'create', '--name', 'No', '--scope', 'everything']);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    assert.match(stderr, /name/);
    assert.match(stderr, /scopes/);
    const expiry = await shell.run(['tokens', 'create', '--name', 'Never', '--scope', 'all', '--expires', 'soon']);
    assert.match(expiry.stderr, /--expires must be/);
    const incomplete = await shell.run(['tokens', 'create']);
    assert.deepEqual([incomplete.code, /--name and --scope are required/.test(incomplete.stderr)], [1, true]);
  });

  test('in a pipe, the columns of lists are separated by tabs, quiet lists contain only IDs, and neither has colors', async () => {
    // A right-to-left mark could disguise a name in a terminal.
    const token = await createToken(owner, ['error_tracker'], { name: 'Names with a\u200ftrick' });
    const { stdout } = await shell.run(['tokens', 'list', '--search', 'Names with']);
    const cells = stdout.split('\n')[0]?.split('\t') ?? [];
    assert.deepEqual(cells.slice(0, 3), [token.id, 'Names with a\ufffdtrick', 'active']);
    const quiet = await shell.run(['tokens', 'list', '--search', 'Names with', '--quiet']);
    assert.equal(quiet.stdout, `${token.id}\n`);
    assert.ok(!stdout.includes('\x1b'));
  });

  test('delete requires --yes without a terminal, accepts names, and has taken effect when it returns', async () => {
    const token = await createToken(owner, ['all'], { name: 'To be deleted' });
    const refused = await shell.run(['tokens', 'delete', 'To be deleted']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /--yes is required/);
    assert.equal(await authorizeStatus(token.secret), 200);
    assert.equal((await shell.run(['tokens', 'delete', 'To be deleted', '--yes'])).code, 0);
    assert.equal(await authorizeStatus(token.secret), 401);
    const missing = await shell.run(['tokens', 'show', 'To be deleted']);
    assert.deepEqual([missing.code, missing.stderr.includes('No access token named')], [1, true]);
  });
});

describe('Ctrl-C', () => {
  test('exits a waiting command with 2, and says which tokens remain valid', async () => {
    const oldToken = await createToken(owner, ['modify_env'], { name: 'Half replaced' });
    const replacing = shell.start(['tokens', 'replace', oldToken.id]);
    const result = collectResult(replacing);
    await new Promise((resolve) => replacing.stdout?.once('data', resolve));
    // After the secret, the command closes its standard output, so that a pipe can store the secret.
    await new Promise((resolve) => replacing.stdout?.once('close', resolve));
    replacing.kill('SIGINT');
    const { code, stdout, stderr } = await result;
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`Cancelled\\. Both tokens remain valid: ${oldToken.id} and tok_`));
    assert.deepEqual([await authorizeStatus(oldToken.secret), await authorizeStatus(stdout.trim())], [200, 200]);

    const waiting = shell.start(['login', '--url', server.url]);
    const loginResult = collectResult(waiting);
    await new Promise((resolve) => waiting.stderr?.once('data', resolve));
    waiting.kill('SIGINT');
    assert.equal((await loginResult).code, 2);
  });
});

describe('keys', () => {
  test('are created, shown, updated, disabled, enabled and deleted', async () => {
    const project = await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Storefront' } });
    const app = await owner.call<{ id: string }>('/v1/apps', { body: { name: 'Shop', projectId: project.body.id } });
    const created = await shell.run([
      'keys',
      'create',
      '--name',
      'Billing',
      '--permission',
      'read',
      '--permission',
      'write',
      '--description',
      'Bills',
      '--rate',
      '100/min',
      '--app',
      'shop',
    ]);
    assert.equal(created.code, 0, created.stderr);
    const secret = created.stdout.trim();
    assert.equal(await authorizeStatus(secret), 200);
    const disabled = await shell.run(['keys', 'disable', 'Billing', '--json']);
    assert.equal(json<ApiKey>(disabled.stdout).status, 'inactive');
    assert.equal(await authorizeStatus(secret), 401);
    assert.equal((await shell.run(['keys', 'enable', 'Billing'])).code, 0);
    const updated = await shell.run([
      'keys',
      'update',
      'Billing',
      '--permission',
      'read',
      '--expires',
      '2040-01-01',
      '--description',
      '',
      '--app',
      'any',
      '--project',
      'storefront',
      '--json',
    ]);
    const key = json<ApiKey>(updated.stdout);
    const endOfDay = new Date(2040, 0, 1, 23, 59, 59, 999).toISOString();
    assert.deepEqual([key.permissions, key.expiresAt, key.description], [['read'], endOfDay, null]);
    assert.deepEqual([key.restrictions.apps, key.restrictions.projects], [[], [project.body.id]]);
    assert.deepEqual(json<ApiKey>(disabled.stdout).restrictions.apps, [app.body.id]);
    const shown = (await shell.run(['keys', 'show', key.id])).stdout;
    assert.match(shown, new RegExp(`^Projects\\s+${project.body.id}$`, 'm'));
    assert.match(shown, /^Apps\s+–$/m);
    assert.match(shown, /^Rate\s+100\/min$/m);
    assert.match(shown, /Access\s+read\n/);
    assert.match(shown, /Never used\s+read \(since \d{4}/);
    assert.equal((await shell.run(['keys', 'delete', key.id, '--yes', '--quiet'])).code, 0);
    assert.equal(await authorizeStatus(secret), 401);
  });
});

describe('other commands', () => {
  test('members and workspaces are listed; workspaces use selects a workspace; an unknown --workspace is refused', async () => {
    await signUpMember(server, owner, 'member', 'grace@example.com');
    const members = await shell.run(['members', 'list', '--json']);
    assert.deepEqual(
      json<{ email: string }[]>(members.stdout)
        .map(({ email }) => email)
        .sort(),
      ['ada@example.com', 'grace@example.com'],
    );
    const created = await owner.call<{ slug: string }>('/v1/workspaces', { body: { name: 'Globex' } });
    const lines = (await shell.run(['workspaces', 'list'])).stdout.trim().split('\n');
    assert.equal(lines.length, 2);
    assert.equal((await shell.run(['workspaces', 'use', created.body.slug])).code, 0);
    assert.equal(json<Whoami>((await shell.run(['whoami', '--json'])).stdout).workspace?.slug, created.body.slug);
    assert.equal((await shell.run(['workspaces', 'use', 'acme'])).code, 0);
    const refused = await shell.run(['tokens', 'list', '--workspace', 'initech']);
    assert.equal(refused.code, 1);
  });

  test('the guard flag of a key is set, shown and removed', async () => {
    const created = await shell.run(['keys', 'create', '--name', 'Gate', '--permission', 'read', '--guard']);
    assert.equal(created.code, 0, created.stderr);
    assert.match((await shell.run(['keys', 'show', 'Gate'])).stdout, /^Guard\s+yes$/m);
    assert.equal((await shell.run(['keys', 'update', 'Gate', '--guard', 'off'])).code, 0);
    assert.equal(json<ApiKey>((await shell.run(['keys', 'show', 'Gate', '--json'])).stdout).guard, false);
    assert.equal((await shell.run(['keys', 'update', 'Gate', '--guard', 'maybe'])).code, 1);
  });

  test('a credential works only in its own workspace, whichever workspace is selected', async () => {
    const key = await createKey(owner, ['read', 'write', 'manage_projects']);
    const environment = { DEVPILOT_TOKEN: key.secret, DEVPILOT_URL: server.url };
    const create = (...options: string[]) =>
      shell.run(['projects', 'create', '--name', 'Misplaced', ...options], { environment });
    for (const refused of [
      await create('--workspace', 'globex'),
      await shell.run(['whoami'], { environment: { ...environment, DEVPILOT_WORKSPACE: 'globex' } }),
    ]) {
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /The credential does not belong to the workspace/);
    }
    const { body } = await owner.call<{ data: { name: string }[] }>('/v1/projects');
    assert.ok(!body.data.some(({ name }) => name === 'Misplaced'));
    const created = await create('--workspace', 'acme');
    assert.equal(created.code, 0, created.stderr);
  });

  test('members are invited, assigned a role and removed', async () => {
    const invited = await shell.run(['members', 'invite', 'alan@example.com', '--role', 'admin']);
    assert.equal(invited.code, 0, invited.stderr);
    const link = invited.stdout.trim();
    assert.match(link, /^http\S+$/);
    assert.equal(invited.stderr.includes(link), false);
    const pending = json<{ id: string; email: string; role: string }[]>(
      (await shell.run(['members', 'invitations', '--json'])).stdout,
    );
    assert.deepEqual(
      pending.map(({ email, role }) => [email, role]),
      [['alan@example.com', 'admin']],
    );
    // `withdraw` is an alias of `revoke`, which requires --yes without a terminal.
    assert.equal((await shell.run(['members', 'withdraw', 'alan@example.com'])).code, 1);
    assert.equal((await shell.run(['members', 'revoke', 'Alan@Example.com', '--yes', '--quiet'])).code, 0);
    assert.equal((await shell.run(['members', 'invitations', '--quiet'])).stdout, '');

    await signUpMember(server, owner, 'member', 'edsger@example.com');
    const changed = await shell.run(['members', 'role', 'edsger@example.com', 'admin', '--json']);
    const { id, role } = json<{ id: string; role: string }>(changed.stdout);
    assert.equal(role, 'admin');
    assert.equal((await shell.run(['members', 'role', id, 'owner'])).code, 1);
    const unconfirmed = await shell.run(['members', 'remove', id]);
    assert.equal(unconfirmed.code, 1);
    assert.match(unconfirmed.stderr, /--yes is required/);
    const removed = await shell.run(['members', 'remove', 'edsger@example.com', '--yes', '--json']);
    assert.deepEqual(json(removed.stdout), [{ id, email: 'edsger@example.com', deleted: true }]);
    assert.equal((await shell.run(['members', 'remove', id, '--yes'])).code, 1);
    const members = json<{ id: string; role: string }[]>((await shell.run(['members', 'list', '--json'])).stdout);
    const ownersId = members.find((member) => member.role === 'owner')?.id ?? '';
    assert.equal((await shell.run(['members', 'remove', ownersId, '--yes'])).code, 1);
  });

  test('the owner ends the sessions of a member, and a member leaves', async () => {
    const member = await signUpMember(server, owner, 'member', 'barbara@example.com');
    const unconfirmed = await shell.run(['members', 'end-sessions', 'barbara@example.com']);
    assert.equal(unconfirmed.code, 1);
    assert.match(unconfirmed.stderr, /--yes is required/);
    assert.equal((await member.call('/v1/me')).status, 200);
    const ended = await shell.run(['members', 'end-sessions', 'barbara@example.com', '--yes', '--json']);
    assert.equal(ended.code, 0, ended.stderr);
    const { id, ...fields } = json<{ id: string }>(ended.stdout);
    assert.deepEqual(fields, { email: 'barbara@example.com', sessionsEnded: true });
    assert.equal((await member.call('/v1/me')).status, 401);
    assert.equal((await shell.run(['members', 'end-sessions', 'nobody@example.com', '--yes'])).code, 1);

    const body = { email: 'barbara@example.com', password: PASSWORD };
    const signedInAgain = createTestPerson(server, {
      email: body.email,
      cookie: cookieOf(await server.call('/v1/sessions', { body })),
    });
    const memberShell = openCliShell();
    assert.equal((await signIn(memberShell, signedInAgain)).code, 0);
    const forbidden = await memberShell.run(['members', 'end-sessions', 'ada@example.com', '--yes']);
    assert.equal(forbidden.code, 1);
    assert.match((await memberShell.run(['members', 'leave'])).stderr, /--yes is required/);
    const leave = await memberShell.run(['members', 'leave', '--yes', '--json']);
    assert.equal(leave.code, 0, leave.stderr);
    assert.deepEqual(json(leave.stdout), { workspace: owner.workspaceId, left: true });
    const listed = json<{ id: string }[]>((await shell.run(['members', 'list', '--json'])).stdout);
    assert.ok(!listed.some((member) => member.id === id));
    const refused = await shell.run(['members', 'leave', '--yes']);
    assert.equal(refused.code, 1, 'the owner cannot leave');
  });

  test('the activity log is listed, exported and followed', async () => {
    const listed = await shell.run(['audit', 'list', '--action', 'access_token.created', '--limit', '2', '--json']);
    assert.equal(json<AuditEvent[]>(listed.stdout).length, 2);
    const exported = await shell.run(['audit', 'export']);
    const events = exported.stdout
      .trim()
      .split('\n')
      .map((line) => json<AuditEvent>(line));
    assert.equal(events.at(-1)?.sequence, 1);
    assert.equal((await verifyAuditEvents(owner.workspaceId, events.toReversed())).broken, null);
    const file = join(shell.directory, 'log.ndjson');
    writeFileSync(file, 'others may read this', { mode: 0o644 });
    assert.equal((await shell.run(['audit', 'export', '--output', file])).code, 0);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.ok(readFileSync(file, 'utf8').endsWith(exported.stdout));
    const s3 = await startS3();
    const exportArgs = ['audit', 'export', '--action', 'access_token.created', '--to-bucket'];
    const environment = {
      DEVPILOT_BACKUP_BUCKET: s3.url,
      DEVPILOT_BACKUP_ACCESS_KEY_ID: s3.accessKeyId,
      DEVPILOT_BACKUP_SECRET_ACCESS_KEY: s3.secretAccessKey,
    };
    const stored = await shell.run([...exportArgs, 'audit/tokens.ndjson'], { environment });
    const refused = await shell.run([...exportArgs, '../tokens'], { environment });
    const object = readFileSync(join(s3.folder, 'backups/of-devpilot/audit/tokens.ndjson._S3rver_object'), 'utf8');
    await s3.close();
    assert.deepEqual([stored.code, refused.code], [0, 1], stored.stderr);
    assert.match(object, /^\{"id":"evt_.*"action":"access_token.created"/);
    const missingFolder = await shell.run(['audit', 'export', '--output', join(shell.directory, 'none', 'log')]);
    assert.deepEqual(
      [missingFolder.code, /log cannot be written: no such file or directory/.test(missingFolder.stderr)],
      [1, true],
    );
    assert.equal(
      (await shell.run(['audit', 'list', '--from', '1h', '--quiet', '--limit', '1'])).stdout.split('\n').length,
      2,
    );
    assert.equal((await shell.run(['audit', 'list', '--to', '1h', '--quiet'])).stdout, '');
    const tail = shell.start(['audit', 'tail', '--json']);
    const received: AuditEvent[] = [];
    const key = await createKey(owner, ['read'], { name: 'Created during tail' });
    for await (const chunk of tail.stdout ?? []) {
      for (const line of String(chunk).trim().split('\n')) received.push(json<AuditEvent>(line));
      if (received.some(({ target }) => target?.id === key.id)) break;
    }
    tail.kill();
    const sequences = received.map(({ sequence }) => sequence);
    assert.deepEqual(
      sequences,
      [...new Set(sequences)].sort((a, b) => a - b),
    );
  });

  test('doctor passes for a healthy installation, and names the problems of a broken one', async () => {
    const environment = { DEVPILOT_DATA_DIR: server.dataDirectory };
    const healthy = await shell.run(['doctor', '--json'], { environment });
    const checks = json<{ name: string; ok: boolean }[]>(healthy.stdout);
    assert.deepEqual([healthy.code, checks.filter(({ ok }) => !ok)], [0, []]);
    assert.deepEqual(
      checks.map(({ name }) => name),
      ['runtime', 'settings', 'data directory', 'store', 'server', 'clock', 'notices'],
    );
    chmodSync(server.dataDirectory, 0o755);
    const broken = await shell.run(['doctor', '--url', 'http://127.0.0.1:9'], { environment });
    chmodSync(server.dataDirectory, 0o700);
    assert.equal(broken.code, 1);
    assert.match(broken.stdout, /FAIL data directory/);
    assert.match(broken.stdout, /FAIL server/);
  });

  test('bash completes commands, options and names of resources on the server', async () => {
    const { stdout: script } = await shell.run(['completion', 'bash']);
    const project = await owner.call('/v1/projects', {
      body: { name: 'Completion target', slug: 'completion-target' },
    });
    assert.equal(project.status, 201, project.text);
    const key = await createKey(owner, ['read']);
    const environment = {
      PATH: process.env['PATH'],
      HOME: shell.directory,
      DEVPILOT_CONFIG_DIR: shell.directory,
      DEVPILOT_URL: server.url,
      DEVPILOT_TOKEN: key.secret,
    };
    // Runs bash asynchronously, because the server runs in this process.
    const completeFromServer = async (...words: string[]) => {
      const cliFunction = `devpilot() { ${process.execPath} ${BIN} "$@"; }`;
      const completionCommand = `COMP_WORDS=(devpilot ${words.join(' ')} ''); COMP_CWORD=${words.length + 1}; _devpilot; echo "\${COMPREPLY[@]}"`;
      const child = spawn('bash', ['-c', `${cliFunction}\n${script}\n${completionCommand}`], {
        env: environment,
        stdio: 'pipe',
      });
      return (await collectResult(child)).stdout.trim().split(' ');
    };
    const [projectCompletions, optionValueCompletions, tokenCompletions] = await Promise.all([
      completeFromServer('projects', 'show'),
      completeFromServer('apps', 'list', '--project'),
      completeFromServer('tokens', 'show'),
    ]);
    assert.ok(
      projectCompletions.includes('completion-target') && projectCompletions.includes('--json'),
      projectCompletions.join(' '),
    );
    assert.ok(
      optionValueCompletions.includes('completion-target') && !optionValueCompletions.includes('--json'),
      optionValueCompletions.join(' '),
    );
    // An API key cannot list tokens.
    assert.ok(
      tokenCompletions.includes('--json') && !tokenCompletions.some((word) => word.startsWith('tok_')),
      tokenCompletions.join(' '),
    );
    const completeOffline = (...words: string[]) => {
      const quotedWords = words.map((word) => `'${word}'`).join(' ');
      const completionScript = `${script}\nCOMP_WORDS=(devpilot ${quotedWords}); COMP_CWORD=${words.length}; _devpilot; echo "\${COMPREPLY[@]}"`;
      return spawnSync('bash', ['-c', completionScript], { encoding: 'utf8' }).stdout.trim().split(' ');
    };
    assert.deepEqual(completeOffline('tok'), ['tokens']);
    assert.deepEqual(completeOffline('tokens', 'cr'), ['create']);
    assert.ok(completeOffline('tokens', 'create', '--').includes('--passphrase'));
    assert.ok(completeOffline('audit', '').includes('verify'));
    assert.deepEqual(completeOffline('completion', 'z'), ['zsh']);
    assert.deepEqual(completeOffline('tokens', 'create', '--scope', 'modify'), ['modify_env']);
    assert.deepEqual(completeOffline('tokens', 'list', '--sort', 'use'), ['useCount']);
    assert.deepEqual(completeOffline('servers', 'list', '--sort', ''), ['createdAt', 'name']);
    assert.deepEqual(completeOffline('errors', 'list', '--sort', '-c'), ['-count']);
    assert.equal((await shell.run(['completion', 'csh'])).code, 1);
  });

  test('fish completes commands, options and values', async () => {
    ensureCommand('fish');
    const file = join(shell.directory, 'devpilot.fish');
    writeFileSync(file, (await shell.run(['completion', 'fish'])).stdout);
    const complete = (line: string) => {
      const { stdout } = spawnSync('fish', ['--no-config', '-c', `source ${file}; complete -C '${line}'`], {
        encoding: 'utf8',
        env: { ...process.env, HOME: shell.directory },
      });
      return stdout.trim().split('\n');
    };
    assert.deepEqual(complete('devpilot tok'), ['tokens']);
    assert.deepEqual(complete('devpilot tokens cr'), ['create']);
    assert.deepEqual(complete('devpilot tokens create --sco'), ['--scope']);
    assert.deepEqual(complete('devpilot tokens create --scope modify'), ['modify_env']);
    assert.deepEqual(complete('devpilot servers list --sort use'), ['']);
    assert.ok(complete('devpilot completion ').includes('zsh'));
  });

  test('zsh completes at the first Tab, from a directory in fpath and when sourced', async () => {
    ensureCommand('zsh');
    const folder = join(shell.directory, 'functions');
    mkdirSync(folder);
    writeFileSync(join(folder, '_devpilot'), (await shell.run(['completion', 'zsh'])).stdout);
    const completionSetups = [
      `fpath=(${folder} $fpath); autoload -Uz compinit; compinit -u -D`,
      `autoload -Uz compinit; compinit -u -D; source ${join(folder, '_devpilot')}`,
    ];
    for (const completionSetup of completionSetups) {
      const terminal = spawn('script', ['-qefc', 'stty cols 200; exec zsh -f -i', '/dev/null'], {
        env: { ...process.env, HOME: shell.directory, TERM: 'dumb' },
        stdio: 'pipe',
        timeout: scaledTimeout(60_000),
      });
      const result = collectResult(terminal);
      // The terminal echoes the input. The prompt is split in the input, so that only the shell prints the whole
      // prompt.
      const firstInput = `${completionSetup}; devpilot() { print "<$*>"; exit }; PROMPT='RE''ADY '\n`;
      // Each step waits for a completion by zsh and then types more.
      const remainingSteps: [RegExp, string][] = [
        [/READY /, 'devpilot tok\t'],
        [/ens /, 'cr\t'],
        [/eate /, '--sco\t'],
        [/pe /, 'modify_e\t'],
        [/nv /, '\n'],
      ];
      let output = '';
      terminal.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const [nextStep] = remainingSteps;
        if (nextStep === undefined) return;
        const [completed, nextInput] = nextStep;
        if (!completed.test(output)) return;
        output = '';
        remainingSteps.shift();
        terminal.stdin.write(nextInput);
      });
      terminal.stdin.write(firstInput);
      const { stdout } = await result;
      assert.match(stdout, /<tokens create --scope modify_env>/);
    }
  });

  test('an unknown command or option exits with 1, help with 0', async () => {
    const unknown = await shell.run(['token']);
    assert.deepEqual(
      [unknown.code, /unknown command 'token'[\s\S]*Did you mean tokens/.test(unknown.stderr)],
      [1, true],
    );
    assert.equal((await shell.run([])).code, 0);
    const unknownOption = await shell.run(['tokens', 'list', '--json', '--colour']);
    assert.deepEqual(
      [unknownOption.code, JSON.parse(unknownOption.stderr)],
      [1, { error: { code: 'usage', message: "unknown option '--colour'" } }],
    );
    assert.equal((await shell.run(['--help'])).code, 0);
  });

  test('api sends any request with fields, and prints the response as JSON, or the part that a query selects', async () => {
    const fields = ['--field', 'name=From the API', '--field', 'permissions:=["read"]'];
    const created = await shell.run(['api', '/v1/api-keys', ...fields]);
    assert.equal(created.code, 0, created.stderr);
    const { id, name } = json<ApiKey>(created.stdout);
    assert.equal(name, 'From the API');
    const filtered = await shell.run(['api', '/v1/api-keys?limit=1', '--method', 'get', '--field', 'q=from the']);
    assert.deepEqual(
      json<{ data: ApiKey[] }>(filtered.stdout).data.map((key) => key.id),
      [id],
    );
    const query = async (expression: string) => {
      const { code, stdout, stderr } = await shell.run(['api', `/v1/api-keys/${id}`, '--query', expression]);
      return code === 0 ? stdout : stderr;
    };
    assert.equal(await query('name'), 'From the API\n');
    assert.equal(await query('[permissions[0], lastUsedAt, nothing]'), '[\n  "read",\n  null,\n  null\n]\n');
    assert.match(await query('name ='), /^devpilot: --query: .*jmespath\.org/);
    assert.match(await query(`[@, @]${' | [@, @]'.repeat(40)}`), /^devpilot: --query: the result exceeds \d+ values/);
    const deleted = await shell.run(['api', `/v1/api-keys/${id}`, '--method', 'DELETE']);
    assert.deepEqual([deleted.code, deleted.stdout], [0, '']);
    for (const args of [['v1/me'], ['/v1/me', '--method', 'HEAD'], ['/v1/api-keys', '--field', 'name:=x']]) {
      assert.match((await shell.run(['api', ...args])).stderr, /^devpilot: .* must /);
    }
  });

  test('an unreachable server is reported, and the exit code is 1', async () => {
    const environment = {
      DEVPILOT_TOKEN: (await createToken(owner, ['all'])).secret,
      DEVPILOT_URL: 'http://127.0.0.1:9',
    };
    const { code, stderr } = await shell.run(['whoami'], { environment });
    assert.deepEqual([code, stderr.includes('http://127.0.0.1:9 cannot be reached. Is the server running')], [1, true]);
  });

  test('HTTPS_PROXY is used except for localhost; the reason for refusing a certificate is reported; --json prints errors as JSON', async () => {
    const commonArgs = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const names = ['-subj', '/CN=devpilot.test', '-addext', 'subjectAltName=DNS:devpilot.test'];
    const files = ['-keyout', join(shell.directory, 'key'), '-out', join(shell.directory, 'crt')];
    execFileSync('openssl', [...commonArgs, ...names, ...files], { stdio: 'ignore' });
    const [key, cert] = ['key', 'crt'].map((file) => readFileSync(join(shell.directory, file)));
    const problem = {
      code: 'invalid_token',
      title: 'Invalid',
      status: 401,
      detail: 'It is not valid.',
      requestId: 'r-1',
    };
    const httpsServer = createSecureServer({ key, cert }, (_request, response) => {
      response.writeHead(401, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    });
    const proxiedAddresses = new Set<string | undefined>();
    const proxy = createServer().on('connect', ({ url }, client) => {
      proxiedAddresses.add(url);
      const upstream = connect(portOf(httpsServer), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(client).pipe(upstream);
      });
      upstream.on('error', () => client.destroy());
      client.on('error', () => upstream.destroy());
    });
    const portOf = (listener: Server) => (listener.address() as AddressInfo).port;
    for (const listener of [httpsServer, proxy]) await once(listener.listen(0, '127.0.0.1'), 'listening');
    const environment = {
      DEVPILOT_TOKEN: (await createToken(owner, ['all'])).secret,
      DEVPILOT_URL: `https://devpilot.test:${portOf(httpsServer)}`,
      HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}`,
    };
    const trustingEnvironment = { ...environment, NODE_EXTRA_CA_CERTS: join(shell.directory, 'crt') };
    try {
      const untrusted = await shell.run(['whoami'], { environment });
      assert.deepEqual(
        [untrusted.code, [...proxiedAddresses]],
        [1, [`devpilot.test:${portOf(httpsServer)}`]],
        untrusted.stderr,
      );
      assert.match(untrusted.stderr, /an authority that this machine does not trust .* Set NODE_EXTRA_CA_CERTS/);
      const rejected = await shell.run(['whoami', '--json'], { environment: trustingEnvironment });
      const { code, status, requestId, message } = json<{ error: typeof problem & { message: string } }>(
        rejected.stderr,
      ).error;
      assert.deepEqual([rejected.code, code, status, requestId], [4, 'invalid_token', 401, 'r-1']);
      assert.match(message, /^It is not valid\. Set DEVPILOT_TOKEN/);
      const localEnvironment = { ...trustingEnvironment, DEVPILOT_URL: `https://localhost:${portOf(httpsServer)}` };
      const wrongHost = await shell.run(['whoami', '--json'], { environment: localEnvironment });
      assert.match(json<{ error: { message: string } }>(wrongHost.stderr).error.message, /is for another host name/);
      assert.equal(proxiedAddresses.size, 1);
    } finally {
      httpsServer.close();
      proxy.close();
      httpsServer.closeAllConnections();
      proxy.closeAllConnections();
    }
  });

  test('--help does not load the modules that run commands', () => {
    const recorder = `import { registerHooks } from 'node:module';
      const urls = [];
      registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
      process.on('exit', () => console.error(JSON.stringify(urls)));`;
    const preload = `data:text/javascript,${encodeURIComponent(recorder)}`;
    const { stderr } = spawnSync(process.execPath, ['--import', preload, BIN, '--help'], { encoding: 'utf8' });
    const files = json<string[]>(stderr).filter((url) => url.startsWith('file:'));
    assert.ok(files.some((url) => url.endsWith('/src/cli/program.ts')));
    const allowedModules =
      /\/(?:bin\/devpilot\.mjs|package\.json|node_modules\/commander\/.+|src\/(?:cli\/(?:main|umask|interrupt|environment-setting|failure|program|input|command-builders|[a-z]+-commands)|sdk\/errors|contract\/(?:vocabulary|event-names|platform-vocabulary|limits|calendar-date))\.ts)$/;
    assert.deepEqual(
      files.filter((url) => !allowedModules.test(url)),
      [],
    );
  });
});
