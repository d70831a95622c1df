import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AccessToken } from '../contract/access-tokens.ts';
import type { ApiKey, CreatedApiKey } from '../contract/api-keys.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import { DAY } from '../contract/limits.ts';
import type { CountedPage, Page } from '../contract/paging.ts';
import { DEFAULT_POLICY, type Policy, type PolicyDryRun, type UpdatePolicy } from '../contract/policy.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import { forEachEngine } from '../testing/engines.ts';
import {
  bearer,
  createKey,
  createToken,
  createWorkspaceFor,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestResponse,
  type TestServer,
  turnOnTwoFactor,
} from '../testing/test-server.ts';

forEachEngine('workspace policy', (engine) => {
  let testServer: TestServer;
  let ada: TestPerson;
  let now = Date.parse('2027-01-01T12:00:00Z');
  const inDays = (days: number, from = now) => new Date(from + days * DAY).toISOString();
  before(async () => {
    testServer = await startTestServer({ clock: () => now, environment: await engine.environment() });
    ada = await turnOnTwoFactor(testServer, await signUpOwner(testServer), now);
  });
  after(() => testServer.close());

  const createWorkspace = (name: string) => createWorkspaceFor(ada, testServer, name);
  const patchPolicy = <Body = Policy & ProblemBody>(
    owner: TestPerson,
    body: UpdatePolicy | Readonly<Record<string, unknown>>,
    { query = '', headers = {} }: { readonly query?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  ) => owner.call<Body>(`/v1/policy${query}`, { method: 'PATCH', body, headers });
  async function setPolicy(owner: TestPerson, body: UpdatePolicy): Promise<void> {
    const { status, text } = await patchPolicy(owner, body);
    assert.equal(status, 200, text);
  }
  const errorFields = ({ body }: TestResponse<ProblemBody>) => [
    ...new Set((body.errors ?? []).map(({ field }) => field)),
  ];
  const authorizeStatus = async (secret: string) => {
    const { status } = await testServer.call('/v1/authorize', { headers: bearer(secret) });
    return status;
  };
  const listCredentials = async (owner: TestPerson, path: string, query: string) => {
    const { body, status, text } = await owner.call<CountedPage<AccessToken | ApiKey>>(`${path}?${query}`);
    assert.equal(status, 200, text);
    assert.equal(body.total, body.data.length);
    return body.data;
  };

  test('a policy has defaults until it is changed, and a change is recorded with the previous values', async () => {
    const owner = await createWorkspace('Defaults');
    const initial = await owner.call<Policy>('/v1/policy');
    assert.deepEqual(initial.body, DEFAULT_POLICY);
    const etag = initial.headers.get('etag') ?? '';

    const changed = await patchPolicy(
      owner,
      { maxLifetimeDays: 90, passphraseScopes: ['run_scripts'] },
      {
        headers: { 'if-match': etag },
      },
    );
    const expected = { ...DEFAULT_POLICY, maxLifetimeDays: 90, passphraseScopes: ['run_scripts'] };
    assert.deepEqual([changed.status, changed.body], [200, expected]);
    const read = await owner.call('/v1/policy');
    assert.deepEqual([read.body, read.headers.get('etag')], [expected, changed.headers.get('etag')]);
    assert.equal((await patchPolicy(owner, { allowAll: false }, { headers: { 'if-match': etag } })).status, 409);
    assert.equal((await patchPolicy(owner, { maxLifetimeDays: 90 })).status, 200, 'no change');

    const log = await owner.call<Page<AuditEvent>>('/v1/audit-events?action=policy.updated');
    assert.deepEqual(
      log.body.data.map(({ detail }) => detail),
      [
        {
          before: { maxLifetimeDays: null, passphraseScopes: [] },
          after: { maxLifetimeDays: 90, passphraseScopes: ['run_scripts'] },
        },
      ],
    );
    const adaInOtherWorkspace = await createWorkspace('Neighbor');
    assert.deepEqual((await adaInOtherWorkspace.call('/v1/policy')).body, DEFAULT_POLICY);
  });

  test('unknown fields and values out of bounds are refused with the name of the field', async () => {
    const owner = await createWorkspace('Bounds');
    const rows: [body: Record<string, unknown>, field: string][] = [
      [{ minLifetimeDays: 1 }, 'minLifetimeDays'],
      [{ maxLifetimeDays: 0 }, 'maxLifetimeDays'],
      [{ maxLifetimeDays: 3_651 }, 'maxLifetimeDays'],
      [{ maxLifetimeDays: 1.5 }, 'maxLifetimeDays'],
      [{ unusedAfterDays: 0 }, 'unusedAfterDays'],
      [{ unusedAfterDays: null }, 'unusedAfterDays'],
      [{ passphraseScopes: ['read'] }, 'passphraseScopes.0'],
      [{ passphraseScopes: ['all', 'all'] }, 'passphraseScopes'],
      [{ allowAll: 1 }, 'allowAll'],
      [{ createdBy: 'member' }, 'createdBy'],
      [{ onLeak: 'ignore' }, 'onLeak'],
      [{ foreignPrefixes: ['ab'] }, 'foreignPrefixes.0'],
      [{ foreignPrefixes: ['acme', 'a'.repeat(25)] }, 'foreignPrefixes.1'],
      [{ foreignPrefixes: ['acme live'] }, 'foreignPrefixes.0'],
      [{ foreignPrefixes: ['dp_old_'] }, 'foreignPrefixes.0'],
      [{ foreignPrefixes: ['workspace_'] }, 'foreignPrefixes.0'],
      [{ foreignPrefixes: ['Devpilot_Session_1'] }, 'foreignPrefixes.0'],
      [{ foreignPrefixes: ['acme', 'acme'] }, 'foreignPrefixes'],
      [{ maxLifetimeDays: 30, bindsExistingFrom: 'soon' }, 'bindsExistingFrom'],
      [{ maxLifetimeDays: 30, bindsExistingFrom: inDays(6.9) }, 'bindsExistingFrom'],
      [{ bindsExistingFrom: inDays(8) }, 'bindsExistingFrom'],
    ];
    for (const [body, field] of rows) {
      for (const query of ['', '?dryRun=true']) {
        const refused = await patchPolicy(owner, body, { query });
        assert.deepEqual([refused.status, errorFields(refused)], [422, [field]], JSON.stringify(body) + query);
      }
    }
    assert.equal((await patchPolicy(owner, {}, { query: '?dryRun=yes' })).status, 422);
    assert.deepEqual((await owner.call('/v1/policy')).body, DEFAULT_POLICY);
  });

  test('a new credential that violates a rule is refused with the rule and the field', async () => {
    const owner = await createWorkspace('Creation');
    const key = { name: 'A key', permissions: ['read'] };
    const token = { name: 'A token', scopes: ['modify_env'] };
    const passphrase = 'correct horse battery';
    const withoutRules = { maxLifetimeDays: null, passphraseScopes: [], allowAll: true, requireAddresses: false };
    const rows: [policy: UpdatePolicy, path: string, body: Record<string, unknown>, refusedFields: string[]][] = [
      [{ maxLifetimeDays: 30 }, 'api-keys', key, ['expiresAt']],
      [{ maxLifetimeDays: 30 }, 'api-keys', { ...key, expiresAt: inDays(30.1) }, ['expiresAt']],
      [{ maxLifetimeDays: 30 }, 'api-keys', { ...key, expiresAt: inDays(30) }, []],
      [{ maxLifetimeDays: 30 }, 'access-tokens', { ...token, expiresAt: null }, ['expiresAt']],
      [{ maxLifetimeDays: 30 }, 'access-tokens', { ...token, expiresAt: inDays(30) }, []],
      [{ passphraseScopes: ['modify_env'] }, 'access-tokens', token, ['passphrase']],
      [{ passphraseScopes: ['modify_env'] }, 'access-tokens', { ...token, scopes: ['all'] }, ['passphrase']],
      [{ passphraseScopes: ['modify_env'] }, 'access-tokens', { ...token, scopes: ['run_scripts'] }, []],
      [{ passphraseScopes: ['modify_env'] }, 'access-tokens', { ...token, passphrase }, []],
      [{ passphraseScopes: ['modify_env'] }, 'api-keys', key, []],
      [{ passphraseScopes: ['all'] }, 'access-tokens', token, []],
      [{ passphraseScopes: ['all'] }, 'access-tokens', { ...token, scopes: ['all'] }, ['passphrase']],
      [{ allowAll: false }, 'access-tokens', { ...token, scopes: ['all'] }, ['scopes']],
      [{ allowAll: false }, 'access-tokens', token, []],
      [{ requireAddresses: true }, 'access-tokens', token, ['restrictions.addresses']],
      [{ requireAddresses: true }, 'api-keys', { ...key, restrictions: { maxUses: 1 } }, ['restrictions.addresses']],
      [{ requireAddresses: true }, 'api-keys', { ...key, restrictions: { addresses: ['::1'] } }, []],
      ...['0.0.0.0/0', '::/0', '::ffff:0:0/96', '128.0.0.0/1', '2000::/3'].map(
        (range): [UpdatePolicy, string, Record<string, unknown>, string[]] => [
          { requireAddresses: true },
          'access-tokens',
          { ...token, restrictions: { addresses: ['192.0.2.1', range] } },
          ['restrictions.addresses'],
        ],
      ),
      [
        { maxLifetimeDays: 30, passphraseScopes: ['run_scripts'], allowAll: false },
        'access-tokens',
        { ...token, scopes: ['all'] },
        ['expiresAt', 'passphrase', 'scopes'],
      ],
    ];
    for (const [policy, path, body, refusedFields] of rows) {
      await setPolicy(owner, { ...withoutRules, ...policy });
      const response = await owner.call<ProblemBody>(`/v1/${path}`, { body });
      const row = JSON.stringify([policy, path, body]);
      assert.deepEqual(
        [response.status, errorFields(response)],
        [refusedFields.length === 0 ? 201 : 422, refusedFields],
        row,
      );
      if (refusedFields.length > 0) assert.match(response.body.errors?.[0]?.message ?? '', /\(policy rule \w+\)$/);
    }
  });

  test('a refused creation does not use up its idempotency key, and replays are detected before the policy applies', async () => {
    const owner = await createWorkspace('Replays');
    const body = { name: 'A key', permissions: ['read'] };
    const create = () => owner.call<ProblemBody>('/v1/api-keys', { body, headers: { 'idempotency-key': 'one' } });
    await setPolicy(owner, { maxLifetimeDays: 30 });
    assert.equal((await create()).status, 422);
    await setPolicy(owner, { maxLifetimeDays: null });
    assert.equal((await create()).status, 201);
    await setPolicy(owner, { maxLifetimeDays: 30 });
    assert.deepEqual([(await create()).status, (await create()).body.code], [409, 'idempotent_replay']);
  });

  test('with createdBy owner, an admin cannot create credentials, activate a key, or edit fields that could extend its access', async () => {
    const owner = await createWorkspace('Creators');
    const admin = await signUpMember(testServer, owner, 'admin', `grace@${engine.name}.example.com`);
    const key = await createKey(admin, ['read']);
    await setPolicy(owner, { createdBy: 'owner' });
    for (const [path, rights] of [
      ['/v1/api-keys', { permissions: ['read'] }],
      ['/v1/access-tokens', { scopes: ['all'] }],
    ] as const) {
      const refused = await admin.call<ProblemBody>(path, { body: { name: 'A name', ...rights } });
      assert.deepEqual([refused.status, errorFields(refused)], [422, ['createdBy']]);
      assert.equal((await owner.call(path, { body: { name: 'A name', ...rights } })).status, 201);
    }
    const path = `/v1/api-keys/${key.id}`;
    assert.equal((await admin.call(path, { method: 'PATCH', body: { name: 'Renamed' } })).status, 200);
    const accessEdits: Record<string, unknown>[] = [
      { permissions: ['read', 'write'] },
      { expiresAt: inDays(3) },
      { guard: true },
      { restrictions: { maxUses: 7 } },
      { restrictions: { addresses: [] } },
      { active: true },
    ];
    // An admin can still deactivate a key in an incident.
    assert.equal((await admin.call(path, { method: 'PATCH', body: { active: false } })).status, 200);
    await owner.call(path, { method: 'PATCH', body: { restrictions: { addresses: ['203.0.113.7'] } } });
    for (const edit of accessEdits) {
      const refused = await admin.call<ProblemBody>(path, { method: 'PATCH', body: { name: 'Wider', ...edit } });
      assert.deepEqual([refused.status, errorFields(refused)], [422, Object.keys(edit)]);
      assert.match(refused.text, /policy rule createdBy/);
    }
    const unchanged = { name: 'Renamed again', permissions: ['read'], guard: false, expiresAt: null };
    assert.equal((await admin.call(path, { method: 'PATCH', body: unchanged })).status, 200);
    for (const body of accessEdits) assert.equal((await owner.call(path, { method: 'PATCH', body })).status, 200);
    for (const person of [admin, owner]) assert.equal((await person.call('/v1/policy')).status, 200);
    assert.equal((await patchPolicy(admin, { createdBy: 'admins' })).status, 403);
  });

  test('an edit cannot move the expiry beyond the maximum lifetime; other fields can still be edited', async () => {
    const owner = await createWorkspace('Edits');
    const key = await createKey(owner, ['read'], { expiresAt: inDays(40) });
    await setPolicy(owner, { maxLifetimeDays: 30 });
    const edit = (body: object) =>
      owner.call<ApiKey & ProblemBody>(`/v1/api-keys/${key.id}`, { method: 'PATCH', body });
    for (const expiresAt of [null, inDays(30.1)]) {
      const refused = await edit({ expiresAt });
      assert.deepEqual([refused.status, errorFields(refused)], [422, ['expiresAt']]);
    }
    const listViolatingIds = async () =>
      (await listCredentials(owner, '/v1/api-keys', 'violatesPolicy=true')).map(({ id }) => id);
    assert.equal((await edit({ name: 'Renamed', expiresAt: key.expiresAt })).status, 200, 'the expiry is unchanged');
    assert.deepEqual(await listViolatingIds(), [key.id]);
    assert.equal((await edit({ expiresAt: inDays(29) })).status, 200);
    assert.deepEqual(await listViolatingIds(), []);
  });

  test('bindsExistingFrom limits the lifetime of existing credentials, and removing it restores their expiry', async () => {
    const owner = await createWorkspace('Binding');
    const start = now;
    const keys: Record<string, CreatedApiKey> = {};
    for (const [name, days] of Object.entries({ never: null, short: 5, long: 30 })) {
      keys[name] = await createKey(owner, ['read'], { name, expiresAt: days === null ? null : inDays(days) });
    }
    const findSecret = (name: string) => keys[name]?.secret ?? '';
    const statuses = () => Promise.all(['never', 'short', 'long'].map((name) => authorizeStatus(findSecret(name))));
    const listNames = async (query: string) =>
      (await listCredentials(owner, '/v1/api-keys', query)).map(({ name }) => name).sort();
    const listExpiries = async () =>
      Object.fromEntries(
        (await listCredentials(owner, '/v1/api-keys', '')).map(({ name, expiresAt }) => [name, expiresAt]),
      );
    assert.deepEqual(await statuses(), [200, 200, 200]);

    // The credentials expire at bindsExistingFrom, although their maximum lifetime ends earlier.
    await setPolicy(owner, { maxLifetimeDays: 3, bindsExistingFrom: inDays(7) });
    assert.deepEqual(await listExpiries(), { never: inDays(7), short: inDays(5), long: inDays(7) });
    assert.deepEqual(await listNames('neverExpires=true'), []);
    assert.deepEqual(await listNames('violatesPolicy=true'), ['long', 'never', 'short']);
    assert.deepEqual(await statuses(), [200, 200, 200]);
    // If the maximum lifetime ends after bindsExistingFrom, the credentials expire at its end.
    await setPolicy(owner, { maxLifetimeDays: 20 });
    assert.deepEqual(await listExpiries(), { never: inDays(20), short: inDays(5), long: inDays(20) });
    assert.deepEqual(await listNames('expiresWithinDays=20'), ['long', 'never', 'short']);
    assert.deepEqual(await listNames('violatesPolicy=true'), ['long', 'never']);
    // A shorter lifetime is accepted while bindsExistingFrom is at least seven days ahead.
    assert.equal((await patchPolicy(owner, { maxLifetimeDays: 4 })).status, 200);

    now = start + 8 * DAY;
    assert.deepEqual(await statuses(), [401, 401, 401]);
    assert.deepEqual(await listNames('status=expired'), ['long', 'never', 'short']);
    assert.deepEqual(await listNames('violatesPolicy=true'), []);
    assert.deepEqual(await listNames('violatesPolicy=false'), ['long', 'never', 'short']);
    const shorter = await patchPolicy(owner, { maxLifetimeDays: 3 });
    assert.deepEqual([shorter.status, errorFields(shorter)], [422, ['bindsExistingFrom']]);
    // A stricter policy with a later date does not restore expired credentials.
    await setPolicy(owner, { maxLifetimeDays: 3, bindsExistingFrom: inDays(7) });
    assert.deepEqual(await statuses(), [401, 401, 401]);

    await setPolicy(owner, { bindsExistingFrom: null });
    assert.deepEqual(await listExpiries(), { never: null, short: inDays(5, start), long: inDays(30, start) });
    assert.deepEqual(await statuses(), [200, 401, 200]);
    await setPolicy(owner, { bindsExistingFrom: inDays(7) });
    await setPolicy(owner, { maxLifetimeDays: null, bindsExistingFrom: null });
    assert.deepEqual(await listNames('neverExpires=true'), ['never']);
    assert.deepEqual(await listNames('violatesPolicy=true'), []);
  });

  test('a dry run changes nothing and lists the credentials and members that would violate the changed policy', async () => {
    const owner = await createWorkspace('Dry run');
    const member = await signUpMember(testServer, owner, 'member', `linus@${engine.name}.example.com`);
    const passphrase = 'correct horse battery';
    await createToken(owner, ['all'], { name: 'all' });
    await createToken(owner, ['all'], { name: 'all with passphrase', passphrase, expiresAt: inDays(5) });
    await createToken(owner, ['run_scripts'], { name: 'scripts', expiresAt: inDays(5) });
    await createToken(owner, ['modify_env'], { name: 'environment', expiresAt: inDays(40) });
    await createKey(owner, ['read'], { name: 'key' });
    await createKey(owner, ['read'], { name: 'conforming', expiresAt: inDays(5) });
    const change: UpdatePolicy = {
      maxLifetimeDays: 30,
      bindsExistingFrom: inDays(7),
      passphraseScopes: ['run_scripts'],
      allowAll: false,
      requireTwoFactor: true,
    };
    const dryRun = async (query = '') => {
      const response = await patchPolicy<PolicyDryRun>(owner, change, { query: `?dryRun=true${query}` });
      assert.equal(response.status, 200, response.text);
      return response.body;
    };
    const { policy, credentials, members } = await dryRun();
    assert.deepEqual(policy, { ...DEFAULT_POLICY, ...change });
    assert.deepEqual(
      credentials.data.map(({ kind, name, rules, expiresAt }) => [kind, name, rules, expiresAt]).sort(),
      [
        ['access_token', 'all with passphrase', ['allowAll'], inDays(5)],
        ['access_token', 'all', ['maxLifetimeDays', 'passphraseScopes', 'allowAll'], inDays(30)],
        ['access_token', 'environment', ['maxLifetimeDays'], inDays(30)],
        ['access_token', 'scripts', ['passphraseScopes'], inDays(5)],
        ['api_key', 'key', ['maxLifetimeDays'], inDays(30)],
      ],
    );
    assert.equal(credentials.total, 5);
    assert.deepEqual(
      members.data.map(({ email, rules }) => [email, rules]),
      [[member.email, ['requireTwoFactor']]],
    );
    const limited = await dryRun('&limit=2');
    assert.deepEqual([limited.credentials.data.length, limited.credentials.total], [2, 5]);

    assert.deepEqual((await owner.call('/v1/policy')).body, DEFAULT_POLICY);
    assert.deepEqual(await listCredentials(owner, '/v1/access-tokens', 'violatesPolicy=true'), []);
    assert.equal((await owner.call<Page<AuditEvent>>('/v1/audit-events?action=policy.updated')).body.data.length, 0);

    await setPolicy(owner, change);
    for (const sort of ['-createdAt', 'name', 'expiresAt', '-useCount']) {
      const violating = [
        ...(await listCredentials(owner, '/v1/access-tokens', `violatesPolicy=true&sort=${sort}`)),
        ...(await listCredentials(owner, '/v1/api-keys', `violatesPolicy=true&sort=${sort}`)),
      ];
      assert.deepEqual(
        violating.map(({ id, expiresAt }) => [id, expiresAt]).sort(),
        credentials.data.map(({ id, expiresAt }) => [id, expiresAt]).sort(),
      );
    }
    assert.deepEqual(
      (await listCredentials(owner, '/v1/api-keys', 'violatesPolicy=false')).map(({ name }) => name),
      ['conforming'],
    );
  });

  test('only an owner with a second factor can set requireTwoFactor', async () => {
    const owner = await createWorkspace('Two factors');
    const admin = await signUpMember(testServer, owner, 'admin', `joan@${engine.name}.example.com`);
    const members = (await owner.call<Page<{ id: string; email: string }>>('/v1/members')).body.data;
    const memberId = members.find(({ email }) => email === admin.email)?.id;
    assert.equal((await owner.call(`/v1/workspaces/${owner.workspaceId}/owner`, { body: { memberId } })).status, 200);
    const refused = await patchPolicy(admin, { requireTwoFactor: true });
    assert.deepEqual([refused.status, errorFields(refused)], [422, ['requireTwoFactor']]);
    const protectedOwner = await turnOnTwoFactor(testServer, admin, now);
    await setPolicy(protectedOwner, { requireTwoFactor: true });
    assert.equal((await protectedOwner.call('/v1/members')).status, 200);
  });
});
