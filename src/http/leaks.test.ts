import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { mintSecret } from '../authorization/secret.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { LeakLabel } from '../contract/leaks.ts';
import { LEAK_LIMITS, MINUTE } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import {
  bearer,
  createKey,
  createToken,
  createWorkspaceFor,
  signInRemotePerson,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestResponse,
  type TestServer,
} from '../testing/test-server.ts';
import { until } from '../testing/until.ts';
import { createLeakSignatureVerifier } from './leak-signatures.ts';

const LEAK_URL = 'https://github.com/acme/shop/blob/main/deploy.sh';

describe('leaked secrets', () => {
  let testServer: TestServer;
  let owner: TestPerson;
  let notifyingOwner: TestPerson;
  let now = Date.parse('2027-01-01T12:00:00Z');
  before(async () => {
    testServer = await startTestServer({ clock: () => now });
    owner = await signUpOwner(testServer);
    notifyingOwner = await createWorkspaceFor(owner, testServer, 'Notifying');
    const changed = await notifyingOwner.call('/v1/policy', { method: 'PATCH', body: { onLeak: 'notify' } });
    assert.equal(changed.status, 200, changed.text);
  });
  after(() => testServer.close());

  const report = (body: unknown): Promise<TestResponse<LeakLabel[]>> => testServer.call('/v1/leaks', { body });
  const labelsOf = ({ body }: TestResponse<LeakLabel[]>) => body.map(({ label }) => label);
  const statusOf = async (secret: string) => (await testServer.call('/v1/whoami', { headers: bearer(secret) })).status;
  async function listLeakEvents(person: TestPerson, id: string): Promise<AuditEvent[]> {
    const path = `/v1/audit-events?action=credential.leaked&credential=${id}`;
    return (await person.call<Page<AuditEvent>>(path)).body.data;
  }

  test('leaked credentials of both kinds are deleted before the response, including restricted, inactive and expired ones', async () => {
    const token = await createToken(owner, ['all']);
    const restricted = await createKey(owner, ['read'], { restrictions: { addresses: ['192.0.2.1'] } });
    const inactive = await createKey(owner, ['read'], { active: false });
    const expiring = await createToken(owner, ['all'], { expiresAt: new Date(now + MINUTE).toISOString() });
    now += 2 * MINUTE;
    const unknown = mintSecret('api_key');
    const response = await report([
      { token: ` ${token.secret}\r\n`, type: 'devpilot_access_token', url: LEAK_URL, source: 'content', extra: 1 },
      { token: restricted.secret, url: null },
      { token: inactive.secret },
      { token: expiring.secret },
      { token: unknown },
      { token: 'not a secret' },
    ]);
    assert.equal(response.status, 200, response.text);
    const knownLabels = Array<string>(4).fill('true_positive');
    assert.deepEqual(labelsOf(response), [...knownLabels, 'false_positive', 'false_positive']);
    const hash = createHash('sha256').update(unknown).digest('hex');
    assert.deepEqual(response.body[4], { token_hash: hash, token_type: 'api_key', label: 'false_positive' });
    assert.equal(response.body[0]?.token_type, 'devpilot_access_token');
    assert.deepEqual(
      await Promise.all([token, restricted, expiring].map(({ secret }) => statusOf(secret))),
      [401, 401, 401],
    );
    for (const [path, { id }] of [
      ['access-tokens', token],
      ['api-keys', restricted],
      ['api-keys', inactive],
    ] as const) {
      assert.equal((await owner.call(`/v1/${path}/${id}`)).status, 404);
    }
    assert.deepEqual(labelsOf(await report([{ token: token.secret }])), ['true_positive']);
    const [event, ...otherEvents] = await listLeakEvents(owner, token.id);
    assert.deepEqual(otherEvents, []);
    const leakLocation = { url: LEAK_URL, source: 'content', type: 'devpilot_access_token' };
    assert.deepEqual(event?.detail, { ...leakLocation, deleted: true });
    assert.deepEqual([event?.actor.kind, event?.target?.id, event?.address], ['system', token.id, '127.0.0.1']);
  });

  test('reporting or revoking a deleted secret does not count as a use', async () => {
    const reported = await createKey(owner, ['read']);
    const used = await createKey(owner, ['read']);
    const reports = [{ token: reported.secret }, { token: used.secret }];
    for (let count = 0; count < 2; count++) await report(reports);
    const formHeaders = { 'content-type': 'application/x-www-form-urlencoded' };
    const revoked = await testServer.call('/v1/revoke', { body: `token=${reported.secret}`, headers: formHeaders });
    assert.deepEqual([revoked.status, await statusOf(used.secret)], [200, 401]);
    const countUsesAfterDeletion = async ({ id }: { id: string }) => {
      const path = `/v1/audit-events?action=credential.used_after_deletion&credential=${id}`;
      return (await owner.call<Page<AuditEvent>>(path)).body.data.length;
    };
    await until(async () => (await countUsesAfterDeletion(used)) === 1);
    assert.equal(await countUsesAfterDeletion(reported), 0);
  });

  test('with onLeak set to notify, the credential stays valid, and each location is recorded once per day', async () => {
    const { id, secret } = await createToken(notifyingOwner, ['all']);
    const leak = { token: secret, url: `https://paste.example/?key=${secret}&x=${'y'.repeat(5_000)}` };
    for (const body of [[leak, leak], [leak], [{ ...leak, source: 'commit' }]]) {
      assert.ok(labelsOf(await report(body)).every((label) => label === 'true_positive'));
    }
    assert.equal(await statusOf(secret), 200);
    const events = await listLeakEvents(notifyingOwner, id);
    assert.deepEqual(
      events.map(({ detail }) => [detail['source'], detail['deleted']]),
      [
        ['commit', false],
        [null, false],
      ],
    );
    const url = String(events[0]?.detail['url']);
    assert.match(url, /^https:\/\/paste\.example\/\?key=\[secret\]&x=y+$/);
    assert.equal(url.length, LEAK_LIMITS.url);
    assert.equal((await listLeakEvents(owner, id)).length, 0);
  });

  test('a leaked session ends, and a repeated report of it is not labeled as a false positive', async () => {
    const { cookie } = await signInRemotePerson(testServer.url, owner.email);
    const me = async () => (await testServer.call('/v1/me', { headers: { cookie } })).status;
    assert.equal(await me(), 200);
    const token = decodeURIComponent(cookie.split('=')[1] ?? '');
    const labels = labelsOf(await report([{ token }, { token: mintSecret('session') }]));
    assert.deepEqual([labels, await me()], [['true_positive', 'false_positive'], 401]);
    assert.deepEqual(labelsOf(await report([{ token }])), ['true_positive']);
  });

  test('a session that its holder has revoked is not labeled as a false positive', async () => {
    const { cookie } = await signInRemotePerson(testServer.url, owner.email);
    const token = decodeURIComponent(cookie.split('=')[1] ?? '');
    await testServer.call('/v1/revoke', { body: new URLSearchParams({ token }) });
    assert.deepEqual(labelsOf(await report([{ token }])), ['true_positive']);
  });

  test('malformed and too many reports are refused without repeating a secret', async () => {
    const secret = mintSecret('access_token');
    const tooManyReports = Array.from({ length: LEAK_LIMITS.reports + 1 }, () => ({ token: secret }));
    const responses = await Promise.all([
      report(tooManyReports),
      report({ token: secret }),
      report([{ token: 1, url: secret }]),
      report(`[{"token":"${secret}"`),
    ]);
    assert.deepEqual(
      responses.map(({ status }) => status),
      [422, 422, 422, 400],
    );
    for (const { text } of responses) assert.equal(text.includes(secret), false);
  });

  test('unsigned requests are limited per client address', async () => {
    const statuses: number[] = [];
    for (let index = 0; index <= LEAK_LIMITS.requests.burst; index++) statuses.push((await report([])).status);
    assert.ok(statuses.includes(200) && statuses.at(-1) === 429);
    now += 2 * MINUTE;
    assert.equal((await report([])).status, 200);
  });

  test('no file of the data directory contains a reported secret', async () => {
    const { secret } = await createToken(owner, ['all']);
    assert.deepEqual(labelsOf(await report([{ token: secret, type: secret, source: secret }])), ['true_positive']);
    for (const file of readdirSync(testServer.dataDirectory, { withFileTypes: true })) {
      if (file.isFile())
        assert.equal(readFileSync(join(file.parentPath, file.name)).includes(secret), false, file.name);
    }
  });
});

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const signatureHeaders = (body: string, id = 'one') => ({
  'github-public-key-identifier': id,
  'github-public-key-signature': sign('sha256', Buffer.from(body), privateKey).toString('base64'),
});

