import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { exportSPKI, importJWK, UnsecuredJWT } from 'jose';
import type { AccessToken } from '../contract/access-tokens.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import { HOUR, MINUTE, SECOND } from '../contract/limits.ts';
import { type ExchangedToken, TOKEN_EXCHANGE_GRANT, TOKEN_TYPES } from '../contract/oauth.ts';
import type { CountedPage, Page } from '../contract/paging.ts';
import { EXCHANGE_LIMITS, WORKLOAD_LIMITS } from '../contract/token-exchange-limits.ts';
import type { WorkloadExchanges, WorkloadIdentity, WorkloadIdentityTest } from '../contract/workload-identities.ts';
import { forEachEngine } from '../testing/engines.ts';
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
import { createSigningKey, startWorkloadIssuer, type WorkloadIssuer } from '../testing/workload-issuer.ts';

interface OAuthErrorBody {
  readonly error: string;
  readonly error_description: string;
}
type Overrides = Readonly<Record<string, unknown>>;

forEachEngine('workload identities', (engine) => {
  let server: TestServer;
  let ada: TestPerson;
  let issuer: WorkloadIssuer;
  let defaultRespond: WorkloadIssuer['respond'];
  let environment: Readonly<Record<string, string>> = {};
  let now = Date.now();
  before(async () => {
    environment = { ...(await engine.environment()), DEVPILOT_OUTBOUND: 'any' };
    server = await startTestServer({ clock: () => now, environment });
    ada = await signUpOwner(server);
    issuer = await startWorkloadIssuer();
    defaultRespond = issuer.respond;
  });
  after(async () => {
    await server.close();
    await issuer.close();
  });
  beforeEach(() => {
    issuer.respond = defaultRespond;
    // Resets the limit of refused exchanges and expires the cached keys.
    now += 2 * HOUR;
  });

  let isClockStopped = false;
  let serial = 0;
  /** The claims of a GitHub token for a push to the main branch of acme/shop. */
  const githubClaims = (overrides: Overrides = {}) => ({
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

  async function createIdentity(person: TestPerson, overrides: Overrides = {}): Promise<WorkloadIdentity> {
    const { status, body, text } = await person.call<WorkloadIdentity>('/v1/workload-identities', {
      body: {
        name: 'Shop on GitHub',
        issuer: issuer.url,
        conditions: { repository: 'acme/shop', ref: 'refs/heads/main' },
        scopes: ['basic_deployment'],
        ...overrides,
      },
    });
    assert.equal(status, 201, text);
    return body;
  }

  function requestToken(fields: Record<string, string>) {
    // Each exchange has a different time, so that the exchanges are listed in order.
    if (!isClockStopped) now += 1;
    return server.call<ExchangedToken & OAuthErrorBody>('/v1/oauth/token', {
      method: 'POST',
      body: new URLSearchParams({ grant_type: TOKEN_EXCHANGE_GRANT, ...fields }),
    });
  }
  const exchange = (identityId: string, token: string, fields: Record<string, string> = {}) =>
    requestToken({ subject_token: token, subject_token_type: TOKEN_TYPES.jwt, resource: identityId, ...fields });
  const exchangeAccessToken = (secret: string, fields: Record<string, string> = {}) =>
    requestToken({ subject_token: secret, subject_token_type: TOKEN_TYPES.accessToken, ...fields });
  async function issueToken(identity: WorkloadIdentity, overrides: Overrides = {}): Promise<ExchangedToken> {
    const { status, body, text } = await exchange(identity.id, await issuer.sign(githubClaims(overrides)));
    assert.equal(status, 200, text);
    return body;
  }
  const authorizeStatus = async (secret: string) =>
    (await server.call('/v1/authorize?scope=basic_deployment', { headers: bearer(secret) })).status;
  async function listExchanges({ id }: WorkloadIdentity, accepted: boolean) {
    const { body } = await ada.call<WorkloadExchanges>(`/v1/workload-identities/${id}/exchanges`);
    return body.data.filter((entry) => entry.accepted === accepted);
  }
  const readLastRefusal = async (identity: WorkloadIdentity) => (await listExchanges(identity, false))[0];
  const listIssued = async (origin: string) =>
    (await ada.call<CountedPage<AccessToken>>(`/v1/access-tokens?origin=${origin}`)).body;

  /** Creates a project and two apps in projects of their own. Returns their IDs. */
  async function createResources(): Promise<[project: string, app: string, otherApp: string]> {
    const createAndReadId = async (path: string, body: object) =>
      (await ada.call<{ id: string }>(path, { body })).body.id;
    const serverId = await createAndReadId('/v1/servers', {
      name: 'Web',
      kind: 'ssh',
      host: '127.0.0.1',
      user: 'deploy',
    });
    const createApp = async (name: string) => {
      const projectId = await createAndReadId('/v1/projects', { name: `Project of ${name}` });
      const fields = { name, serverId, projectId, repository: 'https://git.example/x.git', directory: '/srv/x' };
      return createAndReadId('/v1/apps', fields);
    };
    return [
      await createAndReadId('/v1/projects', { name: 'Without apps' }),
      await createApp('Shop'),
      await createApp('Other app'),
    ];
  }

  test('a token of the issuer is exchanged for an access token, which ends with the workload identity', async () => {
    const identity = await createIdentity(ada, { restrictions: { addresses: ['127.0.0.0/8'] }, lifetimeSeconds: 600 });
    assert.equal(identity.audience, server.url);
    const issued = await issueToken(identity);
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
    assert.equal(await authorizeStatus(issued.access_token), 200);
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
    assert.equal(await authorizeStatus(issued.access_token), 401);
    assert.equal((await listIssued('workload')).total, 0);
    assert.equal((await exchange(identity.id, await issuer.sign(githubClaims()))).status, 400);
  });

  test('an edit of the conditions ends the tokens that were issued before; an edit of the name or lifetime does not', async () => {
    const identity = await createIdentity(ada);
    const path = `/v1/workload-identities/${identity.id}`;
    const edit = (body: Overrides) => ada.call<WorkloadIdentity>(path, { method: 'PATCH', body });
    const issued = await issueToken(identity);
    assert.equal((await edit({ name: 'Renamed', lifetimeSeconds: 60 })).status, 200);
    assert.equal(await authorizeStatus(issued.access_token), 200);
    assert.equal((await issueToken(identity)).expires_in, 60);
    const edited = await edit({ conditions: { repository: 'acme/shop', ref: 'refs/heads/release' } });
    assert.equal(edited.status, 200);
    assert.equal(await authorizeStatus(issued.access_token), 401);
    assert.equal((await exchange(identity.id, await issuer.sign(githubClaims()))).status, 400);
    assert.equal((await edit({ conditions: { repository: 'acme/*' } })).status, 422);
    await ada.call(path, { method: 'DELETE' });
  });

  /** For tests that do not depend on the database: they run on one engine only. */
  const testOnce = engine.name === 'sqlite' ? test : test.skip;
  testOnce('known attacks get the same response, and are recorded with the check that failed', async () => {
    const identity = await createIdentity(ada);
    const [{ privateKey: attackerKey }, pem] = await Promise.all([
      createSigningKey('first'),
      exportSPKI((await importJWK(issuer.jwks.keys[0] ?? {}, 'ES256')) as CryptoKey),
    ]);
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const hmac = (claims: Overrides, header: Overrides) => {
      const content = `${encode({ alg: 'HS256', typ: 'JWT', kid: 'first', ...header })}.${encode(claims)}`;
      return `${content}.${createHmac('sha256', pem).update(content).digest('base64url')}`;
    };
    const signWithAttackerKey = async (header: Overrides) =>
      issuer.sign(githubClaims(), { header, key: { ...(await createSigningKey('first')), privateKey: attackerKey } });
    const valid = await issuer.sign(githubClaims());
    const [header = '', , signature = ''] = valid.split('.');
    const signClaims = (overrides: Overrides) => issuer.sign(githubClaims(overrides));
    const rows: [label: string, createToken: () => string | Promise<string>, reason: string][] = [
      ['alg none', () => new UnsecuredJWT(githubClaims()).encode(), 'algorithm'],
      ['HMAC with the public key', () => hmac(githubClaims(), {}), 'algorithm'],
      ['HMAC with the public key that names ES256', () => hmac(githubClaims(), { alg: 'ES256' }), 'signature'],
      ['hs256 in lower case', () => hmac(githubClaims(), { alg: 'hs256' }), 'algorithm'],
      ['another key with the same ID', () => signWithAttackerKey({}), 'signature'],
      ['a key in the header', async () => signWithAttackerKey({ jwk: (await createSigningKey('x')).jwk }), 'signature'],
      [
        'URLs of keys in the header',
        () => signWithAttackerKey({ jku: 'https://evil.example/keys', x5u: 'https://evil.example' }),
        'signature',
      ],
      ['changed claims', () => `${header}.${encode(githubClaims({ ref: 'refs/heads/x' }))}.${signature}`, 'signature'],
      ['a critical extension', () => signWithAttackerKey({ crit: ['b64'], b64: true }), 'signature'],
      ['another type', () => issuer.sign(githubClaims(), { header: { typ: 'at+jwt' } }), 'malformed'],
      ['text that is not a JWT', () => 'nonsense', 'malformed'],
      ['an encrypted JWT', () => 'a.b.c.d.e', 'malformed'],
      ['a payload that is a list', () => `${header}.${encode([])}.${signature}`, 'malformed'],
      ['an issuer with a trailing slash', () => signClaims({ iss: `${issuer.url}/` }), 'issuer'],
      ['an issuer in upper case', () => signClaims({ iss: issuer.url.toUpperCase() }), 'issuer'],
      ['another issuer', () => signClaims({ iss: 'https://gitlab.com' }), 'issuer'],
      ['another audience', () => signClaims({ aud: 'https://other.example' }), 'aud'],
      ['no audience', () => signClaims({ aud: undefined }), 'aud'],
      ['several audiences', () => signClaims({ aud: [server.url, 'https://other.example'] }), 'aud'],
      ['an audience with a trailing slash', () => signClaims({ aud: `${server.url}/` }), 'aud'],
      ['an expired token', () => signClaims({ exp: now / SECOND - 60 }), 'exp'],
      ['no expiry', () => signClaims({ exp: undefined }), 'exp'],
      ['an expiry as text', () => issuer.sign({ ...githubClaims(), exp: '9999999999' }), 'exp'],
      ['a token that is valid for years', () => signClaims({ exp: now / SECOND + 400 * 86_400 }), 'exp'],
      ['a token issued in the future', () => signClaims({ iat: now / SECOND + 61 }), 'iat'],
      ['a token that is not valid yet', () => signClaims({ nbf: now / SECOND + 61 }), 'nbf'],
      ['another branch', () => signClaims({ ref: 'refs/heads/dev' }), 'ref'],
      ['a tag of the same name', () => signClaims({ ref: 'refs/tags/main' }), 'ref'],
      [
        'a fork',
        () => signClaims({ repository: 'mallory/shop', sub: 'repo:mallory/shop:ref:refs/heads/main' }),
        'repository',
      ],
      ['a pull request', () => signClaims({ ref: 'refs/pull/1/merge', event_name: 'pull_request' }), 'ref'],
      ['pull_request_target', () => signClaims({ event_name: 'pull_request_target' }), 'event_name'],
      ['workflow_run', () => signClaims({ event_name: 'workflow_run' }), 'event_name'],
      ['an issue comment', () => signClaims({ event_name: 'issue_comment' }), 'event_name'],
      ['a merge request on GitLab', () => signClaims({ pipeline_source: 'merge_request_event' }), 'pipeline_source'],
      ['a repository in upper case', () => signClaims({ repository: 'Acme/shop' }), 'repository'],
      ['a Cyrillic letter', () => signClaims({ repository: 'аcme/shop' }), 'repository'],
      ['a full-width slash', () => signClaims({ repository: 'acme／shop' }), 'repository'],
      ['a zero-width character', () => signClaims({ repository: 'acme/sh\u200bop' }), 'repository'],
      ['a space at the end', () => signClaims({ repository: 'acme/shop ' }), 'repository'],
      ['a line break', () => signClaims({ repository: 'acme/shop\n' }), 'repository'],
      ['a list with the value', () => signClaims({ repository: ['acme/shop'] }), 'repository'],
      ['an object with the value', () => signClaims({ repository: { toString: 'acme/shop' } }), 'repository'],
      ['a missing claim', () => signClaims({ repository: undefined }), 'repository'],
      ['an empty jti', () => signClaims({ jti: '' }), 'jti'],
      ['a number as jti', () => issuer.sign({ ...githubClaims(), jti: 7 }), 'jti'],
    ];
    const descriptions = new Set<string>();
    for (const [label, createAttackToken, reason] of rows) {
      now += MINUTE;
      const response = await exchange(identity.id, await createAttackToken());
      assert.deepEqual([response.status, response.body.error], [400, 'invalid_request'], label);
      descriptions.add(response.body.error_description);
      const refusal = await readLastRefusal(identity);
      const recordedFields = [refusal?.reason, refusal?.accepted, refusal?.credential, refusal?.at];
      assert.deepEqual(recordedFields, [reason, false, null, new Date(now).toISOString()], label);
    }
    const unknownIdentity = await exchange('wid_01unknown', valid);
    descriptions.add(unknownIdentity.body.error_description);
    assert.deepEqual([unknownIdentity.status, descriptions.size], [400, 1], [...descriptions].join('\n'));
    const denied = await ada.call<Page<AuditEvent>>('/v1/audit-events?action=workload_identity.denied&limit=200');
    const reasons = new Set(denied.body.data.map(({ detail }) => detail['reason']));
    for (const reason of ['algorithm', 'signature', 'issuer', 'malformed']) assert.ok(reasons.has(reason), reason);
    assert.ok((await listExchanges(identity, false)).length <= 50);
    assert.equal((await listIssued('workload')).total, 0);
    await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  });

  test('a token with a jti claim is accepted once, also in parallel on two nodes', async (t) => {
    const identity = await createIdentity(ada);
    const nodes = [server];
    if (engine.name === 'postgres') {
      const second = await startTestServer({ clock: () => now, environment });
      t.after(() => second.running.close());
      nodes.push(second);
    }
    const token = await issuer.sign(githubClaims());
    const fields = { grant_type: TOKEN_EXCHANGE_GRANT, subject_token: token, subject_token_type: TOKEN_TYPES.jwt };
    const send = (node: TestServer) =>
      node.call('/v1/oauth/token', {
        method: 'POST',
        body: new URLSearchParams({ ...fields, audience: identity.id }),
      });
    now += 1;
    const responses = await Promise.all(
      Array.from({ length: 8 }, (_, index) => send(nodes[index % nodes.length] ?? server)),
    );
    assert.deepEqual(responses.map(({ status }) => status).sort(), [200, ...Array<number>(7).fill(400)]);
    assert.equal((await exchange(identity.id, token)).status, 400);
    const refused = await listExchanges(identity, false);
    assert.deepEqual(new Set(refused.map(({ reason }) => reason)), new Set(['replay']));
    // A refused request does not use up the token.
    const unusedToken = await issuer.sign(githubClaims());
    assert.equal((await exchange(identity.id, unusedToken, { scope: 'modify_env' })).body.error, 'invalid_scope');
    assert.equal((await readLastRefusal(identity))?.reason, 'scope');
    assert.equal((await exchange(identity.id, unusedToken)).status, 200);
    // A token without a jti claim can be exchanged until it expires.
    const tokenWithoutJti = await issuer.sign(githubClaims({ jti: undefined }));
    assert.equal((await exchange(identity.id, tokenWithoutJti)).status, 200);
    assert.equal((await exchange(identity.id, tokenWithoutJti)).status, 200);
    await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  });

  test('identities of different workspaces and keys of different issuers are independent', async (t) => {
    const otherIssuer = await startWorkloadIssuer();
    t.after(otherIssuer.close);
    const adaInOtherWorkspace = await createWorkspaceFor(ada, server, 'Neighbor');
    const [identity, identityOfOtherWorkspace] = [await createIdentity(ada), await createIdentity(adaInOtherWorkspace)];
    const otherIssuerIdentity = await createIdentity(ada, { issuer: otherIssuer.url });
    const token = await issuer.sign(githubClaims());
    const { access_token: secret } = (await exchange(identity.id, token)).body;
    // Another workspace accepts the same token if it has an identity for it.
    assert.equal((await exchange(identityOfOtherWorkspace.id, token)).status, 200);
    assert.equal((await ada.call<Page<WorkloadIdentity>>('/v1/workload-identities')).body.data.length, 2);
    for (const path of ['', '/exchanges']) {
      assert.equal((await ada.call(`/v1/workload-identities/${identityOfOtherWorkspace.id}${path}`)).status, 404);
    }
    for (const method of ['PATCH', 'DELETE']) {
      assert.equal(
        (await ada.call(`/v1/workload-identities/${identityOfOtherWorkspace.id}`, { method, body: {} })).status,
        404,
      );
    }
    assert.equal(
      (await adaInOtherWorkspace.call(`/v1/workload-identities/${identityOfOtherWorkspace.id}`, { method: 'DELETE' }))
        .status,
      204,
    );
    assert.equal(await authorizeStatus(secret), 200);
    // This token names the other issuer, but is signed by the first one, whose key has the same ID.
    now += MINUTE;
    const confused = await issuer.sign(githubClaims({ iss: otherIssuer.url }));
    assert.equal((await exchange(otherIssuerIdentity.id, confused)).status, 400);
    assert.equal((await readLastRefusal(otherIssuerIdentity))?.reason, 'signature');
    assert.equal(
      (await exchange(otherIssuerIdentity.id, await otherIssuer.sign(githubClaims({ iss: otherIssuer.url })))).status,
      200,
    );
    for (const { id } of [identity, otherIssuerIdentity])
      await ada.call(`/v1/workload-identities/${id}`, { method: 'DELETE' });
  });

  testOnce('a condition on repository_id refuses a repository that was deleted and created again', async () => {
    const identity = await createIdentity(ada, { conditions: { repository: 'acme/shop', repository_id: '74' } });
    await issueToken(identity);
    assert.equal((await exchange(identity.id, await issuer.sign(githubClaims({ repository_id: '75' })))).status, 400);
    assert.equal((await readLastRefusal(identity))?.reason, 'repository_id');
    await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  });

  testOnce(
    'reusable workflows, and events that outsiders can trigger, are accepted only if a condition names them',
    async () => {
      const reusable = 'acme/workflows/.github/workflows/deploy.yml@refs/heads/main';
      const identity = await createIdentity(ada, {
        conditions: { repository: 'acme/shop', job_workflow_ref: reusable, event_name: 'workflow_run' },
      });
      await issueToken(identity, { job_workflow_ref: reusable, event_name: 'workflow_run' });
      for (const [claim, value] of [
        ['job_workflow_ref', 'mallory/workflows/.github/workflows/deploy.yml@refs/heads/main'],
        ['event_name', 'pull_request_target'],
      ] as const) {
        const claims = githubClaims({ job_workflow_ref: reusable, event_name: 'workflow_run', [claim]: value });
        assert.equal((await exchange(identity.id, await issuer.sign(claims))).status, 400);
        assert.equal((await readLastRefusal(identity))?.reason, claim);
      }
      await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
    },
  );

  testOnce('while the issuer fails, exchanges of its tokens get temporarily_unavailable', async () => {
    const identity = await createIdentity(ada);
    for (const fail of [
      (response) => response.writeHead(500).end(),
      (response) => response.writeHead(302, { location: `${issuer.url}/keys` }).end(),
      (response) => response.end('{"keys":['),
      (response) => response.end(JSON.stringify({ issuer: 'https://other.example', jwks_uri: `${issuer.url}/keys` })),
    ] satisfies ((response: Parameters<WorkloadIssuer['respond']>[1]) => unknown)[]) {
      now += 2 * HOUR;
      issuer.respond = (_, response) => fail(response);
      const refused = await exchange(identity.id, await issuer.sign(githubClaims()));
      assert.deepEqual([refused.status, refused.body.error], [503, 'temporarily_unavailable']);
      assert.equal(refused.headers.get('retry-after'), '10');
      assert.equal((await readLastRefusal(identity))?.reason, 'key');
    }
    await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  });

  testOnce('the policy applies to workload identities, and members cannot create them', async () => {
    const member = await signUpMember(server, ada, 'member', 'linus@example.com');
    const refused = await member.call('/v1/workload-identities', { body: {} });
    assert.equal(refused.status, 403);
    assert.equal((await member.call('/v1/workload-identities')).status, 200);
    const identity = await createIdentity(ada, { scopes: ['all'] });
    const updatePolicy = (policy: Overrides) => ada.call('/v1/policy', { method: 'PATCH', body: policy });
    for (const [policy, undo] of [
      [{ allowAll: false }, { allowAll: true }],
      [{ requireAddresses: true }, { requireAddresses: false }],
      [{ passphraseScopes: ['modify_env'] }, { passphraseScopes: [] }],
    ] as const) {
      now += MINUTE;
      assert.equal((await updatePolicy(policy)).status, 200);
      const token = await issuer.sign(githubClaims());
      assert.equal((await exchange(identity.id, token)).status, 400, JSON.stringify(policy));
      assert.equal((await readLastRefusal(identity))?.reason, 'policy');
      const refusedCreation = await ada.call<{ detail: string }>('/v1/workload-identities', {
        body: { name: 'Shop', issuer: issuer.url, conditions: { sub: 'x' }, scopes: ['all'] },
      });
      assert.deepEqual([refusedCreation.status, /policy rule/.test(refusedCreation.body.detail)], [422, true]);
      assert.equal((await updatePolicy(undo)).status, 200);
      assert.equal((await exchange(identity.id, token)).status, 200, 'the refused request did not use up the token');
    }
    await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  });

  testOnce('a test of claims returns the conditions that the claims do not meet', async () => {
    const identity = await createIdentity(ada);
    const testClaims = async (claims: Overrides) =>
      (await ada.call<WorkloadIdentityTest>(`/v1/workload-identities/${identity.id}/test`, { body: { claims } })).body;
    assert.deepEqual(await testClaims(githubClaims({ exp: 1 })), { accepted: true, failures: [] });
    const { accepted, failures } = await testClaims(
      githubClaims({ aud: 'x', ref: 'refs/heads/dev', event_name: 'issue_comment' }),
    );
    assert.deepEqual([accepted, failures.map(({ claim }) => claim)], [false, ['aud', 'ref', 'event_name']]);
    assert.equal(failures[1]?.message, 'must be "refs/heads/main", but it is "refs/heads/dev"');
    await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  });

  test('an access token is exchanged for a token with fewer scopes, which ends when the first token is deleted', async () => {
    const parent = await createToken(ada, ['basic_deployment', 'modify_env'], {
      expiresAt: new Date(now + 30 * MINUTE).toISOString(),
      restrictions: { addresses: ['127.0.0.1'] },
    });
    const child = await exchangeAccessToken(parent.secret, { scope: 'basic_deployment' });
    assert.equal(child.status, 200, child.text);
    assert.deepEqual([child.body.expires_in, child.body.scope], [1_799, 'basic_deployment']);
    assert.equal(await authorizeStatus(child.body.access_token), 200);
    const {
      data: [listed],
    } = await listIssued('exchange');
    assert.deepEqual([listed?.origin, listed?.restrictions.addresses], ['exchange', ['127.0.0.1']]);
    assert.ok((listed?.expiresAt ?? '') < (parent.expiresAt ?? ''));
    const events = await ada.call<Page<AuditEvent>>(`/v1/audit-events?credential=${listed?.id}`);
    assert.deepEqual(events.body.data[0]?.actor, { kind: 'access_token', id: parent.id, name: parent.name });
    const rows: [secret: string, fields: Record<string, string>, error: string][] = [
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
      const refused = await exchangeAccessToken(secret, fields);
      assert.deepEqual([refused.status, refused.body.error], [400, error], JSON.stringify(fields));
    }
    const second = await exchangeAccessToken(parent.secret, { scope: 'modify_env', expires_in: '60' });
    assert.equal((await ada.call(`/v1/access-tokens/${parent.id}`, { method: 'DELETE' })).status, 204);
    for (const { body } of [child, second]) {
      assert.equal((await server.call('/v1/whoami', { headers: bearer(body.access_token) })).status, 401);
    }
    assert.equal((await listIssued('exchange')).total, 0);
    assert.equal((await exchangeAccessToken(parent.secret, { scope: 'modify_env' })).status, 400);
  });

  testOnce('an access token is exchanged for a token with tighter restrictions, never with wider ones', async () => {
    const [project, app, otherApp] = await createResources();
    const parent = await createToken(ada, ['all'], {
      restrictions: { addresses: ['127.0.0.0/8'], projects: [project], apps: [app] },
    });
    const tighten = (secret: string, restrictions: unknown) =>
      exchangeAccessToken(secret, { scope: 'all', restrictions: JSON.stringify(restrictions) });
    const tightened = { addresses: ['127.0.0.1'], apps: ['shop'], rate: { requests: 5, seconds: 60 }, maxUses: 7 };
    const child = await tighten(parent.secret, tightened);
    assert.equal(child.status, 200, child.text);
    const issued = (await listIssued('exchange')).data.find(({ name }) => name.startsWith(parent.name));
    assert.deepEqual(issued?.restrictions, { ...tightened, projects: [], apps: [app] });
    const messages = new Set<string>();
    for (const wider of [
      { apps: [otherApp] },
      { apps: ['unknown'] },
      { apps: [] },
      { projects: [otherApp, 'unknown'] },
    ]) {
      const refused = await tighten(parent.secret, { addresses: ['::1'], ...wider });
      assert.deepEqual([refused.status, refused.body.error], [400, 'invalid_request'], JSON.stringify(wider));
      messages.add(refused.body.error_description);
    }
    assert.equal(messages.size, 1, 'forbidden and unknown apps get the same message');
    for (const wider of [{ addresses: ['126.0.0.0/7'] }, { addresses: [] }, { nonsense: 1 }, [], 'x', { maxUses: 0 }]) {
      assert.equal((await tighten(parent.secret, wider)).status, 400, JSON.stringify(wider));
    }
    assert.equal((await exchangeAccessToken(parent.secret, { scope: 'all', restrictions: '{' })).status, 400);

    const limits = { rate: { requests: 10, seconds: 60 }, maxUses: 9, addresses: ['127.0.0.1'] };
    const identity = await createIdentity(ada, { restrictions: limits });
    for (const wider of [{ rate: null }, { rate: { requests: 10, seconds: 59 } }, { maxUses: 10 }, { addresses: [] }]) {
      const fields = { restrictions: JSON.stringify(wider) };
      const refused = await exchange(identity.id, await issuer.sign(githubClaims()), fields);
      assert.deepEqual([refused.status, refused.body.error], [400, 'invalid_request'], JSON.stringify(wider));
      assert.equal((await readLastRefusal(identity))?.reason, 'restrictions');
      now += MINUTE;
    }
    const narrower = { restrictions: JSON.stringify({ maxUses: 1 }) };
    const singleUse = await exchange(identity.id, await issuer.sign(githubClaims()), narrower);
    assert.equal(await authorizeStatus(singleUse.body.access_token), 200);
    assert.equal(await authorizeStatus(singleUse.body.access_token), 401);
    await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' });
  });

  testOnce('accepted exchanges are rate limited per identity and per workspace', async () => {
    const identities = [await createIdentity(ada), await createIdentity(ada), await createIdentity(ada)];
    const [first, second, third] = identities;
    const { burst } = WORKLOAD_LIMITS.perIdentity;
    assert.equal(EXCHANGE_LIMITS.perWorkspace.burst, 2 * burst);
    const refusedToken = await issuer.sign(githubClaims({ ref: 'refs/heads/x' }));
    assert.equal((await exchange(first?.id ?? '', refusedToken)).status, 400, 'refused tokens do not count');
    isClockStopped = true;
    const sendAll = async (identity: WorkloadIdentity | undefined) => {
      const tokens = await Promise.all(Array.from({ length: burst }, () => issuer.sign(githubClaims())));
      const responses = await Promise.all(tokens.map((token) => exchange(identity?.id ?? '', token)));
      assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200]));
    };
    const expectRateLimited = async (identity: WorkloadIdentity | undefined, description: RegExp) => {
      const token = await issuer.sign(githubClaims());
      const { status, body, headers } = await exchange(identity?.id ?? '', token);
      assert.deepEqual([status, body.error], [429, 'temporarily_unavailable']);
      assert.match(body.error_description, description);
      assert.ok(Number(headers.get('retry-after')) >= 1);
      return token;
    };
    await sendAll(first);
    await expectRateLimited(first, /this workload identity/);
    await sendAll(second);
    const token = await expectRateLimited(third, /in this workspace/);
    for (const identity of [first, third]) {
      const { body } = await ada.call<WorkloadExchanges>(`/v1/workload-identities/${identity?.id}/exchanges`);
      assert.ok(body.data.some(({ reason }) => reason === 'rate'));
    }
    const parent = await createToken(ada, ['all']);
    assert.equal((await exchangeAccessToken(parent.secret, { scope: 'all' })).status, 429);
    isClockStopped = false;
    now += 2 * SECOND;
    assert.equal((await exchange(third?.id ?? '', token)).status, 200, 'the refused token was not used up');
    for (const { id } of identities) await ada.call(`/v1/workload-identities/${id}`, { method: 'DELETE' });
  });

  testOnce('the restrictions and passphrase of a token apply to its exchanges, whose number is limited', async () => {
    const withMaxUses = await createToken(ada, ['all'], { restrictions: { maxUses: 5 } });
    const withRate = await createToken(ada, ['all'], { restrictions: { rate: { requests: 5, seconds: 60 } } });
    const withOtherAddress = await createToken(ada, ['all'], { restrictions: { addresses: ['203.0.113.1'] } });
    for (const { secret } of [withMaxUses, withRate, withOtherAddress]) {
      assert.equal((await exchangeAccessToken(secret, { scope: 'run_scripts' })).status, 400);
    }
    const passphrase = 'correct horse';
    const withPassphrase = await createToken(ada, ['all'], { passphrase });
    assert.equal((await exchangeAccessToken(withPassphrase.secret, { scope: 'run_scripts' })).status, 400);
    assert.equal(
      (await exchangeAccessToken(withPassphrase.secret, { scope: 'run_scripts', passphrase: 'wrong' })).status,
      400,
    );
    const child = await exchangeAccessToken(withPassphrase.secret, { scope: 'run_scripts', passphrase });
    assert.equal(child.status, 200, child.text);
    const revoked = await server.call('/v1/revoke', {
      method: 'POST',
      body: new URLSearchParams({ token: withPassphrase.secret }),
    });
    assert.equal(revoked.status, 200);
    assert.equal((await server.call('/v1/whoami', { headers: bearer(child.body.access_token) })).status, 401);
    const parent = await createToken(ada, ['all']);
    const children = Array.from({ length: 101 }, () =>
      exchangeAccessToken(parent.secret, { scope: 'all', expires_in: '60' }),
    );
    const statuses = (await Promise.all(children)).map(({ status }) => status);
    assert.deepEqual(statuses.sort(), [...Array<number>(100).fill(200), 429]);
    const tooMany = await exchangeAccessToken(parent.secret, { scope: 'all' });
    const refusedScopes = Array.from({ length: 100 }, () => exchangeAccessToken(parent.secret, { scope: 'nonsense' }));
    await Promise.all(refusedScopes);
    const tooOften = await exchangeAccessToken(parent.secret, { scope: 'all' });
    assert.equal(tooOften.status, 429, tooOften.text);
    assert.match(tooOften.text, /exchanged too often/);
    assert.deepEqual([tooMany.status, tooMany.body.error], [429, 'temporarily_unavailable']);
    now += MINUTE;
    assert.equal((await exchangeAccessToken(parent.secret, { scope: 'all' })).status, 200);
    assert.equal((await ada.call(`/v1/access-tokens/${parent.id}`, { method: 'DELETE' })).status, 204);
  });

  testOnce('deleting an identity also ends the tokens for which its tokens were exchanged', async () => {
    const identity = await createIdentity(ada);
    const issued = await issueToken(identity);
    const child = await exchangeAccessToken(issued.access_token, { scope: 'basic_deployment' });
    assert.equal(child.status, 200, child.text);
    assert.equal(await authorizeStatus(child.body.access_token), 200);
    assert.equal((await ada.call(`/v1/workload-identities/${identity.id}`, { method: 'DELETE' })).status, 204);
    assert.equal(await authorizeStatus(child.body.access_token), 401);
    const usesAfterDeletion = await ada.call<Page<AuditEvent>>(
      '/v1/audit-events?action=credential.used_after_deletion',
    );
    const [used] = usesAfterDeletion.body.data;
    assert.match(used?.credential?.name ?? '', /^Shop on GitHub: .* \(exchanged\)$/);
    assert.equal(
      (await listIssued('exchange')).data.some(({ name }) => name.startsWith('Shop on GitHub')),
      false,
    );
  });
});
