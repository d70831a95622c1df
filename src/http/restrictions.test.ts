import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AccessToken } from '../contract/access-tokens.ts';
import type { ApiKey } from '../contract/api-keys.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { CredentialUses } from '../contract/credentials.ts';
import type { AuthorizationExplanation, ExplainAuthorization } from '../contract/explanation.ts';
import { DAY } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import { NO_RESTRICTIONS, type Restrictions, type RestrictionsInput } from '../contract/restrictions.ts';
import { forEachEngine } from '../testing/engines.ts';
import {
  bearer,
  createKey,
  createToken,
  createWorkspaceFor,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

interface Resource {
  readonly id: string;
  readonly slug: string;
}

forEachEngine('restrictions of credentials', (engine) => {
  let testServer: TestServer;
  let environment: Readonly<Record<string, string>>;
  let owner: TestPerson;
  let appOfOtherWorkspace: Resource;
  let project: Resource;
  let shop: Resource;
  let ownerInOtherWorkspace: TestPerson;
  /** Milliseconds by which the server's clock is ahead. */
  let clockAheadMs = 0;
  const clock = () => Date.now() + clockAheadMs;
  const create = async (person: TestPerson, path: string, body: object) => {
    const response = await person.call<Resource>(path, { body });
    assert.equal(response.status, 201, response.text);
    return response.body;
  };
  before(async () => {
    const proxies = { DEVPILOT_TRUST_PROXY: '127.0.0.1' };
    environment = { ...(await engine.environment()), ...proxies };
    testServer = await startTestServer({ environment, clock });
    owner = await signUpOwner(testServer);
    project = await create(owner, '/v1/projects', { name: 'Storefront' });
    ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, 'Neighbor');
    const projectOfOtherWorkspace = await create(ownerInOtherWorkspace, '/v1/projects', { name: 'Neighbor project' });
    appOfOtherWorkspace = await create(ownerInOtherWorkspace, '/v1/apps', {
      name: 'Neighbor app',
      projectId: projectOfOtherWorkspace.id,
    });
    shop = await create(owner, '/v1/apps', { name: 'Shop', projectId: project.id });
  });
  after(() => testServer.close());

  const updateRestrictions = (id: string, restrictions: unknown) =>
    owner.call<Pick<ApiKey, 'restrictions'> & ProblemBody>(`/v1/api-keys/${id}`, {
      method: 'PATCH',
      body: { restrictions },
    });
  const authorize = (secret: string, address = '203.0.113.7', query = '') =>
    testServer.call<ProblemBody>(`/v1/authorize${query}`, {
      headers: { ...bearer(secret), 'x-forwarded-for': address },
    });

  test('restrictions are empty by default, and returned with canonical addresses and the IDs of projects and apps', async () => {
    const token = await createToken(owner, ['modify_env']);
    assert.deepEqual([token.restrictions, token.origin, token.status], [NO_RESTRICTIONS, 'person', 'active']);
    const input: RestrictionsInput = {
      addresses: ['203.0.113.9/24', '2001:DB8::0/32', '203.0.113.0/24', '::ffff:192.0.2.1'],
      projects: [project.slug],
      apps: [shop.slug, shop.id],
      rate: { requests: 100, seconds: 60 },
      maxUses: 5,
    };
    const expected: Restrictions = {
      addresses: ['203.0.113.0/24', '2001:db8::/32', '192.0.2.1'],
      projects: [project.id],
      apps: [shop.id],
      rate: { requests: 100, seconds: 60 },
      maxUses: 5,
    };
    const restricted = await createToken(owner, ['modify_env'], { restrictions: input });
    const key = await createKey(owner, ['read'], { restrictions: input });
    for (const [path, { id, restrictions }] of [
      ['/v1/access-tokens', restricted],
      ['/v1/api-keys', key],
    ] as const) {
      assert.deepEqual(restrictions, expected);
      assert.deepEqual((await owner.call<AccessToken>(`${path}/${id}`)).body.restrictions, expected);
      const listed = await owner.call<Page<AccessToken>>(path);
      assert.deepEqual(listed.body.data.find((credential) => credential.id === id)?.restrictions, expected);
      const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${id}`);
      const [created] = log.body.data;
      assert.ok(created);
      assert.deepEqual((created.detail['after'] as { restrictions?: unknown }).restrictions, expected);
    }
  });

  test('an edit keeps omitted restrictions, is recorded with the previous values, and changes the ETag', async () => {
    const { id } = await createKey(owner, ['read'], { restrictions: { addresses: ['::1'], maxUses: 3 } });
    const previous = { ...NO_RESTRICTIONS, addresses: ['::1'], maxUses: 3 };
    const updated = { ...previous, addresses: ['192.0.2.0/24'], maxUses: null };
    const etag = (await owner.call(`/v1/api-keys/${id}`)).headers.get('etag');
    const { body, status, headers } = await updateRestrictions(id, { addresses: ['192.0.2.77/24'], maxUses: null });
    assert.deepEqual([status, body.restrictions], [200, updated]);
    assert.notEqual(headers.get('etag'), etag);
    const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${id}&action=api_key.updated`);
    assert.deepEqual(
      log.body.data.map(({ detail }) => detail),
      [{ before: { restrictions: previous }, after: { restrictions: updated } }],
    );
    const renamed = await owner.call<ApiKey>(`/v1/api-keys/${id}`, { method: 'PATCH', body: { name: 'Renamed' } });
    assert.deepEqual(renamed.body.restrictions, updated);
  });

  test('a deleted app remains in the restrictions, so that the credential does not gain access', async () => {
    const app = await create(owner, '/v1/apps', { name: 'Short-lived', projectId: project.id });
    const { id } = await createKey(owner, ['read'], { restrictions: { apps: [app.id] } });
    assert.equal((await owner.call(`/v1/apps/${app.id}`, { method: 'DELETE' })).status, 204);
    const edited = await updateRestrictions(id, { apps: [app.id, shop.slug] });
    assert.deepEqual([edited.status, edited.body.restrictions.apps], [200, [app.id, shop.id]]);
  });

  test('invalid restrictions are refused with the name of the field', async () => {
    const tooMany = (make: (index: number) => string) => Array.from({ length: 65 }, (_, index) => make(index));
    const invalid: [restrictions: unknown, field: string][] = [
      [null, 'restrictions'],
      [{ ports: [80] }, 'restrictions.ports'],
      [{ addresses: ['10.0.0.0/33'] }, 'restrictions.addresses.0'],
      [{ addresses: ['::1', 'localhost'] }, 'restrictions.addresses.1'],
      [{ addresses: tooMany((index) => `10.0.0.${index}`) }, 'restrictions.addresses'],
      [{ apps: tooMany((index) => `app-${index}`) }, 'restrictions.apps'],
      [{ projects: ['\u0000'] }, 'restrictions.projects.0'],
      [{ apps: [shop.slug, 'no-such-app'] }, 'restrictions.apps.1'],
      [{ apps: [appOfOtherWorkspace.id] }, 'restrictions.apps.0'],
      [{ apps: [project.id] }, 'restrictions.apps.0'],
      [{ projects: [project.slug, shop.id] }, 'restrictions.projects.1'],
      [{ rate: { requests: 0, seconds: 1 } }, 'restrictions.rate.requests'],
      [{ rate: { requests: 1_000_001, seconds: 1 } }, 'restrictions.rate.requests'],
      [{ rate: { requests: 1, seconds: 86_401 } }, 'restrictions.rate.seconds'],
      [{ rate: { requests: 1 } }, 'restrictions.rate.seconds'],
      [{ maxUses: 0 }, 'restrictions.maxUses'],
      [{ maxUses: 1_000_000_001 }, 'restrictions.maxUses'],
      [{ maxUses: 1.5 }, 'restrictions.maxUses'],
    ];
    const { id } = await createKey(owner, ['read']);
    for (const [restrictions, field] of invalid) {
      const responses = [
        await owner.call<ProblemBody>('/v1/access-tokens', {
          body: { name: 'Restricted', scopes: ['modify_env'], restrictions },
        }),
        await owner.call<ProblemBody>('/v1/api-keys', {
          body: { name: 'Restricted', permissions: ['read'], restrictions },
        }),
        await updateRestrictions(id, restrictions),
      ];
      for (const { status, body, text } of responses)
        assert.deepEqual([status, body.errors?.[0]?.field], [422, field], `${JSON.stringify(restrictions)}: ${text}`);
    }
  });

  test('a guard key cannot be restricted to projects or apps', async () => {
    const appOnly = { apps: [shop.id] };
    const addressAndRate = { addresses: ['127.0.0.1'], rate: { requests: 9, seconds: 60 } };
    const createGuardKey = (restrictions: RestrictionsInput) =>
      owner.call<ProblemBody>('/v1/api-keys', {
        body: { name: 'Guard', permissions: ['read'], guard: true, restrictions },
      });
    const refused = await createGuardKey(appOnly);
    assert.deepEqual([refused.status, refused.body.errors?.[0]?.field], [422, 'guard'], refused.text);
    assert.equal((await createGuardKey(addressAndRate)).status, 201);
    const guard = await createKey(owner, ['read'], { guard: true });
    assert.equal(
      (await updateRestrictions(guard.id, { projects: [project.id] })).body.errors?.[0]?.field,
      'restrictions',
    );
    const shopOnly = await createKey(owner, ['read'], { restrictions: appOnly });
    const path = `/v1/api-keys/${shopOnly.id}`;
    const edited = await owner.call<ProblemBody>(path, { method: 'PATCH', body: { guard: true } });
    assert.deepEqual([edited.status, edited.body.errors?.[0]?.field], [422, 'guard']);
    assert.equal((await owner.call(path, { method: 'PATCH', body: { guard: true, restrictions: {} } })).status, 422);
    assert.equal(
      (await owner.call(path, { method: 'PATCH', body: { guard: true, restrictions: { apps: [] } } })).status,
      200,
    );
  });

  test('a credential is refused from other addresses, also behind trusted proxies, and an edit applies immediately', async () => {
    const key = await createKey(owner, ['read'], { restrictions: { addresses: ['203.0.113.0/24', '2001:db8::/32'] } });
    assert.equal((await authorize(key.secret)).status, 200);
    for (const address of ['2001:db8::7', '203.0.113.9:4711', '[2001:DB8:0::7]:443', '::ffff:203.0.113.9']) {
      assert.equal((await authorize(key.secret, address)).status, 200, address);
    }
    assert.equal((await authorize(key.secret, 'unknown')).body.code, 'address_not_allowed');
    // All spellings of an address are stored in the same form.
    const uses = await owner.call<CredentialUses>(`/v1/api-keys/${key.id}/uses`);
    const recordedAddresses = uses.body.addresses.map(({ address }) => address).sort();
    assert.deepEqual(recordedAddresses, ['2001:db8::7', '203.0.113.7', '203.0.113.9']);
    // Only the address that a trusted proxy adds counts, not one that the client sends.
    for (const address of ['198.51.100.1', '203.0.113.7, 198.51.100.1', '']) {
      const { status, body, text } = await authorize(key.secret, address);
      assert.deepEqual([status, body.code], [403, 'address_not_allowed'], address);
      assert.ok(!text.includes('203.0.113'), 'the allowed addresses are not revealed');
    }
    // The restriction is revealed only to a client that has the complete secret.
    const wrongSecret = `${key.secret.slice(0, -1)}${key.secret.endsWith('0') ? '1' : '0'}`;
    assert.equal((await authorize(wrongSecret, '198.51.100.1')).body.code, 'invalid_token');
    const apiResponse = await testServer.call<ProblemBody>('/v1/projects', {
      headers: { ...bearer(key.secret), 'x-forwarded-for': '198.51.100.1' },
    });
    assert.deepEqual([apiResponse.status, apiResponse.body.code], [403, 'address_not_allowed']);
    await updateRestrictions(key.id, { addresses: ['198.51.100.1'] });
    assert.deepEqual(
      [(await authorize(key.secret)).status, (await authorize(key.secret, '198.51.100.1')).status],
      [403, 200],
    );
  });

  test('the maximum number of uses is exact across all nodes and all ways to use a credential', async (t) => {
    const nodes = [testServer];
    t.after(() => Promise.all(nodes.slice(1).map((node) => node.close())));
    while (engine.name === 'postgres' && nodes.length < 3) nodes.push(await startTestServer({ environment, clock }));
    const waysToUse = [
      (node: TestServer, secret: string) => node.call<ProblemBody>('/v1/authorize', { headers: bearer(secret) }),
      (node: TestServer, secret: string) => node.call<ProblemBody>('/v1/projects', { headers: bearer(secret) }),
      (node: TestServer, secret: string) =>
        node.call<ProblemBody>('/v1/introspect', {
          headers: bearer(secret),
          body: new URLSearchParams({ token: 'x' }),
        }),
    ];
    for (const [maxUses, requestCount] of [
      [1, 1_000],
      [7, 100],
    ] as const) {
      const { id, secret } = await createKey(owner, ['read'], { restrictions: { maxUses } });
      const responses = await Promise.all(
        Array.from({ length: requestCount }, (_, index) => {
          const node = nodes[index % nodes.length];
          const use = waysToUse[Math.floor(index / nodes.length) % waysToUse.length];
          assert.ok(node !== undefined && use !== undefined);
          return use(node, secret);
        }),
      );
      const codes = new Map<string, number>();
      for (const { status, body } of responses) {
        const code = status === 200 ? 'ok' : (body.code ?? '');
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
      assert.deepEqual(Object.fromEntries(codes), { ok: maxUses, credential_spent: requestCount - maxUses });
      const spent = await owner.call<Page<ApiKey>>('/v1/api-keys?status=spent');
      assert.ok(spent.body.data.some((key) => key.id === id && key.status === 'spent'));
      const active = await owner.call<Page<ApiKey>>('/v1/api-keys?status=active');
      assert.ok(!active.body.data.some((key) => key.id === id));
      assert.equal((await updateRestrictions(id, { maxUses: maxUses + 1 })).status, 200);
      assert.equal((await authorize(secret)).status, 200);
      assert.deepEqual(
        [(await authorize(secret)).status, (await authorize(secret)).body.code],
        [401, 'credential_spent'],
      );
    }
  });

  test('a request that is refused because of its workspace or body does not count as a use', async () => {
    const restrictions = { maxUses: 1 };
    const { slug } = (await owner.call<{ workspace: Resource }>('/v1/whoami')).body.workspace;
    const call = (secret: string, path: string, workspace: string, body?: object) => {
      const headers = { ...bearer(secret), 'devpilot-workspace': workspace };
      return testServer.call<ProblemBody>(path, { headers, ...(body !== undefined && { body }) });
    };
    for (const [path, refusal] of [
      ['/v1/authorize', 403],
      ['/v1/projects', 404],
    ] as const) {
      const key = await createKey(owner, ['read'], { restrictions });
      assert.equal((await call(key.secret, path, 'no-such-workspace')).status, refusal);
      assert.equal((await call(key.secret, path, slug)).status, 200);
      assert.equal((await owner.call<ApiKey>(`/v1/api-keys/${key.id}`)).body.useCount, 1);
      assert.equal((await call(key.secret, path, slug)).body.code, 'credential_spent');
    }
    const token = await createToken(owner, ['basic_deployment'], { restrictions });
    const path = `/v1/apps/${shop.id}/deployments`;
    const canary = await call(token.secret, path, slug, { strategy: 'canary' });
    assert.deepEqual([canary.status, canary.body.code], [403, 'insufficient_scope']);
    assert.notEqual((await call(token.secret, path, slug, {})).status, 401);
    assert.equal((await owner.call<AccessToken>(`/v1/access-tokens/${token.id}`)).body.useCount, 1);
    const withoutBody = await testServer.call<ProblemBody>(path, { method: 'POST', headers: bearer(token.secret) });
    assert.equal(withoutBody.body.code, 'credential_spent');
  });

  test('an introspection includes a use on another node immediately', async (t) => {
    const otherNode = engine.name === 'postgres' ? await startTestServer({ environment, clock }) : testServer;
    if (otherNode !== testServer) t.after(() => otherNode.close());
    const reader = await createKey(owner, ['read']);
    const { id, secret } = await createKey(owner, ['read'], { restrictions: { maxUses: 1 } });
    const isActive = async () => {
      const form = { headers: bearer(reader.secret), body: new URLSearchParams({ token: secret }) };
      return (await otherNode.call<{ active: boolean }>('/v1/introspect', form)).body.active;
    };
    assert.equal(await isActive(), true);
    assert.equal((await authorize(secret)).status, 200);
    assert.equal(await isActive(), false);
    assert.equal((await updateRestrictions(id, { maxUses: 2 })).status, 200);
    assert.equal(await isActive(), true, 'an edit applies immediately');
  });

  test('an explanation contains the decision of /v1/authorize and the step that refuses the request, and counts no use', async (t) => {
    t.after(() => (clockAheadMs = 0));
    const address = '203.0.113.7';
    const restrictions = { addresses: ['203.0.113.0/24'], apps: [shop.slug], maxUses: 2 };
    const passphrase = 'correct horse';
    const token = await createToken(owner, ['modify_env'], { restrictions, passphrase });
    const key = await createKey(owner, ['read', 'deploy'], { restrictions: { projects: [project.id] } });
    const inactive = await createKey(owner, ['read'], { active: false });
    const spent = await createKey(owner, ['read'], { restrictions: { maxUses: 1 } });
    assert.equal((await authorize(spent.secret)).status, 200);
    const rateLimited = await createKey(owner, ['read'], { restrictions: { rate: { requests: 1, seconds: 86_400 } } });
    const expiring = await createToken(owner, ['all'], { expiresAt: new Date(Date.now() + DAY).toISOString() });
    const modifyEnv: ExplainAuthorization['requirement'] = { scopes: ['modify_env'] };
    type Case = [
      credential: { id: string; secret: string },
      request: Omit<ExplainAuthorization, 'credential'>,
      step: string | null,
    ];
    const cases: Case[] = [
      [token, { requirement: {}, address: '198.51.100.1', resource: 'app:other' }, 'address'],
      [token, { requirement: { permissions: ['read'] }, address }, 'kind'],
      [token, { requirement: { scopes: ['modify_env', 'run_scripts'] }, address, resource: 'app:other' }, 'rights'],
      [token, { requirement: modifyEnv, address, resource: `project:${project.slug}` }, 'resource'],
      [token, { requirement: {}, address }, null],
      [token, { requirement: modifyEnv, address, resource: `app:${shop.id}` }, null],
      [key, { requirement: { permissions: ['read', 'deploy'] }, resource: `app:${shop.slug}` }, null],
      [key, { requirement: {}, resource: `app:${appOfOtherWorkspace.id}` }, 'resource'],
      [inactive, { requirement: { permissions: ['write'] } }, 'active'],
      [spent, { requirement: { permissions: ['write'] } }, 'uses'],
      [rateLimited, { requirement: { permissions: ['read'] } }, null],
      [rateLimited, { requirement: { permissions: ['read'] } }, 'rate'],
      [expiring, { requirement: { scopes: ['run_scripts'] } }, 'expiry'],
    ];
    const explain = (person: TestPerson, body: unknown) =>
      person.call<AuthorizationExplanation & ProblemBody>('/v1/authorize/explain', { body });
    const initial = await explain(owner, { credential: expiring.id, requirement: { scopes: ['run_scripts'] } });
    assert.deepEqual(initial.body, { allowed: true, step: null, status: 200, code: null, detail: null, assumed: [] });
    clockAheadMs = 2 * DAY;
    for (const [credential, request, step] of cases) {
      const { body, text, status } = await explain(owner, { credential: credential.id, ...request });
      assert.deepEqual([status, body.step, body.allowed], [200, step, step === null], text);
      assert.deepEqual(body.assumed, credential === token ? ['passphrase'] : []);
      assert.ok(!text.includes(credential.secret) && !text.includes(passphrase));
      const query = new URLSearchParams(request.resource === undefined ? {} : { resource: request.resource });
      for (const scope of request.requirement.scopes ?? []) query.append('scope', scope);
      for (const permission of request.requirement.permissions ?? []) query.append('permission', permission);
      const response = await testServer.call<ProblemBody>(`/v1/authorize?${query}`, {
        headers: {
          ...bearer(credential.secret),
          'access-token-passphrase': passphrase,
          ...(request.address !== undefined && { 'x-forwarded-for': request.address }),
        },
      });
      assert.deepEqual(
        [body.status, body.code, body.detail],
        [response.status, response.body?.code ?? null, response.body?.detail ?? null],
        text,
      );
    }
    // Only the two allowed requests to /v1/authorize counted as uses of the token.
    assert.equal((await explain(owner, { credential: token.id, requirement: {}, address })).body.step, 'uses');
    assert.equal((await owner.call<AccessToken>(`/v1/access-tokens/${token.id}`)).body.useCount, 2);
    assert.equal((await owner.call<ApiKey>(`/v1/api-keys/${inactive.id}`)).body.useCount, 0);
    const withoutAddress = await explain(owner, {
      credential: (await createToken(owner, ['all'], { restrictions })).id,
      requirement: {},
    });
    assert.deepEqual([withoutAddress.body.allowed, withoutAddress.body.assumed], [true, ['address']]);
    assert.equal((await explain(ownerInOtherWorkspace, { credential: key.id, requirement: {} })).status, 404);
    for (const [invalid, field] of [
      [{ credential: 'CI' }, 'credential'],
      [{ address: '10.0.0.0/8' }, 'address'],
      [{ resource: 'shop' }, 'resource'],
      [{ requirement: { scopes: ['read'] } }, 'requirement.scopes.0'],
      [{ requirement: { scopes: [] } }, 'requirement.scopes'],
    ] as const) {
      const { status, body } = await explain(owner, { credential: key.id, requirement: {}, ...invalid });
      assert.deepEqual([status, body.errors?.[0]?.field], [422, field]);
    }
  });

  test('nodes, including new ones, share how much of a rate limit is used, and refusals contain the time to wait', async (t) => {
    const nodes = [testServer];
    t.after(() => Promise.all(nodes.slice(1).map((node) => node.close())));
    while (engine.name === 'postgres' && nodes.length < 3) nodes.push(await startTestServer({ environment, clock }));
    const rate = { requests: 6, seconds: 3600 };
    const { id, secret } = await createKey(owner, ['read'], { restrictions: { rate } });
    const sendRequests = async (count: number) => {
      const responses = await Promise.all(
        Array.from({ length: count }, (_, index) =>
          (nodes[index % nodes.length] ?? testServer).call<ProblemBody>(
            index % 2 === 0 ? '/v1/authorize' : '/v1/projects',
            {
              headers: bearer(secret),
            },
          ),
        ),
      );
      const accepted = responses.filter(({ status }) => status === 200);
      const refused = responses.filter(({ status }) => status !== 200);
      return { accepted, refused };
    };
    const { accepted, refused } = await sendRequests(60);
    const total = accepted.length;
    assert.ok(total >= 6 && total <= 6 * nodes.length, `${total} over ${nodes.length} nodes`);
    for (const { headers } of accepted) {
      assert.equal(headers.get('ratelimit-policy'), '"credential";q=6;w=3600');
      assert.match(headers.get('ratelimit') ?? '', /^"credential";r=[0-5];t=\d+$/);
    }
    for (const { status, body, headers } of refused) {
      assert.equal(body.code, 'rate_limited');
      assert.match(headers.get('ratelimit') ?? '', /^"credential";r=0;t=\d+$/);
      const waitSeconds = Number(headers.get('retry-after'));
      assert.ok(waitSeconds > 500 && waitSeconds <= 600 * (total - 5), String(waitSeconds));
      assert.ok(headers.get('ratelimit')?.endsWith(`;t=${waitSeconds}`));
      assert.ok(status === 403 || status === 429);
      assert.equal(headers.get('www-authenticate'), status === 403 ? 'Bearer realm="devpilot"' : null);
    }
    assert.deepEqual([...new Set(refused.map(({ status }) => status))].sort(), [403, 429]);
    // Every node shares its accepted requests when it stops, and this node also does so before it explains a decision.
    await Promise.all(nodes.splice(1).map((node) => node.close()));
    const body = { credential: id, requirement: {} };
    assert.equal((await owner.call<AuthorizationExplanation>('/v1/authorize/explain', { body })).body.step, 'rate');
    if (engine.name === 'postgres') nodes.push(await startTestServer({ environment, clock }));
    assert.equal((await sendRequests(20)).accepted.length, 0, 'a new node does not start with a full bucket');
    await Promise.all(nodes.splice(1).map((node) => node.close()));
    // An edit makes this node read the total of all nodes, which it may have read before the other nodes shared theirs.
    await owner.call(`/v1/api-keys/${id}`, { method: 'PATCH', body: { name: 'Read again' } });
    // The requests that were accepted beyond the limit are refilled first.
    clockAheadMs += (total - 6) * 600_000 - 5_000;
    assert.equal((await sendRequests(10)).accepted.length, 0);
    clockAheadMs += 1_205_000;
    assert.equal((await sendRequests(30)).accepted.length, 2, 'two were added in 20 minutes');
    const raised = await updateRestrictions(id, { rate: { requests: 60, seconds: 3600 } });
    assert.deepEqual([raised.status, raised.body.restrictions.rate], [200, { requests: 60, seconds: 3600 }]);
    clockAheadMs += 60_000;
    assert.ok((await sendRequests(30)).accepted.length > 0, 'an edit applies immediately');
    await updateRestrictions(id, { rate: null });
    const unlimited = await sendRequests(30);
    assert.equal(unlimited.accepted.length, 30);
    assert.equal(unlimited.accepted[0]?.headers.get('ratelimit'), null);
  });

  test('a request refused for its rate does not count as a use, and one refused for another reason does not count against the rate', async () => {
    const restrictions = { rate: { requests: 2, seconds: 3600 }, maxUses: 4, addresses: ['203.0.113.0/24'] };
    const { id, secret } = await createKey(owner, ['read'], { restrictions });
    assert.equal((await authorize(secret, '198.51.100.1')).body.code, 'address_not_allowed');
    assert.equal((await authorize(secret, undefined, '?permission=delete')).body.code, 'insufficient_scope');
    const codes = [];
    for (let index = 0; index < 4; index++) codes.push((await authorize(secret)).body.code ?? 'ok');
    assert.deepEqual(codes, ['ok', 'ok', 'rate_limited', 'rate_limited']);
    clockAheadMs += 3_600_000;
    for (let index = 0; index < 3; index++) codes.push((await authorize(secret)).body.code ?? 'ok');
    assert.deepEqual(codes.slice(4), ['ok', 'ok', 'credential_spent']);
    const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?credential=${id}&action=credential.denied`);
    assert.ok(log.body.data.some(({ detail }) => detail['reason'] === 'rate_exceeded'));
  });

  test('a request with a body counts as one use; introspections and refused requests do not count', async () => {
    const reader = await createKey(owner, ['read']);
    const token = await createToken(owner, ['modify_env'], { restrictions: { maxUses: 1 } });
    const introspect = async () => {
      const form = { headers: bearer(reader.secret), body: new URLSearchParams({ token: token.secret }) };
      return (await testServer.call<{ active: boolean }>('/v1/introspect', form)).body.active;
    };
    assert.deepEqual([await introspect(), await introspect()], [true, true]);
    assert.equal((await authorize(token.secret, undefined, '?scope=run_scripts')).status, 403);
    const updateRequest = { method: 'PATCH', headers: bearer(token.secret), body: { values: { COLOR: 'red' } } };
    assert.equal((await testServer.call(`/v1/apps/${shop.id}/env`, updateRequest)).status, 200);
    const refused = await testServer.call<ProblemBody>(`/v1/apps/${shop.id}/env`, updateRequest);
    assert.deepEqual([refused.status, refused.body.code, await introspect()], [401, 'credential_spent', false]);
  });
});
