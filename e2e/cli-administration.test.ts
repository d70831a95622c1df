import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { AccessToken } from '../src/contract/access-tokens.ts';
import type { ApiKey } from '../src/contract/api-keys.ts';
import type { AuthorizationExplanation } from '../src/contract/explanation.ts';
import type { Notice } from '../src/contract/notices.ts';
import type { Policy } from '../src/contract/policy.ts';
import type { ReviewItem } from '../src/contract/review.ts';
import type { Webhook, WebhookDelivery } from '../src/contract/webhooks.ts';
import {
  bearer,
  createKey,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../src/testing/test-server.ts';
import { startWebhookReceiver } from '../src/testing/webhook-receiver.ts';
import { type CliShell, collectResult, openCliShell } from './cli-shell.ts';

type Credential = AccessToken | ApiKey;

let server: TestServer;
let owner: TestPerson;
let shell: CliShell;
const json = <Body>(text: string) => JSON.parse(text) as Body;
const authorizeStatus = async (secret: string) =>
  (await server.call('/v1/authorize', { headers: bearer(secret) })).status;

before(async () => {
  server = await startTestServer({ environment: { DEVPILOT_OUTBOUND: 'any' } });
  owner = await signUpOwner(server);
  shell = openCliShell({ DEVPILOT_URL: server.url, DEVPILOT_TOKEN: owner.cookie.split('=')[1] ?? '' });
});
after(() => server.close());

const KINDS = [
  { noun: 'tokens', create: (options: object) => createToken(owner, ['modify_env'], { ...options }) },
  { noun: 'keys', create: (options: object) => createKey(owner, ['read', 'deploy'], { ...options }) },
] as const;

for (const { noun, create } of KINDS) {
  const show = async (id: string) => json<Credential>((await shell.run([noun, 'show', id, '--json'])).stdout);

  describe(noun, () => {
    test('replace creates a copy that refers to the old credential, waits for its first use, then deletes the old credential', async () => {
      const expiresAt = new Date(Date.now() + 30 * 86_400_000).toISOString();
      const oldCredential = await create({ name: `Rotated ${noun}`, expiresAt });
      const child = shell.start([noun, 'replace', oldCredential.id, '--wait', '1m']);
      const result = collectResult(child);
      let secret = '';
      // This loop ends when the command closes its standard output, while it is still waiting.
      for await (const chunk of child.stdout ?? []) secret += String(chunk);
      secret = secret.trim();
      assert.equal(child.exitCode, null);
      const { replacedBy } = await show(oldCredential.id);
      const copy = await show(replacedBy ?? '');
      assert.deepEqual([copy.replaces, copy.name], [oldCredential.id, oldCredential.name]);
      const lifetimeOf = (credential: Credential) =>
        Date.parse(credential.expiresAt ?? '') - Date.parse(credential.createdAt);
      assert.ok(Math.abs(lifetimeOf(copy) - lifetimeOf(oldCredential)) < 120_000);
      if (copy.kind === 'api_key') assert.deepEqual(copy.permissions, ['read', 'deploy']);
      else assert.deepEqual(copy.scopes, ['modify_env']);
      assert.match(
        (await shell.run([noun, 'show', copy.id])).stdout,
        new RegExp(`^Replaces\\s+${oldCredential.id}$`, 'm'),
      );
      assert.match(
        (await shell.run([noun, 'show', oldCredential.id])).stdout,
        new RegExp(`^Replaced by\\s+${copy.id}$`, 'm'),
      );
      assert.deepEqual([await authorizeStatus(oldCredential.secret), await authorizeStatus(secret)], [200, 200]);
      const { code, stderr } = await result;
      assert.equal(code, 0, stderr);
      assert.match(stderr, new RegExp(`${copy.id} is in use; deleted ${oldCredential.id}`));
      assert.ok(!stderr.includes(secret));
      assert.deepEqual([await authorizeStatus(oldCredential.secret), await authorizeStatus(secret)], [401, 200]);
    });

    test('replace, if repeated by name, creates no second copy, prints no secret, and deletes the old credential once the copy is used', async () => {
      const name = `Resumed ${noun}`;
      const oldCredential = await create({ name });
      const firstRun = await shell.run([noun, 'replace', name, '--wait', '0m']);
      assert.equal(firstRun.code, 1);
      assert.match(
        firstRun.stderr,
        new RegExp(`was not used within the waiting time. Both ${noun} remain valid: ${oldCredential.id}`),
      );
      const secret = firstRun.stdout.trim();
      const { replacedBy } = await show(oldCredential.id);
      // Two credentials now have this name. Only the replace command can tell which one is meant.
      assert.match((await shell.run([noun, 'show', name])).stderr, /2 credentials are named/);

      const secondRun = await shell.run([noun, 'replace', name, '--wait', '0m', '--expires', '1d']);
      assert.deepEqual([secondRun.code, secondRun.stdout], [1, '']);
      assert.match(secondRun.stderr, new RegExp(`${replacedBy}, created .* already replaces ${oldCredential.id}`));
      assert.equal((await shell.run([noun, 'list', '--search', name, '--quiet'])).stdout.trim().split('\n').length, 2);

      assert.equal(await authorizeStatus(secret), 200);
      const lastRun = await shell.run([noun, 'replace', name, '--json']);
      assert.equal(lastRun.code, 0, lastRun.stderr);
      const remaining = json<Credential>(lastRun.stdout);
      assert.deepEqual(
        [remaining.id, remaining.replaces, 'secret' in remaining],
        [replacedBy, oldCredential.id, false],
      );
      assert.deepEqual([await authorizeStatus(oldCredential.secret), await authorizeStatus(secret)], [401, 200]);
      assert.equal((await show(replacedBy ?? '')).replaces, null);
    });

    test('replace fails if someone deletes the copy while it waits', async () => {
      const oldCredential = await create({ name: `Deleted ${noun}` });
      const child = shell.start([noun, 'replace', oldCredential.id]);
      const result = collectResult(child);
      await new Promise((resolve) => child.stdout?.once('close', resolve));
      const { replacedBy } = await show(oldCredential.id);
      const path = noun === 'tokens' ? '/v1/access-tokens' : '/v1/api-keys';
      assert.equal((await owner.call(`${path}/${replacedBy}`, { method: 'DELETE' })).status, 204);
      const { code, stderr } = await result;
      assert.equal(code, 1);
      assert.match(
        stderr,
        new RegExp(`${oldCredential.id} or ${replacedBy} was deleted while this command was waiting`),
      );
      assert.equal(await authorizeStatus(oldCredential.secret), 200);
    });

    test('lists are filtered by expiry', async () => {
      const search = `Filtered ${noun}`;
      const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
      const soon = await create({ name: `${search} soon`, expiresAt: inDays(2) });
      const later = await create({ name: `${search} later`, expiresAt: inDays(20) });
      const never = await create({ name: `${search} never` });
      const list = async (...options: string[]) =>
        (await shell.run([noun, 'list', '--search', search, '--sort', 'createdAt', '--quiet', ...options])).stdout
          .trim()
          .split('\n');
      assert.deepEqual(await list('--expires-within-days', '7'), [soon.id]);
      assert.deepEqual(await list('--expires-within-days', '30'), [soon.id, later.id]);
      assert.deepEqual(await list('--never-expires'), [never.id]);
      const refused = await shell.run([noun, 'list', '--expires-within-days', 'soon']);
      assert.deepEqual([refused.code, /must be a whole number/.test(refused.stderr)], [1, true]);
    });
  });
}

test('the policy is shown and set, and a dry run lists the credentials that would violate it and changes nothing', async () => {
  const key = await createKey(owner, ['read'], { name: 'Unlimited' });
  const readPolicy = async () => json<Policy>((await shell.run(['policy', 'show', '--json'])).stdout);
  const policyBefore = await readPolicy();
  const setArgs = ['policy', 'set', '--max-lifetime-days', '30', '--passphrase-scope', 'modify_env,run_scripts'];
  const dryRun = await shell.run([...setArgs, '--dry-run']);
  assert.equal(dryRun.code, 0, dryRun.stderr);
  assert.match(dryRun.stdout, new RegExp(`^${key.id}\tapi_key\tUnlimited\tmaxLifetimeDays\tnever$`, 'm'));
  assert.match(dryRun.stderr, /^Nothing was changed\. Violations of the policy: \d+ credentials?, 0 members\.$/m);
  assert.deepEqual(await readPolicy(), policyBefore);

  const expected = { ...policyBefore, maxLifetimeDays: 30, passphraseScopes: ['modify_env', 'run_scripts'] };
  assert.deepEqual(json<Policy>((await shell.run([...setArgs, '--json'])).stdout), expected);
  const listed = await shell.run(['keys', 'list', '--violates-policy', '--quiet']);
  assert.ok(listed.stdout.split('\n').includes(key.id));
  const refused = await shell.run(['keys', 'create', '--name', 'Too long', '--permission', 'read', '--expires', '1y']);
  assert.deepEqual([refused.code, refused.stdout], [1, '']);
  assert.match(refused.stderr, /expiresAt: must be at most 30 days after creation/);
  const unset = ['policy', 'set', '--max-lifetime-days', 'none', '--passphrase-scope', 'none'];
  assert.equal((await shell.run(unset)).code, 0);
  assert.deepEqual(await readPolicy(), policyBefore);
  assert.match((await shell.run(['policy', 'set'])).stderr, /^devpilot: Nothing to change\./);
});

test('credentials to review are listed, exported as CSV and kept', async () => {
  const { id } = await createKey(owner, ['read'], { name: 'Endless' });
  const listedIds = async (...args: string[]) => {
    const listed = await shell.run(['review', '--reason', 'never_expires', '--quiet', ...args]);
    return listed.stdout.split('\n').filter((line) => line === id);
  };
  assert.deepEqual(await listedIds(), [id]);
  const table = await shell.run(['review', 'list', '--created-by', 'per_unknown']);
  assert.deepEqual([table.code, table.stdout, table.stderr], [0, '', 'Nothing to review.\n']);
  const keepOutput = await shell.run(['review', 'keep', id, '--note', 'By hand', '--json']);
  assert.equal(json<ReviewItem[]>(keepOutput.stdout)[0]?.kept?.note, 'By hand');
  assert.deepEqual(await listedIds(), []);
  const csv = await shell.run(['review', '--include-kept', '--csv']);
  assert.match(csv.stdout, new RegExp(`^15,never_expires,api_key,${id},Endless,.*,By hand\r$`, 'm'));
  const empty = await shell.run(['review', '--created-by', 'per_unknown']);
  assert.match(empty.stderr, /^Nothing to review\. Last decision on .* by Ada Lovelace\.$/m);
  assert.equal((await shell.run(['review', 'keep', 'key_unknown'])).code, 1);
});

test('notices are listed and snoozed', async () => {
  const created = await shell.run(['tokens', 'create', '--name', 'Deleted token', '--scope', 'all', '--json']);
  const { id, secret } = json<{ id: string; secret: string }>(created.stdout);
  assert.equal((await shell.run(['tokens', 'delete', id, '--yes'])).code, 0);
  assert.equal((await shell.run(['whoami'], { environment: { DEVPILOT_TOKEN: secret } })).code, 4);
  // Reading the activity log first writes the buffered refusals, one of which creates the notice.
  await shell.run(['audit', 'list']);
  const list = async (...args: string[]) =>
    json<Notice[]>((await shell.run(['notices', 'list', '--json', ...args])).stdout);
  const kindFilter = ['--kind', 'credential.used_after_deletion'];
  const notice = (await list(...kindFilter)).find(({ subject }) => subject.id === id);
  assert.equal(notice?.status, 'open');
  assert.match(
    (await shell.run(['notices', 'list', ...kindFilter])).stdout,
    /Deleted token.*used after its deletion.*127\.0\.0\.1/,
  );
  const dismissed = await shell.run(['notices', 'dismiss', notice?.id ?? '', '--until', '7d', '--json']);
  assert.equal(json<Notice[]>(dismissed.stdout)[0]?.status, 'snoozed', dismissed.stderr);
  assert.ok((await list(...kindFilter)).every(({ subject }) => subject.id !== id));
  assert.match((await shell.run(['notices', 'list', '--kind', 'x'])).stderr, /--kind must be one of/);
});

test('webhooks are created, tested, updated, listed with their deliveries, and deleted', async () => {
  const receiver = await startWebhookReceiver();
  const run = (...args: string[]) => shell.run(['webhooks', ...args]);
  const created = await run('create', '--name', 'Bridge', '--endpoint', receiver.url, '--event', 'run.*,audit.event');
  assert.equal(created.code, 0, created.stderr);
  assert.match(created.stdout, /^whsec_\S{44}\n$/);
  const id = /\((whk_\w+)\)/.exec(created.stderr)?.[1] ?? '';
  const tested = await run('test', id);
  assert.deepEqual([tested.code, receiver.messages.some(({ body }) => body.includes('webhook.test'))], [0, true]);
  receiver.respond = (response) => response.writeHead(500).end();
  const failed = await run('test', id);
  assert.deepEqual([failed.code, /The receiver responded with 500/.test(failed.stderr)], [1, true]);
  const updated = await run('update', id, '--name', 'Renamed', '--event', 'run.*', '--active', 'off', '--json');
  assert.deepEqual([json<Webhook>(updated.stdout).name, json<Webhook>(updated.stdout).active], ['Renamed', false]);
  assert.match((await run('update', id, '--replace-secret')).stdout, /^whsec_\S{44}\n$/);
  assert.match((await run('update', id)).stderr, /^devpilot: Nothing to change\./);
  assert.match((await run('list')).stdout, new RegExp(`^${id}\tRenamed\tinactive\trun\\.\\*\t`));
  const deliveries = json<WebhookDelivery[]>((await run('deliveries', id, '--json')).stdout);
  const deliveredId = deliveries.find(({ status }) => status === 'delivered')?.id ?? '';
  assert.match((await run('redeliver', id, deliveredId)).stderr, /not active/);
  assert.match((await run('delete', id)).stderr, /--yes is required/);
  assert.equal((await run('delete', id, '--yes')).code, 0);
  assert.match((await run('deliveries', id)).stderr, /The webhook was not found/);
  await receiver.close();
});

test('explain prints the decision and the step that made it, for a credential given by name or ID, and fails for unknown names and scopes', async () => {
  const token = await createToken(owner, ['modify_env'], { name: 'Explained', passphrase: 'correct horse' });
  const explain = (...args: string[]) => shell.run(['explain', ...args]);
  const allowed = await explain('Explained', '--scope', 'modify_env');
  assert.equal(allowed.code, 0, allowed.stderr);
  assert.match(allowed.stdout, new RegExp(`^Credential +Explained \\(${token.id}\\)\nDecision +allowed$`, 'm'));
  assert.match(allowed.stdout, /^Assumed +the correct passphrase$/m);
  const refused = await explain(token.id, '--permission', 'read', '--address', '203.0.113.7', '--json');
  const { step, code, status } = json<AuthorizationExplanation>(refused.stdout);
  assert.deepEqual([step, code, status], ['kind', 'wrong_credential_kind', 403]);
  const project = await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Storefront' } });
  for (const slug of ['shop', 'blog'])
    await owner.call('/v1/apps', { body: { name: `The ${slug}`, slug, projectId: project.body.id } });
  // The guide shows the result of each of its explain commands in a comment.
  const guide = readFileSync(new URL('../docs/guides/github-actions.md', import.meta.url), 'utf8');
  const [createCommand = '', ...explainCommands] = [...guide.matchAll(/^devpilot ((?:tokens|explain) .*)$/gm)].map(
    ([, line = '']) => line,
  );
  const argumentsOf = (line: string) =>
    [...(line.split(' #')[0] ?? '').matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain = '']) => quoted ?? plain);
  assert.equal((await shell.run(argumentsOf(createCommand))).code, 0);
  assert.equal(explainCommands.length, 3);
  for (const explainCommand of explainCommands) {
    const result = await shell.run([...argumentsOf(explainCommand), '--quiet']);
    assert.equal(result.stdout.trim().replace(/ \(\d+\)$/, ''), explainCommand.split('# ')[1], result.stderr);
  }
  assert.match(
    (await explain('Unknown')).stderr,
    /^devpilot: No access token or API key named Unknown found\. List all with: /m,
  );
  assert.match((await explain(token.id, '--scope', 'read')).stderr, /requirement\.scopes\.0: must be one of: all/);
});

