import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { RevocationPoint } from '../authorization/lease.ts';
import { digestOf, digestToBytes, mintSecret } from '../authorization/secret.ts';
import type { CredentialUses } from '../contract/credentials.ts';
import { type GuardOptions, guard } from '../sdk/guard.ts';
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
import { until } from '../testing/until.ts';

interface FeedResponse {
  readonly granted?: boolean;
  readonly confirmed: RevocationPoint;
  readonly through: RevocationPoint;
  readonly whole: boolean;
  readonly workspaceId: string;
  readonly revocations: readonly { readonly number: number; readonly digest: string | null }[];
  readonly record: { readonly id: string; readonly hasPassphrase: boolean } | null;
}

const GUARD_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const OTHER_GUARD_ID = 'BBBBBBBBBBBBBBBBBBBBBB';
const encoded = (secret: string) => Buffer.from(digestToBytes(digestOf(secret))).toString('base64url');

forEachEngine('guards in lease mode', (engine) => {
  let server: TestServer;
  let owner: TestPerson;
  let key: { readonly id: string; readonly secret: string };
  const openGuards: { close(): Promise<void> }[] = [];

  before(async () => {
    server = await startTestServer({
      environment: { ...(await engine.environment()), DEVPILOT_REVOCATION_BOUND: '1s' },
    });
    owner = await signUpOwner(server);
  });
  beforeEach(async () => {
    key = await createKey(owner, ['read'], { guard: true });
  });
  after(async () => {
    await Promise.all(openGuards.map((guard) => guard.close()));
    await server.close();
  });

  /** Opens a guard that wraps a `Request` handler, and records the paths that it requests from the server. */
  async function openGuard(options: Partial<GuardOptions> = {}) {
    const requestedPaths: string[] = [];
    const created = guard({
      url: server.url,
      scope: 'modify_env',
      apiKey: key.secret,
      fetch: (input, init) => {
        requestedPaths.push(new URL(String(input)).pathname);
        return fetch(input, init);
      },
      ...options,
    });
    openGuards.push(created);
    const handler = created.wrap(
      (_request, identity) => Response.json(identity),
      () => '192.0.2.7',
    );
    assert.equal(await created.ready(), true);
    const sendRequest = (headers: Readonly<Record<string, string>>) => handler(new Request('http://x/', { headers }));
    const statusOf = async (secret: string) => (await sendRequest(bearer(secret))).status;
    const countRequestsTo = (path: string) => requestedPaths.filter((requestedPath) => requestedPath === path).length;
    return { ...created, sendRequest, statusOf, countRequestsTo };
  }

  const send = (secret: string, path: string, body: unknown) =>
    server.call<FeedResponse>(`/v1/guards/${path}`, { headers: { 'x-api-key': secret }, body });
  const deleteCredential = (kind: 'access-tokens' | 'api-keys', id: string) =>
    owner.call(`/v1/${kind}/${id}`, { method: 'DELETE' });
  const receiptOf = (response: { headers: Headers }) =>
    (response.headers.get('devpilot-revocation') ?? '').replace(/ ms=\d+$/, '');

  describe('the guard', () => {
    test('reads a record once and authorizes from it without another request', async () => {
      const { sendRequest, statusOf, countRequestsTo, close } = await openGuard();
      const token = await createToken(owner, ['modify_env'], { name: 'Döner & Söhne' });
      const firstResponse = await sendRequest(bearer(token.secret));
      assert.deepEqual(await firstResponse.json(), {
        credentialId: token.id,
        kind: 'access_token',
        name: 'Döner & Söhne',
        workspaceId: owner.workspaceId,
        scopes: ['modify_env'],
        permissions: [],
      });
      for (let count = 0; count < 50; count++) assert.equal(await statusOf(token.secret), 200);
      assert.equal(countRequestsTo('/v1/guards/records'), 1);
      assert.equal(countRequestsTo('/v1/authorize'), 0);
      await close();
    });

    test('a deleted token is refused once the deletion has returned, and its response counts the confirmation of the guard', async () => {
      const { statusOf, countRequestsTo, close } = await openGuard();
      const token = await createToken(owner, ['modify_env']);
      assert.equal(await statusOf(token.secret), 200);
      const deleted = await deleteCredential('access-tokens', token.id);
      assert.equal(deleted.status, 204);
      assert.equal(receiptOf(deleted), 'nodes=2 confirmed=2');
      assert.equal(await statusOf(token.secret), 401);
      assert.equal(countRequestsTo('/v1/authorize'), 0);
      await close();
    });

    test('an edited key is authorized by its current state', async () => {
      const { statusOf, close } = await openGuard({ scope: 'modify_env', permission: 'write' });
      const edited = await createKey(owner, ['read', 'write']);
      assert.equal(await statusOf(edited.secret), 200);
      await owner.call(`/v1/api-keys/${edited.id}`, { method: 'PATCH', body: { permissions: ['read'] } });
      assert.equal(await statusOf(edited.secret), 403);
      await owner.call(`/v1/api-keys/${edited.id}`, { method: 'PATCH', body: { permissions: ['write'] } });
      assert.equal(await statusOf(edited.secret), 200);
      await owner.call(`/v1/api-keys/${edited.id}`, { method: 'PATCH', body: { active: false } });
      assert.equal(await statusOf(edited.secret), 401);
      await close();
    });

    test('after each of a hundred deletions under load, the deleted token is refused', async () => {
      const { statusOf, close } = await openGuard();
      const statusesAfterDeletion: number[] = [];
      await Promise.all(
        Array.from({ length: 4 }, async () => {
          for (let round = 0; round < 25; round++) {
            const token = await createToken(owner, ['modify_env']);
            await statusOf(token.secret);
            let finished = false;
            const load = (async () => {
              while (!finished) {
                await statusOf(token.secret);
                await new Promise((resolve) => setImmediate(resolve));
              }
            })();
            assert.equal((await deleteCredential('access-tokens', token.id)).status, 204);
            statusesAfterDeletion.push(await statusOf(token.secret));
            finished = true;
            await load;
          }
        }),
      );
      assert.deepEqual([...new Set(statusesAfterDeletion)], [401]);
      await close();
    });

    test('reports each use exactly once, with the address', async () => {
      const { statusOf, close } = await openGuard();
      const token = await createToken(owner, ['modify_env']);
      for (let count = 0; count < 37; count++) assert.equal(await statusOf(token.secret), 200);
      await close();
      const tokenResponse = await owner.call<{ useCount: number; lastUsedAt: string | null }>(
        `/v1/access-tokens/${token.id}`,
      );
      assert.equal(tokenResponse.body.useCount, 37);
      assert.ok(tokenResponse.body.lastUsedAt);
      const uses = await owner.call<CredentialUses>(`/v1/access-tokens/${token.id}/uses`);
      assert.deepEqual(
        uses.body.addresses.map(({ address }) => address),
        ['192.0.2.7'],
      );
      assert.deepEqual(
        uses.body.rights.map(({ right, count }) => [right, count]),
        [['modify_env', 37]],
      );
    });

    test('sends every request with a token that has a passphrase to the server', async () => {
      const { sendRequest, countRequestsTo, close } = await openGuard();
      const passphrase = 'a passphrase of ours';
      const token = await createToken(owner, ['modify_env'], { passphrase });
      const headers = { ...bearer(token.secret), 'access-token-passphrase': passphrase };
      assert.equal((await sendRequest(headers)).status, 200);
      assert.equal((await sendRequest(headers)).status, 200);
      assert.equal((await (await sendRequest(bearer(token.secret))).json()).code, 'passphrase_required');
      assert.equal((await sendRequest({ ...headers, 'access-token-passphrase': 'a wrong passphrase' })).status, 401);
      assert.equal(countRequestsTo('/v1/authorize'), 4);
      await close();
    });

    test('malformed secrets are refused without a request; all other refusals are sent by the server', async () => {
      const { sendRequest, countRequestsTo, close } = await openGuard();
      assert.equal((await (await sendRequest(bearer('garbage'))).json()).code, 'invalid_token');
      assert.equal((await (await sendRequest({})).json()).code, 'missing_credential');
      assert.equal(countRequestsTo('/v1/authorize'), 0);
      const tokenWithoutScope = await createToken(owner, ['run_scripts']);
      const refused = await sendRequest(bearer(tokenWithoutScope.secret));
      assert.deepEqual(
        [refused.status, (await refused.json()).required, countRequestsTo('/v1/authorize')],
        [403, ['modify_env'], 1],
      );
      await close();
    });

    test('a guard whose lookups are rate-limited lets the server authorize, and the use is counted once', async () => {
      const fetchWithLimit: typeof fetch = (input, init) =>
        String(input).endsWith('/records')
          ? Promise.resolve(Response.json({ code: 'rate_limited' }, { status: 429 }))
          : fetch(input, init);
      const { statusOf, close } = await openGuard({ fetch: fetchWithLimit });
      const token = await createToken(owner, ['modify_env']);
      assert.equal(await statusOf(mintSecret('access_token')), 401);
      assert.equal(await statusOf(token.secret), 200);
      await close();
      const tokenResponse = await owner.call<{ useCount: number }>(`/v1/access-tokens/${token.id}`);
      assert.equal(tokenResponse.body.useCount, 1);
    });

    test("credentials of a workspace other than the workspace of the guard's key are refused", async () => {
      const { statusOf, close } = await openGuard();
      const otherToken = await createToken(await createWorkspaceFor(owner, server, 'Theirs'), ['all']);
      assert.equal(await statusOf(otherToken.secret), 401);
      await close();
    });

    test("after the guard's key is deleted, the cache is no longer used and the server authorizes requests", async () => {
      const errors: unknown[] = [];
      const { statusOf, countRequestsTo } = await openGuard({ onError: (error) => errors.push(error) });
      const token = await createToken(owner, ['modify_env']);
      assert.equal(await statusOf(token.secret), 200);
      assert.equal(countRequestsTo('/v1/authorize'), 0);
      assert.equal((await deleteCredential('api-keys', key.id)).status, 204);
      assert.equal(await statusOf(token.secret), 200);
      assert.equal(countRequestsTo('/v1/authorize'), 1);
      await until(async () => errors.length === 1);
      assert.match(String(errors[0]), /not valid|invalid/i);
    });

    test("after an edit of the guard's key that keeps `read`, the guard clears its cache and reads records again", async () => {
      const { statusOf, countRequestsTo, close } = await openGuard();
      const token = await createToken(owner, ['modify_env']);
      assert.equal(await statusOf(token.secret), 200);
      const edit = { method: 'PATCH', body: { name: 'Renamed', permissions: ['read', 'deploy'] } };
      assert.equal((await owner.call(`/v1/api-keys/${key.id}`, edit)).status, 200);
      await until(async () => {
        await statusOf(token.secret);
        return countRequestsTo('/v1/guards/records') === 2;
      });
      await close();
    });

    test('a token is refused once it has expired', async () => {
      const { statusOf, close } = await openGuard();
      const token = await createToken(owner, ['modify_env'], { expiresAt: new Date(Date.now() + 1500).toISOString() });
      assert.equal(await statusOf(token.secret), 200);
      await until(async () => (await statusOf(token.secret)) === 401);
      await close();
    });
  });

  describe('the routes for guards', () => {
    test('reveal nothing of another workspace: neither records nor revocations', async () => {
      const otherOwner = await createWorkspaceFor(owner, server, 'Elsewhere');
      const otherToken = await createToken(otherOwner, ['all']);
      assert.equal((await send(key.secret, 'records', { digest: encoded(otherToken.secret) })).body.record, null);
      const started = await send(key.secret, 'beats', { guard: GUARD_ID, applied: null, moved: false });
      assert.equal(started.body.granted, true);
      assert.equal(started.body.workspaceId, owner.workspaceId);
      assert.equal((await otherOwner.call(`/v1/access-tokens/${otherToken.id}`, { method: 'DELETE' })).status, 204);
      const secondHeartbeat = await send(key.secret, 'beats', {
        guard: GUARD_ID,
        applied: started.body.confirmed,
        moved: false,
      });
      assert.equal(secondHeartbeat.body.granted, true);
      assert.ok(secondHeartbeat.body.confirmed.number > started.body.confirmed.number);
      assert.equal(secondHeartbeat.text.includes(encoded(otherToken.secret)), false);
      await server.call(`/v1/guards/${GUARD_ID}`, { method: 'DELETE', headers: { 'x-api-key': key.secret } });
    });

    test('a guard that has not applied all revocations receives the missing revocations instead of a lease', async () => {
      const token = await createToken(owner, ['all']);
      const started = await send(key.secret, 'beats', { guard: GUARD_ID, applied: null, moved: false });
      const deleting = deleteCredential('access-tokens', token.id);
      const { history, number, id } = started.body.confirmed;
      const query = new URLSearchParams({ guard: GUARD_ID, after: String(number), history, id });
      const waited = await server.call<FeedResponse>(`/v1/guards/revocations?${query}`, {
        headers: { 'x-api-key': key.secret },
      });
      assert.deepEqual(
        waited.body.revocations.map(({ digest }) => digest),
        [encoded(token.secret)],
      );
      const refused = await send(key.secret, 'beats', {
        guard: GUARD_ID,
        applied: started.body.confirmed,
        moved: false,
      });
      assert.equal(refused.body.granted, false);
      assert.deepEqual(refused.body.revocations, waited.body.revocations);
      const granted = await send(key.secret, 'beats', { guard: GUARD_ID, applied: refused.body.through, moved: true });
      assert.equal(granted.body.granted, true);
      assert.equal(receiptOf(await deleting), 'nodes=2 confirmed=2');
      await server.call(`/v1/guards/${GUARD_ID}`, { method: 'DELETE', headers: { 'x-api-key': key.secret } });
    });

    test('a deletion waits for a silent guard until its lease ends, but not for a guard of another workspace', async () => {
      const otherOwner = await createWorkspaceFor(owner, server, 'Not waited for');
      const otherKey = await createKey(otherOwner, ['read'], { guard: true });
      await send(otherKey.secret, 'beats', { guard: GUARD_ID, applied: null, moved: false });
      const notWaitedFor = await createToken(owner, ['all']);
      assert.equal(receiptOf(await deleteCredential('access-tokens', notWaitedFor.id)), 'nodes=1 confirmed=1');
      await send(key.secret, 'beats', { guard: GUARD_ID, applied: null, moved: false });
      const token = await createToken(owner, ['all']);
      assert.equal(receiptOf(await deleteCredential('access-tokens', token.id)), 'nodes=2 confirmed=1');
    });

    test('a key cannot end the lease of a guard that uses another key', async () => {
      const second = await createKey(owner, ['read'], { guard: true });
      await send(key.secret, 'beats', { guard: OTHER_GUARD_ID, applied: null, moved: false });
      const token = await createToken(owner, ['all']);
      const deleting = deleteCredential('access-tokens', token.id);
      await server.call(`/v1/guards/${OTHER_GUARD_ID}`, { method: 'DELETE', headers: { 'x-api-key': second.secret } });
      assert.equal(receiptOf(await deleting), 'nodes=2 confirmed=1');
    });

    test('a guard that applied revocations missing from this history must clear its cache', async () => {
      await deleteCredential('access-tokens', (await createToken(owner, ['all'])).id);
      const { confirmed } = (await send(key.secret, 'beats', { guard: GUARD_ID, applied: null, moved: false })).body;
      for (const difference of [{ number: 999_999_999 }, { id: 'another' }, { id: '' }, { history: 'another' }]) {
        const applied = { ...confirmed, ...difference };
        const response = await send(key.secret, 'beats', { guard: GUARD_ID, applied, moved: false });
        assert.deepEqual([response.body.granted, response.body.whole], [false, false], JSON.stringify(difference));
        const { history, number, id } = applied;
        const query = new URLSearchParams({ guard: GUARD_ID, after: String(number), history, id });
        const headers = { 'x-api-key': key.secret };
        assert.equal(
          (await server.call<FeedResponse>(`/v1/guards/revocations?${query}`, { headers })).body.whole,
          false,
        );
      }
      await server.call(`/v1/guards/${GUARD_ID}`, { method: 'DELETE', headers: { 'x-api-key': key.secret } });
    });

    test("a chunk of uses counts once, and only in the key's own workspace", async () => {
      const otherOwner = await createWorkspaceFor(owner, server, 'Uncounted');
      const otherToken = await createToken(otherOwner, ['all']);
      const token = await createToken(owner, ['all']);
      const lastUsedAt = new Date().toISOString();
      const uses = [token, otherToken].map(({ id }) => ({ credentialId: id, count: 5, lastUsedAt, addresses: [] }));
      for (let count = 0; count < 3; count++) {
        assert.equal((await send(key.secret, 'uses', { guard: GUARD_ID, chunk: 1, uses })).status, 204);
      }
      assert.equal((await send(key.secret, 'uses', { guard: GUARD_ID, chunk: 2, uses })).status, 204);
      const countOf = async (person: TestPerson, id: string) =>
        (await person.call<{ useCount: number }>(`/v1/access-tokens/${id}`)).body.useCount;
      assert.equal(await countOf(owner, token.id), 10);
      assert.equal(await countOf(otherOwner, otherToken.id), 0);
    });

    test('a key without the guard flag gets no lease, record or revocation, and cannot report uses', async () => {
      const keyWithoutFlag = await createKey(owner, ['read', 'write', 'manage_apps']);
      const token = await createToken(owner, ['all']);
      const lastUsedAt = new Date().toISOString();
      const uses = [{ credentialId: token.id, count: 99_999, lastUsedAt, addresses: [] }];
      const responses = await Promise.all([
        send(keyWithoutFlag.secret, 'beats', { guard: GUARD_ID, applied: null, moved: false }),
        send(keyWithoutFlag.secret, 'records', { digest: encoded(token.secret) }),
        send(keyWithoutFlag.secret, 'uses', { guard: GUARD_ID, chunk: 1, uses }),
        server.call(`/v1/guards/revocations?guard=${GUARD_ID}&after=0`, { headers: bearer(keyWithoutFlag.secret) }),
        server.call(`/v1/guards/${GUARD_ID}`, { method: 'DELETE', headers: bearer(keyWithoutFlag.secret) }),
      ]);
      for (const { status, text } of responses) {
        assert.equal(status, 403);
        assert.match(text, /"code":"insufficient_scope".*"required":\["read","guard"\]/);
      }
      const { body } = await owner.call<{ useCount: number }>(`/v1/access-tokens/${token.id}`);
      assert.equal(body.useCount, 0);
      // The flag takes effect immediately, and is not a permission that a proxy could require.
      await owner.call(`/v1/api-keys/${keyWithoutFlag.id}`, { method: 'PATCH', body: { guard: true } });
      assert.equal((await send(keyWithoutFlag.secret, 'records', { digest: encoded(token.secret) })).status, 200);
      const proxied = await server.call('/v1/authorize?permission=guard', { headers: bearer(keyWithoutFlag.secret) });
      assert.equal(proxied.status, 403);
      await owner.call(`/v1/api-keys/${keyWithoutFlag.id}`, { method: 'PATCH', body: { guard: false } });
      assert.equal((await send(keyWithoutFlag.secret, 'records', { digest: encoded(token.secret) })).status, 403);
    });

    test('uses reported by a guard are attributed to its key; uses authorized by the server are not', async () => {
      const token = await createToken(owner, ['all']);
      const time = new Date().toISOString();
      const from = (address: string) => ({ address, first: time, last: time });
      const report = (chunk: number, count: number, ...addresses: string[]) =>
        send(key.secret, 'uses', {
          guard: GUARD_ID,
          chunk,
          uses: [{ credentialId: token.id, count, lastUsedAt: time, addresses: addresses.map(from) }],
        });
      assert.equal((await report(1, 3, '192.0.2.7', '2001:db8::7')).status, 204);
      assert.equal((await report(2, 4)).status, 204);
      assert.equal((await server.call('/v1/authorize', { headers: bearer(token.secret) })).status, 200);
      const { body } = await owner.call<CredentialUses>(`/v1/access-tokens/${token.id}/uses`);
      assert.deepEqual(
        body.guards.map(({ id, name, count }) => ({ id, name, count })),
        [{ id: key.id, name: 'Billing service', count: 7 }],
      );
      assert.deepEqual(Object.fromEntries(body.addresses.map(({ address, reportedBy }) => [address, reportedBy])), {
        '192.0.2.7': key.id,
        '2001:db8::7': key.id,
        '127.0.0.1': null,
      });
      assert.equal(
        body.days.reduce((sum, { count }) => sum + count, 0),
        8,
      );
    });

    test('reports with implausible counts, rights, addresses or times are rejected or corrected', async () => {
      const token = await createToken(owner, ['all']);
      const now = Date.now();
      const time = new Date(now).toISOString();
      const usesReport = { credentialId: token.id, count: 1, lastUsedAt: time, addresses: [] as unknown[] };
      const report = (chunk: number, use: object) => send(key.secret, 'uses', { guard: GUARD_ID, chunk, uses: [use] });
      const from = (address: string) => ({ ...usesReport, addresses: [{ address, first: time, last: time }] });
      const invalidUses = [
        { ...usesReport, count: 10_000_001 },
        { ...usesReport, count: 0 },
        { ...usesReport, rights: [{ right: 'nothing', count: 1 }] },
        { ...usesReport, rights: [{ right: 'read', count: 0 }] },
        ...['', '999.1.1.1', 'dead', '1.2.3', ':::::', '::1%lo', '192.0.2.7 ', 'localhost'].map(from),
      ];
      for (const use of invalidUses) assert.equal((await report(1, use)).status, 422, JSON.stringify(use));
      const longAgo = '1971-01-01T00:00:00.000Z';
      assert.equal((await report(1, { ...usesReport, lastUsedAt: longAgo })).status, 204);
      assert.equal((await report(2, { ...usesReport, lastUsedAt: '9999-01-01T00:00:00.000Z' })).status, 204);
      const { body } = await owner.call<CredentialUses>(`/v1/access-tokens/${token.id}/uses`);
      const days = body.days.map(({ day }) => Date.parse(day));
      assert.ok(days.length > 0 && days.every((day) => day >= now - 2 * 86_400_000 && day <= Date.now()));
    });

    test('reject malformed requests', async () => {
      const heartbeat = { guard: GUARD_ID, applied: null, moved: false };
      const malformedRequests: readonly [path: string, body: unknown][] = [
        ['beats', { ...heartbeat, guard: 'short' }],
        ['beats', { ...heartbeat, applied: 1 }],
        ['beats', { ...heartbeat, applied: { history: 'h', number: -1, id: 'i' } }],
        ['beats', { ...heartbeat, applied: { history: 'h', number: 1, id: 'not one' } }],
        ['beats', { ...heartbeat, more: 1 }],
        ['records', { digest: 'x' }],
        ['uses', { guard: GUARD_ID, chunk: 0, uses: [] }],
      ];
      for (const [path, body] of malformedRequests)
        assert.equal((await send(key.secret, path, body)).status, 422, JSON.stringify(body));
    });
  });
});