test('with configured keys, only reports with a signature of exactly their bytes are accepted', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'keys.pem');
  writeFileSync(path, pem);
  const testServer = await startTestServer({ environment: { DEVPILOT_LEAK_KEYS: path } });
  try {
    const owner = await signUpOwner(testServer);
    const { secret } = await createToken(owner, ['all']);
    const body = JSON.stringify([{ token: secret, type: 't', url: '', source: 'content' }]);
    const send = (headers: Record<string, string>, text = body) =>
      testServer.call('/v1/leaks', { body: text, headers: { 'content-type': 'application/json', ...headers } });
    const refused = [
      await send({}),
      await send(signatureHeaders(`${body} `)),
      await send({ ...signatureHeaders(body), 'github-public-key-signature': 'AAAA' }),
      await send(signatureHeaders(body), `${body} `),
    ];
    assert.deepEqual(
      refused.map(({ status }) => status),
      [403, 403, 403, 403],
    );
    assert.equal((await testServer.call('/v1/whoami', { headers: bearer(secret) })).status, 200);
    assert.equal((await send(signatureHeaders(body))).status, 200);
    assert.equal((await testServer.call('/v1/whoami', { headers: bearer(secret) })).status, 401);
  } finally {
    await testServer.close();
  }
});

test('published keys are fetched once, and for unknown keys again at most once per minute', async () => {
  let now = 0;
  let fetches = 0;
  let status = 200;
  const fetchDocument = () => {
    fetches++;
    const keys = { public_keys: [{ key_identifier: 'one', key: pem, is_current: true }] };
    return Promise.resolve({ status, body: Buffer.from(JSON.stringify(keys)) });
  };
  const verify = createLeakSignatureVerifier({ url: 'https://keys.example/' }, fetchDocument, () => now);
  const body = Buffer.from('[]');
  await Promise.all([verify(signatureHeaders('[]'), body), verify(signatureHeaders('[]'), body)]);
  assert.equal(fetches, 1);
  await assert.rejects(verify(signatureHeaders('[]', 'two'), body), { code: 'forbidden' });
  assert.equal(fetches, 1);
  now += MINUTE;
  await assert.rejects(verify(signatureHeaders('[]', 'two'), body), { code: 'forbidden' });
  assert.equal(fetches, 2);
  now += MINUTE;
  status = 500;
  for (let attempt = 0; attempt < 2; attempt++) {
    await assert.rejects(verify(signatureHeaders('[]', 'two'), body), { code: 'unavailable' });
  }
  await verify(signatureHeaders('[]'), body);
  assert.equal(fetches, 3);
});