test('a replacement requires a new passphrase if the token has one, and an enabled key; otherwise nothing is created', async () => {
  const token = await createToken(owner, ['all'], { name: 'With passphrase', passphrase: 'correct horse' });
  const withoutPassphrase = await shell.run(['tokens', 'replace', token.id, '--wait', '0m']);
  assert.deepEqual(
    [withoutPassphrase.code, /--passphrase -/.test(withoutPassphrase.stderr), withoutPassphrase.stdout],
    [1, true, ''],
  );
  const args = ['tokens', 'replace', token.id, '--wait', '0m', '--passphrase', '-', '--json'];
  const replacement = json<AccessToken>((await shell.run(args, { input: 'battery staple\n' })).stdout);
  assert.deepEqual([replacement.hasPassphrase, replacement.replaces], [true, token.id]);

  const key = await createKey(owner, ['read'], { name: 'Inactive', active: false });
  const inactive = await shell.run(['keys', 'replace', 'Inactive', '--wait', '0m']);
  assert.deepEqual([inactive.code, inactive.stdout], [1, '']);
  assert.match(inactive.stderr, new RegExp(`Enable it first: devpilot keys enable ${key.id}`));
  assert.equal(json<ApiKey>((await shell.run(['keys', 'show', key.id, '--json'])).stdout).replacedBy, null);
});
