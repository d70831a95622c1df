import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { exportSPKI, importJWK, UnsecuredJWT } from 'jose';
import type { AccessToken } from '../contract/access-tokens.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import { EXCHANGE_LIMITS, HOUR, MINUTE, SECOND, WORKLOAD_LIMITS } from '../contract/limits.ts';
import { type ExchangedToken, TOKEN_EXCHANGE_GRANT, TOKEN_TYPES } from '../contract/oauth.ts';
import type { CountedPage, Page } from '../contract/paging.ts';
import type { WorkloadExchanges, WorkloadIdentity, WorkloadIdentityTest } from '../contract/workload-identities.ts';
import { forEachEngine } from '../testing/engines.ts';
import { createTestKey, startTestIssuer, type TestIssuer } from '../testing/test-issuer.ts';
import {
  bearer,
  createToken,
  createWorkspaceFor,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

interface OAuthErrorBody {
  readonly error: string;
  readonly error_description: string;
}
type Overrides = Readonly<Record<string, unknown>>;

forEachEngine('workload identities', (engine) => {
  let server: TestServer;
  let ada: TestPerson;
  let issuer: TestIssuer;
  let environment: Readonly<Record<string, string>> = {};
  let now = Date.now();
  before(async () => {
    environment = { ...(await engine.environment()), DEVPILOT_OUTBOUND: 'any' };
    server = await startTestServer({ clock: () => now, environment });
    ada = await signUpOwner(server);
    issuer = await startTestIssuer();
  });
  after(async () => {
    await server.close();
    await issuer.close();
  });
  const respond = (...args: Parameters<TestIssuer['respond']>) => normally(...args);
  let normally: TestIssuer['respond'];
  beforeEach(() => {
    normally ??= issuer.respond;
    issuer.respond = respond;
    // Fills the limiter of refused exchanges again, and makes cached keys stale.
    now += 2 * HOUR;
  });

  let isClockStopped = false;
  let serial = 0;
  /** The claims of GitHub for a push to the main branch of acme/shop. */
  const github = (overrides: Overrides = {}) => ({
    iss: issuer.url,
    aud: server.url,
    sub: 'repo:acme/shop:ref:refs/heads/main',
    repository: 'acme/shop',
    repository_id: '74',
    repository_owner_id: '65',
    ref: 'refs/heads/main',
    event_name: 'push',
    workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
    job_workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
    jti: `id-${serial++}`,
    iat: now / SECOND,
    nbf: now / SECOND,
    // Some issuers send fractions of a second.
    exp: (now + 5 * MINUTE) / SECOND + 0.123_456_7,
    ...overrides,
  });

  async function create(person: TestPerson, more: Overrides = {}): Promise<WorkloadIdentity> {
    const { status, body, text } = await person.call<WorkloadIdentity>('/v1/workload-identities', {
      body: {
        name: 'Shop on GitHub',
        issuer: issuer.url,
        conditions: { repository: 'acme/shop', ref: 'refs/heads/main' },
        scopes: ['basic_deployment'],
        ...more,
      },
    });
    assert.equal(status, 201, text);
    return body;
  }

  function requestToken(fields: Record<string, string>) {
    // Later exchanges are later in the list.
    if (!isClockStopped) now += 1;
    return server.call<ExchangedToken & OAuthErrorBody>('/v1/oauth/token', {
      method: 'POST',
      body: new URLSearchParams({ grant_type: TOKEN_EXCHANGE_GRANT, ...fields }),
    });
  }
  const exchange = (identity: string, token: string, more: Record<string, string> = {}) =>
    requestToken({ subject_token: token, subject_token_type: TOKEN_TYPES.jwt, resource: identity, ...more });
  const exchangeHeld = (secret: string, more: Record<string, string> = {}) =>
    requestToken({ subject_token: secret, subject_token_type: TOKEN_TYPES.accessToken, ...more });
  async function issue(identity: WorkloadIdentity, overrides: Overrides = {}): Promise<ExchangedToken> {
    const { status, body, text } = await exchange(identity.id, await issuer.sign(github(overrides)));
    assert.equal(status, 200, text);
    return body;
  }
  const statusOf = async (secret: string) =>
    (await server.call('/v1/authorize?scope=basic_deployment', { headers: bearer(secret) })).status;
  async function exchangesOf({ id }: WorkloadIdentity, accepted: boolean) {
    const { body } = await ada.call<WorkloadExchanges>(`/v1/workload-identities/${id}/exchanges`);
    return body.data.filter((one) => one.accepted === accepted);
  }
  const lastExchange = async (identity: WorkloadIdentity) => (await exchangesOf(identity, false))[0];
  const listIssued = async (origin: string) =>
    (await ada.call<CountedPage<AccessToken>>(`/v1/access-tokens?origin=${origin}`)).body;

  /** Returns the IDs of a project, of an app in another project, and of an app in a third one. */
  async function createResources(): Promise<[project: string, app: string, other: string]> {
    const idOf = async (path: string, body: object) => (await ada.call<{ id: string }>(path, { body })).body.id;
    const serverId = await idOf('/v1/servers', { name: 'Web', kind: 'ssh', host: '127.0.0.1', user: 'deploy' });
    const createApp = async (name: string) => {
      const projectId = await idOf('/v1/projects', { name: `Project of ${name}` });
      const fields = { name, serverId, projectId, repository: 'https://git.example/x.git', directory: '/srv/x' };
      return idOf('/v1/apps', fields);
    };
    return [await idOf('/v1/projects', { name: 'Alone' }), await createApp('Shop'), await createApp('Other')];
  }

  test('a token of the issuer is exchanged for an access token like any other, which ends with its identity', async () => {
    const identity = await create(ada, { restrictions: { addresses: ['127.0.0.0/8'] }, lifetimeSeconds: 600 });
    assert.equal(identity.audience, server.url);
    const issued = await issue(identity);
    assert.deepEqual(
      { ...issued, access_token: issued.access_token.slice(0, 16) },
      {
        access_token: 'workspace_token_',
        issued_token_type: TOKEN_TYPES.accessToken,
        token_type: 'Bearer',
        expires_in: 600,
        scope: 'basic_deployment',
      },
    );
    assert.equal(await statusOf(issued.access_token), 200);
    const {
      data: [listed],
      total,
    } = await listIssued('workload');
    assert.equal(total, 1);
    assert.equal(listed?.name, 'Shop on GitHub: repo:acme/shop:ref:refs/heads/main');
    assert.deepEqual([listed?.origin, listed?.createdBy, listed?.useCount], ['workload', null, 1]);
    assert.deepEqual(listed?.restrictions.addresses, ['127.0.0.0/8']);
    assert.equal(Date.parse(listed?.expiresAt ?? ''), now + 600 * SECOND);
    const events = await ada.call<Page<AuditEvent>>(`/v1/audit-events?credential=${listed?.id}`);
    const [created] = events.body.data;
    assert.deepEqual(created?.actor, { kind: 'workload_identity', id: identity.id, name: identity.name });
    assert.match(JSON.stringify(created?.detail), /"claims":\{.*"jti":"id-.*"repository":"acme\/shop"/);
    assert.deepEqual((await listIssued('person')).data, []);

    const deleted = await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
    assert.equal(deleted.status, 204);
    assert.match(deleted.headers.get('devpilot-revocation') ?? '', /^nodes=1 /);
    assert.equal(await statusOf(issued.access_token), 401);
    assert.equal((await listIssued('workload')).total, 0);
    assert.equal((await exchange(identity.id, await issuer.sign(github()))).status, 400);
  });

  test('an edit of anything but name and lifetime ends the tokens issued before', async () => {
    const identity = await create(ada);
    const path = `/v1/workload-identities/${identity.id}`;
    const edit = (body: Overrides) => ada.call<WorkloadIdentity>(path, { method: 'PATCH', body });
    const issued = await issue(identity);
    assert.equal((await edit({ name: 'Renamed', lifetimeSeconds: 60 })).status, 200);
    assert.equal(await statusOf(issued.access_token), 200);
    assert.equal((await issue(identity)).expires_in, 60);
    const edited = await edit({ conditions: { repository: 'acme/shop', ref: 'refs/heads/release' } });
    assert.equal(edited.status, 200);
    assert.equal(await statusOf(issued.access_token), 401);
    assert.equal((await exchange(identity.id, await issuer.sign(github()))).status, 400);
    assert.equal((await edit({ conditions: { repository: 'acme/*' } })).status, 422);
    await ada.call(path, { method: 'DELETE' });
  });

  const onceOnly = engine.name === 'sqlite' ? test : test.skip;
  onceOnly('known attacks are refused alike, and recorded with the condition that failed', async () => {
    const identity = await create(ada);
    const [{ privateKey: strangersKey }, pem] = await Promise.all([
      createTestKey('first'),
      exportSPKI((await importJWK(issuer.jwks.keys[0] ?? {}, 'ES256')) as CryptoKey),
    ]);
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const hmac = (claims: Overrides, header: Overrides) => {
      const signed = `${encode({ alg: 'HS256', typ: 'JWT', kid: 'first', ...header })}.${encode(claims)}`;
      return `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`;
    };
    const signedBy = async (header: Overrides) =>
      issuer.sign(github(), { header, key: { ...(await createTestKey('first')), privateKey: strangersKey } });
    const valid = await issuer.sign(github());
    const [head = '', , signature = ''] = valid.split('.');
    const claim = (overrides: Overrides) => issuer.sign(github(overrides));
    const rows: [string, () => string | Promise<string>, string][] = [
      ['alg none', () => new UnsecuredJWT(github()).encode(), 'algorithm'],
      ['HMAC with the public key', () => hmac(github(), {}), 'algorithm'],
      ['HMAC with the public key that names ES256', () => hmac(github(), { alg: 'ES256' }), 'signature'],
      ['HS256 in upper and lower case', () => hmac(github(), { alg: 'hs256' }), 'algorithm'],
      ['another key with the same ID', () => signedBy({}), 'signature'],
      ['a key in the header', async () => signedBy({ jwk: (await createTestKey('x')).jwk }), 'signature'],
      [
        'a URL of keys in the header',
        () => signedBy({ jku: 'https://evil.example/keys', x5u: 'https://evil.example' }),
        'signature',
      ],
      ['changed claims', () => `${head}.${encode(github({ ref: 'refs/heads/x' }))}.${signature}`, 'signature'],
      ['a critical extension', () => signedBy({ crit: ['b64'], b64: true }), 'signature'],
      ['another type', () => issuer.sign(github(), { header: { typ: 'at+jwt' } }), 'malformed'],
      ['not a JWT', () => 'nonsense', 'malformed'],
      ['an encrypted JWT', () => 'a.b.c.d.e', 'malformed'],
      ['a payload that is a list', () => `${head}.${encode([])}.${signature}`, 'malformed'],
      ['an issuer with a slash more', () => claim({ iss: `${issuer.url}/` }), 'issuer'],
      ['an issuer in upper case', () => claim({ iss: issuer.url.toUpperCase() }), 'issuer'],
      ['another issuer', () => claim({ iss: 'https://gitlab.com' }), 'issuer'],
      ['another audience', () => claim({ aud: 'https://other.example' }), 'aud'],
      ['no audience', () => claim({ aud: undefined }), 'aud'],
      ['several audiences', () => claim({ aud: [server.url, 'https://other.example'] }), 'aud'],
      ['an audience with a path', () => claim({ aud: `${server.url}/` }), 'aud'],
      ['expired', () => claim({ exp: now / SECOND - 60 }), 'exp'],
      ['no expiry', () => claim({ exp: undefined }), 'exp'],
      ['an expiry as text', () => issuer.sign({ ...github(), exp: '9999999999' }), 'exp'],
      ['valid for years', () => claim({ exp: now / SECOND + 400 * 86_400 }), 'exp'],
      ['issued in the future', () => claim({ iat: now / SECOND + 61 }), 'iat'],
      ['not valid yet', () => claim({ nbf: now / SECOND + 61 }), 'nbf'],
      ['another branch', () => claim({ ref: 'refs/heads/dev' }), 'ref'],
      ['a tag of the same name', () => claim({ ref: 'refs/tags/main' }), 'ref'],
      [
        'a fork',
        () => claim({ repository: 'mallory/shop', sub: 'repo:mallory/shop:ref:refs/heads/main' }),
        'repository',
      ],
      ['a pull request', () => claim({ ref: 'refs/pull/1/merge', event_name: 'pull_request' }), 'ref'],
      ['pull_request_target', () => claim({ event_name: 'pull_request_target' }), 'event_name'],
      ['workflow_run', () => claim({ event_name: 'workflow_run' }), 'event_name'],
      ['a comment', () => claim({ event_name: 'issue_comment' }), 'event_name'],
      ['a merge request on GitLab', () => claim({ pipeline_source: 'merge_request_event' }), 'pipeline_source'],
      ['upper case', () => claim({ repository: 'Acme/shop' }), 'repository'],
      ['a Cyrillic letter', () => claim({ repository: 'аcme/shop' }), 'repository'],
      ['a full-width slash', () => claim({ repository: 'acme／shop' }), 'repository'],
      ['a zero-width character', () => claim({ repository: 'acme/sh\u200bop' }), 'repository'],
      ['a space at the end', () => claim({ repository: 'acme/shop ' }), 'repository'],
      ['a line break', () => claim({ repository: 'acme/shop\n' }), 'repository'],
      ['a list with the value', () => claim({ repository: ['acme/shop'] }), 'repository'],
      ['an object with the value', () => claim({ repository: { toString: 'acme/shop' } }), 'repository'],
      ['no such claim', () => claim({ repository: undefined }), 'repository'],
      ['an empty jti', () => claim({ jti: '' }), 'jti'],
      ['a number as jti', () => issuer.sign({ ...github(), jti: 7 }), 'jti'],
    ];
    const descriptions = new Set<string>();
    for (const [label, token, reason] of rows) {
      now += MINUTE;
      const response = await exchange(identity.id, await token());
      assert.deepEqual([response.status, response.body.error], [400, 'invalid_request'], label);
      descriptions.add(response.body.error_description);
      const recorded = await lastExchange(identity);
      const facts = [recorded?.reason, recorded?.accepted, recorded?.credential, recorded?.at];
      assert.deepEqual(facts, [reason, false, null, new Date(now).toISOString()], label);
    }
    const unknown = await exchange('wid_01unknown', valid);
    descriptions.add(unknown.body.error_description);
    assert.deepEqual([unknown.status, descriptions.size], [400, 1], [...descriptions].join('\n'));
    const denied = await ada.call<Page<AuditEvent>>('/v1/audit-events?action=workload_identity.denied&limit=200');
    const reasons = new Set(denied.body.data.map(({ detail }) => detail['reason']));
    for (const reason of ['algorithm', 'signature', 'issuer', 'malformed']) assert.ok(reasons.has(reason), reason);
    assert.ok((await exchangesOf(identity, false)).length <= 50);
    assert.equal((await listIssued('workload')).total, 0);
    await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  });

  test('a token with an id is accepted once, also in parallel on two nodes', async (t) => {
    const identity = await create(ada);
    const nodes = [server];
    if (engine.name === 'postgres') {
      const second = await startTestServer({ clock: () => now, environment });
      t.after(() => second.running.close());
      nodes.push(second);
    }
    const token = await issuer.sign(github());
    const fields = { grant_type: TOKEN_EXCHANGE_GRANT, subject_token: token, subject_token_type: TOKEN_TYPES.jwt };
    const send = (node: TestServer) =>
      node.call('/v1/oauth/token', {
        method: 'POST',
        body: new URLSearchParams({ ...fields, audience: identity.id }),
      });
    now += 1;
    const statuses = await Promise.all(
      Array.from({ length: 8 }, (_, index) => send(nodes[index % nodes.length] ?? server)),
    );
    assert.deepEqual(statuses.map(({ status }) => status).sort(), [200, ...Array<number>(7).fill(400)]);
    assert.equal((await exchange(identity.id, token)).status, 400);
    const refused = await exchangesOf(identity, false);
    assert.deepEqual(new Set(refused.map(({ reason }) => reason)), new Set(['replay']));
    // A refused request does not use the token up.
    const other = await issuer.sign(github());
    assert.equal((await exchange(identity.id, other, { scope: 'modify_env' })).body.error, 'invalid_scope');
    assert.equal((await lastExchange(identity))?.reason, 'scope');
    assert.equal((await exchange(identity.id, other)).status, 200);
    // The issuer of a token without an id leaves this to its expiry.
    const anonymous = await issuer.sign(github({ jti: undefined }));
    assert.equal((await exchange(identity.id, anonymous)).status, 200);
    assert.equal((await exchange(identity.id, anonymous)).status, 200);
    await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  });

  test('identities of two workspaces and keys of two issuers are kept apart', async (t) => {
    const second = await startTestIssuer();
    t.after(second.close);
    const other = await createWorkspaceFor(ada, server, 'Other');
    const [ours, theirs] = [await create(ada), await create(other)];
    const elsewhere = await create(ada, { issuer: second.url });
    const token = await issuer.sign(github());
    const { access_token: secret } = (await exchange(ours.id, token)).body;
    // The same token is another workspace's to accept, if that has an identity for it.
    assert.equal((await exchange(theirs.id, token)).status, 200);
    assert.equal((await ada.call<Page<WorkloadIdentity>>('/v1/workload-identities')).body.data.length, 2);
    for (const path of ['', '/exchanges']) {
      assert.equal((await ada.call(`/v1/workload-identities/${theirs.id}${path}`)).status, 404);
    }
    for (const method of ['PATCH', 'DELETE']) {
      assert.equal((await ada.call(`/v1/workload-identities/${theirs.id}`, { method, body: {} })).status, 404);
    }
    assert.equal((await other.call(`/v1/workload-identities/${theirs.id}`, { method: 'DELETE' })).status, 204);
    assert.equal(await statusOf(secret), 200);
    // Signed by the first issuer, with the id that the key of the second has too.
    now += MINUTE;
    const confused = await issuer.sign(github({ iss: second.url }));
    assert.equal((await exchange(elsewhere.id, confused)).status, 400);
    assert.equal((await lastExchange(elsewhere))?.reason, 'signature');
    assert.equal((await exchange(elsewhere.id, await second.sign(github({ iss: second.url })))).status, 200);
    for (const { id } of [ours, elsewhere]) await ada.call(`/v1/workload-identities/${id}`, { method: 'DELETE' });
  });

  onceOnly('a repository that was deleted and created again has another id', async () => {
    const identity = await create(ada, { conditions: { repository: 'acme/shop', repository_id: '74' } });
    await issue(identity);
    assert.equal((await exchange(identity.id, await issuer.sign(github({ repository_id: '75' })))).status, 400);
    assert.equal((await lastExchange(identity))?.reason, 'repository_id');
    await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  });

  onceOnly(
    'a reusable workflow is trusted only where a condition names it, and events of strangers likewise',
    async () => {
      const reusable = 'acme/workflows/.github/workflows/deploy.yml@refs/heads/main';
      const identity = await create(ada, {
        conditions: { repository: 'acme/shop', job_workflow_ref: reusable, event_name: 'workflow_run' },
      });
      await issue(identity, { job_workflow_ref: reusable, event_name: 'workflow_run' });
      for (const [claim, value] of [
        ['job_workflow_ref', 'mallory/workflows/.github/workflows/deploy.yml@refs/heads/main'],
        ['event_name', 'pull_request_target'],
      ] as const) {
        const claims = github({ job_workflow_ref: reusable, event_name: 'workflow_run', [claim]: value });
        assert.equal((await exchange(identity.id, await issuer.sign(claims))).status, 400);
        assert.equal((await lastExchange(identity))?.reason, claim);
      }
      await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
    },
  );

  onceOnly('an issuer that fails is unavailable, and does not make its tokens accepted', async () => {
    const identity = await create(ada);
    for (const fail of [
      (response) => response.writeHead(500).end(),
      (response) => response.writeHead(302, { location: `${issuer.url}/keys` }).end(),
      (response) => response.end('{"keys":['),
      (response) => response.end(JSON.stringify({ issuer: 'https://other.example', jwks_uri: `${issuer.url}/keys` })),
    ] satisfies ((response: Parameters<TestIssuer['respond']>[1]) => unknown)[]) {
      now += 2 * HOUR;
      issuer.respond = (_, response) => fail(response);
      const refused = await exchange(identity.id, await issuer.sign(github()));
      assert.deepEqual([refused.status, refused.body.error], [503, 'temporarily_unavailable']);
      assert.equal(refused.headers.get('retry-after'), '10');
      assert.equal((await lastExchange(identity))?.reason, 'key');
    }
    await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  });

  onceOnly('the policy and the role of a person decide what an identity may be', async () => {
    const member = await signUpMember(server, ada, 'member', 'linus@example.com');
    const refused = await member.call('/v1/workload-identities', { body: {} });
    assert.equal(refused.status, 403);
    assert.equal((await member.call('/v1/workload-identities')).status, 200);
    const identity = await create(ada, { scopes: ['all'] });
    const change = (policy: Overrides) => ada.call('/v1/policy', { method: 'PATCH', body: policy });
    for (const [policy, undo] of [
      [{ allowAll: false }, { allowAll: true }],
      [{ requireAddresses: true }, { requireAddresses: false }],
      [{ passphraseScopes: ['modify_env'] }, { passphraseScopes: [] }],
    ] as const) {
      now += MINUTE;
      assert.equal((await change(policy)).status, 200);
      const token = await issuer.sign(github());
      assert.equal((await exchange(identity.id, token)).status, 400, JSON.stringify(policy));
      assert.equal((await lastExchange(identity))?.reason, 'policy');
      const again = await ada.call<{ detail: string }>('/v1/workload-identities', {
        body: { name: 'Shop', issuer: issuer.url, conditions: { sub: 'x' }, scopes: ['all'] },
      });
      assert.deepEqual([again.status, /policy rule/.test(again.body.detail)], [422, true]);
      assert.equal((await change(undo)).status, 200);
      assert.equal((await exchange(identity.id, token)).status, 200, 'the refused request did not use the token up');
    }
    await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  });

  onceOnly('the test box says which conditions claims would not meet', async () => {
    const identity = await create(ada);
    const box = async (claims: Overrides) =>
      (await ada.call<WorkloadIdentityTest>(`/v1/workload-identities/${identity.id}/test`, { body: { claims } })).body;
    assert.deepEqual(await box(github({ exp: 1 })), { accepted: true, failures: [] });
    const { accepted, failures } = await box(github({ aud: 'x', ref: 'refs/heads/dev', event_name: 'issue_comment' }));
    assert.deepEqual([accepted, failures.map(({ claim }) => claim)], [false, ['aud', 'ref', 'event_name']]);
    assert.equal(failures[1]?.message, 'must be "refs/heads/main", but it is "refs/heads/dev"');
    await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  });

  test('a token is exchanged for a narrower one, which ends with it', async () => {
    const parent = await createToken(ada, ['basic_deployment', 'modify_env'], {
      expiresAt: new Date(now + 30 * MINUTE).toISOString(),
      restrictions: { addresses: ['127.0.0.1'] },
    });
    const child = await exchangeHeld(parent.secret, { scope: 'basic_deployment' });
    assert.equal(child.status, 200, child.text);
    assert.deepEqual([child.body.expires_in, child.body.scope], [1_799, 'basic_deployment']);
    assert.equal(await statusOf(child.body.access_token), 200);
    const {
      data: [listed],
    } = await listIssued('exchange');
    assert.deepEqual([listed?.origin, listed?.restrictions.addresses], ['exchange', ['127.0.0.1']]);
    assert.ok((listed?.expiresAt ?? '') < (parent.expiresAt ?? ''));
    const events = await ada.call<Page<AuditEvent>>(`/v1/audit-events?credential=${listed?.id}`);
    assert.deepEqual(events.body.data[0]?.actor, { kind: 'access_token', id: parent.id, name: parent.name });
    const rows: [string, Record<string, string>, string][] = [
      [parent.secret, { scope: 'run_scripts' }, 'invalid_scope'],
      [parent.secret, { scope: 'all' }, 'invalid_scope'],
      [parent.secret, { scope: 'nonsense' }, 'invalid_scope'],
      [parent.secret, {}, 'invalid_request'],
      [parent.secret, { scope: 'modify_env', expires_in: '59' }, 'invalid_request'],
      [parent.secret, { scope: 'modify_env', expires_in: '3601' }, 'invalid_request'],
      [child.body.access_token, { scope: 'basic_deployment' }, 'invalid_request'],
      ['nonsense', { scope: 'modify_env' }, 'invalid_request'],
    ];
    for (const [secret, fields, error] of rows) {
      const refused = await exchangeHeld(secret, fields);
      assert.deepEqual([refused.status, refused.body.error], [400, error], JSON.stringify(fields));
    }
    const second = await exchangeHeld(parent.secret, { scope: 'modify_env', expires_in: '60' });
    assert.equal((await ada.call(`/v1/access-tokens/${parent.id}`, { method: 'DELETE' })).status, 204);
    for (const { body } of [child, second]) {
      assert.equal((await server.call('/v1/whoami', { headers: bearer(body.access_token) })).status, 401);
    }
    assert.equal((await listIssued('exchange')).total, 0);
    assert.equal((await exchangeHeld(parent.secret, { scope: 'modify_env' })).status, 400);
  });

  onceOnly('a token is exchanged for one with tighter restrictions, and never for one with wider ones', async () => {
    const [project, app, other] = await createResources();
    const parent = await createToken(ada, ['all'], {
      restrictions: { addresses: ['127.0.0.0/8'], projects: [project], apps: [app] },
    });
    const tighten = (secret: string, restrictions: unknown) =>
      exchangeHeld(secret, { scope: 'all', restrictions: JSON.stringify(restrictions) });
    const tightened = { addresses: ['127.0.0.1'], apps: ['shop'], rate: { requests: 5, seconds: 60 }, maxUses: 7 };
    const child = await tighten(parent.secret, tightened);
    assert.equal(child.status, 200, child.text);
    const shown = (await listIssued('exchange')).data.find(({ name }) => name.startsWith(parent.name));
    assert.deepEqual(shown?.restrictions, { ...tightened, projects: [], apps: [app] });
    const messages = new Set<string>();
    for (const wider of [{ apps: [other] }, { apps: ['unknown'] }, { apps: [] }, { projects: [other, 'unknown'] }]) {
      const refused = await tighten(parent.secret, { addresses: ['::1'], ...wider });
      assert.deepEqual([refused.status, refused.body.error], [400, 'invalid_request'], JSON.stringify(wider));
      messages.add(refused.body.error_description);
    }
    assert.equal(messages.size, 1, 'apps that it may not use are told from unknown ones');
    for (const wider of [{ addresses: ['126.0.0.0/7'] }, { addresses: [] }, { nonsense: 1 }, [], 'x', { maxUses: 0 }]) {
      assert.equal((await tighten(parent.secret, wider)).status, 400, JSON.stringify(wider));
    }
    assert.equal((await exchangeHeld(parent.secret, { scope: 'all', restrictions: '{' })).status, 400);

    const limits = { rate: { requests: 10, seconds: 60 }, maxUses: 9, addresses: ['127.0.0.1'] };
    const identity = await create(ada, { restrictions: limits });
    for (const wider of [{ rate: null }, { rate: { requests: 10, seconds: 59 } }, { maxUses: 10 }, { addresses: [] }]) {
      const fields = { restrictions: JSON.stringify(wider) };
      const refused = await exchange(identity.id, await issuer.sign(github()), fields);
      assert.deepEqual([refused.status, refused.body.error], [400, 'invalid_request'], JSON.stringify(wider));
      assert.equal((await lastExchange(identity))?.reason, 'restrictions');
      now += MINUTE;
    }
    const narrower = { restrictions: JSON.stringify({ maxUses: 1 }) };
    const once = await exchange(identity.id, await issuer.sign(github()), narrower);
    assert.equal(await statusOf(once.body.access_token), 200);
    assert.equal(await statusOf(once.body.access_token), 401);
    await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  });

  onceOnly('accepted exchanges have a rate per identity and per workspace', async () => {
    const identities = [await create(ada), await create(ada), await create(ada)];
    const [first, second, third] = identities;
    const { burst } = WORKLOAD_LIMITS.perIdentity;
    assert.equal(EXCHANGE_LIMITS.perWorkspace.burst, 2 * burst);
    const refusedToken = await issuer.sign(github({ ref: 'refs/heads/x' }));
    assert.equal((await exchange(first?.id ?? '', refusedToken)).status, 400, 'refused tokens do not count');
    isClockStopped = true;
    const sendAll = async (identity: WorkloadIdentity | undefined) => {
      const tokens = await Promise.all(Array.from({ length: burst }, () => issuer.sign(github())));
      const responses = await Promise.all(tokens.map((token) => exchange(identity?.id ?? '', token)));
      assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200]));
    };
    const refuse = async (identity: WorkloadIdentity | undefined, told: RegExp) => {
      const token = await issuer.sign(github());
      const { status, body, headers } = await exchange(identity?.id ?? '', token);
      assert.deepEqual([status, body.error], [429, 'temporarily_unavailable']);
      assert.match(body.error_description, told);
      assert.ok(Number(headers.get('retry-after')) >= 1);
      return token;
    };
    await sendAll(first);
    await refuse(first, /this workload identity/);
    await sendAll(second);
    const token = await refuse(third, /in this workspace/);
    for (const identity of [first, third]) {
      const { body } = await ada.call<WorkloadExchanges>(`/v1/workload-identities/${identity?.id}/exchanges`);
      assert.ok(body.data.some(({ reason }) => reason === 'rate'));
    }
    const parent = await createToken(ada, ['all']);
    assert.equal((await exchangeHeld(parent.secret, { scope: 'all' })).status, 429);
    isClockStopped = false;
    now += 2 * SECOND;
    assert.equal((await exchange(third?.id ?? '', token)).status, 200, 'the refused token was not used up');
    for (const { id } of identities) await ada.call(`/v1/workload-identities/${id}`, { method: 'DELETE' });
  });

  onceOnly('what limits a token limits its exchange', async () => {
    const limited = await createToken(ada, ['all'], { restrictions: { maxUses: 5 } });
    const rated = await createToken(ada, ['all'], { restrictions: { rate: { requests: 5, seconds: 60 } } });
    const elsewhere = await createToken(ada, ['all'], { restrictions: { addresses: ['203.0.113.1'] } });
    for (const { secret } of [limited, rated, elsewhere]) {
      assert.equal((await exchangeHeld(secret, { scope: 'run_scripts' })).status, 400);
    }
    const passphrase = 'correct horse';
    const guarded = await createToken(ada, ['all'], { passphrase });
    assert.equal((await exchangeHeld(guarded.secret, { scope: 'run_scripts' })).status, 400);
    assert.equal((await exchangeHeld(guarded.secret, { scope: 'run_scripts', passphrase: 'wrong' })).status, 400);
    const child = await exchangeHeld(guarded.secret, { scope: 'run_scripts', passphrase });
    assert.equal(child.status, 200, child.text);
    const revoked = await server.call('/v1/revoke', {
      method: 'POST',
      body: new URLSearchParams({ token: guarded.secret }),
    });
    assert.equal(revoked.status, 200);
    assert.equal((await server.call('/v1/whoami', { headers: bearer(child.body.access_token) })).status, 401);
    const parent = await createToken(ada, ['all']);
    const children = Array.from({ length: 101 }, () => exchangeHeld(parent.secret, { scope: 'all', expires_in: '60' }));
    const statuses = (await Promise.all(children)).map(({ status }) => status);
    assert.deepEqual(statuses.sort(), [...Array<number>(100).fill(200), 429]);
    const tooMany = await exchangeHeld(parent.secret, { scope: 'all' });
    const refusedScopes = Array.from({ length: 100 }, () => exchangeHeld(parent.secret, { scope: 'nonsense' }));
    await Promise.all(refusedScopes);
    const tooOften = await exchangeHeld(parent.secret, { scope: 'all' });
    assert.equal(tooOften.status, 429, tooOften.text);
    assert.match(tooOften.text, /exchanged too often/);
    assert.deepEqual([tooMany.status, tooMany.body.error], [429, 'temporarily_unavailable']);
    now += MINUTE;
    assert.equal((await exchangeHeld(parent.secret, { scope: 'all' })).status, 200);
    assert.equal((await ada.call(`/v1/access-tokens/${parent.id}`, { method: 'DELETE' })).status, 204);
  });

  onceOnly('deleting an identity ends the tokens that were exchanged for its tokens', async () => {
    const identity = await create(ada);
    const issued = await issue(identity);
    const child = await exchangeHeld(issued.access_token, { scope: 'basic_deployment' });
    assert.equal(child.status, 200, child.text);
    assert.equal(await statusOf(child.body.access_token), 200);
    assert.equal((await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' })).status, 204);
    assert.equal(await statusOf(child.body.access_token), 401);
    const late = await ada.call<Page<AuditEvent>>('/v1/audit-events?action=credential.used_after_deletion');
    const [used] = late.body.data;
    assert.match(used?.credential?.name ?? '', /^Shop on GitHub: .* \(exchanged\)$/);
    assert.equal(
      (await listIssued('exchange')).data.some(({ name }) => name.startsWith('Shop on GitHub')),
      false,
    );
  });
});
