import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AccessToken } from '../contract/access-tokens.ts';
import type { ApiKey } from '../contract/api-keys.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { Page } from '../contract/paging.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import { forEachEngine } from '../testing/engines.ts';
import {
  bearer,
  createWorkspaceFor,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

type Credential = AccessToken | ApiKey;
type Created = Credential & { readonly secret: string };

const KINDS = [
  { kind: 'access_token', path: '/v1/access-tokens', otherPath: '/v1/api-keys', rights: { scopes: ['modify_env'] } },
  { kind: 'api_key', path: '/v1/api-keys', otherPath: '/v1/access-tokens', rights: { permissions: ['read'] } },
] as const;

forEachEngine('a credential that replaces another', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  let ownerInOtherWorkspace: TestPerson;
  let now = Date.now();
  before(async () => {
    testServer = await startTestServer({ clock: () => now, environment: await engine.environment() });
    owner = await signUpOwner(testServer);
    ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, 'Neighbor');
  });
  after(() => testServer.close());

  const authorize = async (secret: string) =>
    (await testServer.call('/v1/authorize', { headers: bearer(secret) })).status;
  const rightsFor = (path: string) => KINDS.find((kind) => kind.path === path)?.rights;
  const post = <Body>(path: string, fields: object, person = owner, headers: Record<string, string> = {}) =>
    person.call<Body>(path, { body: { name: 'Rotated', ...rightsFor(path), ...fields }, headers });
  async function create(path: string, fields: object = {}, person = owner): Promise<Created> {
    const response = await post<Created>(path, fields, person);
    assert.equal(response.status, 201, response.text);
    return response.body;
  }
  async function linksOf(path: string, id: string) {
    const { body, status } = await owner.call<Credential>(`${path}/${id}`);
    assert.equal(status, 200);
    const listed = await owner.call<Page<Credential>>(`${path}?limit=200`);
    const listedCredential = listed.body.data.find((credential) => credential.id === id);
    assert.deepEqual(
      [listedCredential?.replaces, listedCredential?.replacedBy],
      [body.replaces, body.replacedBy],
      'in the list too',
    );
    return [body.replaces, body.replacedBy];
  }
  async function findEvent(id: string, verb: string): Promise<AuditEvent> {
    const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${id}`);
    const event = log.body.data.find(({ action }) => action.endsWith(verb));
    assert.ok(event, `${verb} ${id}`);
    return event;
  }
  const remove = (path: string, id: string) => owner.call(`${path}/${id}`, { method: 'DELETE' });

  for (const { kind, path, otherPath } of KINDS) {
    describe(kind, () => {
      test('the old and the new credential reference each other and are both valid until the old one is deleted', async () => {
        const old = await create(path);
        assert.deepEqual([old.replaces, old.replacedBy], [null, null]);
        const replacement = await create(path, { replaces: old.id });
        assert.deepEqual([replacement.replaces, replacement.replacedBy], [old.id, null]);
        assert.deepEqual(await linksOf(path, old.id), [null, replacement.id]);
        assert.deepEqual(await linksOf(path, replacement.id), [old.id, null]);
        assert.deepEqual([await authorize(old.secret), await authorize(replacement.secret)], [200, 200]);
        const { after: created } = (await findEvent(replacement.id, '.created')).detail as {
          after: { replaces: string };
        };
        assert.equal(created.replaces, old.id);

        assert.equal((await remove(path, old.id)).status, 204);
        assert.deepEqual(await linksOf(path, replacement.id), [null, null]);
        assert.deepEqual([await authorize(old.secret), await authorize(replacement.secret)], [401, 200]);
        assert.deepEqual((await findEvent(old.id, '.deleted')).detail, { before: { replacedBy: replacement.id } });
      });

      test('deleting the new credential first keeps the old one, which can then be replaced again', async () => {
        const old = await create(path);
        const firstReplacement = await create(path, { replaces: old.id });
        assert.equal((await remove(path, firstReplacement.id)).status, 204);
        assert.deepEqual((await findEvent(firstReplacement.id, '.deleted')).detail, { before: { replaces: old.id } });
        assert.deepEqual(await linksOf(path, old.id), [null, null]);
        const secondReplacement = await create(path, { replaces: old.id });
        assert.deepEqual(await linksOf(path, old.id), [null, secondReplacement.id]);
      });

      test('replacing a credential of the other kind or another workspace, a deleted or an unknown one is refused with the same error', async () => {
        const deleted = await create(path);
        await remove(path, deleted.id);
        const targets = [
          deleted.id,
          (await create(otherPath)).id,
          (await create(path, {}, ownerInOtherWorkspace)).id,
          (await create(path)).id.toUpperCase(),
          `${(await create(path)).id} `,
          'x',
          '',
          '\0',
          1,
        ];
        const distinctErrors = new Set<string>();
        for (const replaces of targets) {
          const response = await post<ProblemBody>(path, { replaces });
          assert.deepEqual(
            [response.status, response.body.code],
            [422, 'validation_failed'],
            `${replaces}: ${response.text}`,
          );
          assert.deepEqual(
            response.body.errors?.map(({ field }) => field),
            ['replaces'],
          );
          if (typeof replaces === 'string') distinctErrors.add(JSON.stringify(response.body.errors));
        }
        assert.equal(distinctErrors.size, 1);
        const listed = await owner.call<Page<Credential>>(`${path}?limit=200`);
        assert.ok(listed.body.data.every(({ replaces }) => replaces === null || !targets.includes(replaces)));
      });

      test('a second replacement is refused with the ID of the first, even if several are requested at the same time', async () => {
        const old = await create(path);
        const responses = await Promise.all(
          Array.from({ length: 5 }, () =>
            post<{ id: string; code?: string; detail?: string }>(path, { replaces: old.id }),
          ),
        );
        assert.deepEqual(responses.map(({ status }) => status).sort(), [201, 409, 409, 409, 409]);
        const first = responses.find(({ status }) => status === 201)?.body.id ?? '';
        for (const { status, body } of responses) {
          if (status === 409) assert.deepEqual([body.code, body.detail?.includes(first)], ['conflict', true]);
        }
        assert.deepEqual(await linksOf(path, old.id), [null, first]);
        // A replacement can itself be replaced. It then references both its predecessor and its successor.
        const third = await create(path, { replaces: first });
        assert.deepEqual(await linksOf(path, first), [old.id, third.id]);
      });

      test('an expired credential can be replaced, and null replaces nothing', async () => {
        const old = await create(path, { expiresAt: new Date(now + 60_000).toISOString() });
        now += 120_000;
        const replacement = await create(path, { replaces: old.id });
        assert.deepEqual(await linksOf(path, old.id), [null, replacement.id]);
        assert.deepEqual([await authorize(old.secret), await authorize(replacement.secret)], [401, 200]);
        assert.equal((await create(path, { replaces: null })).replaces, null);
      });

      test('a replayed request creates nothing, and a member cannot replace a credential', async () => {
        const old = await create(path);
        const headers = { 'idempotency-key': `replace-${old.id}` };
        const first = await post<Created>(path, { replaces: old.id }, owner, headers);
        const replayed = await post<ProblemBody>(path, { replaces: old.id }, owner, headers);
        assert.deepEqual(
          [replayed.status, replayed.body.code, replayed.body.id],
          [409, 'idempotent_replay', first.body.id],
        );
        const member = await signUpMember(testServer, owner, 'member', `${kind}@example.com`);
        assert.equal((await post(path, { replaces: first.body.id }, member)).status, 403);
        assert.deepEqual(await linksOf(path, first.body.id), [old.id, null]);
      });

      test('the holder of a replaced credential can revoke it, and the activity log contains its replacement', async () => {
        const old = await create(path);
        const replacement = await create(path, { replaces: old.id });
        const body = new URLSearchParams({ token: old.secret });
        assert.equal((await testServer.call('/v1/revoke', { body })).status, 200);
        assert.deepEqual(await linksOf(path, replacement.id), [null, null]);
        const { detail } = await findEvent(old.id, '.deleted');
        assert.deepEqual(detail, { reason: 'revoked by its holder', before: { replacedBy: replacement.id } });
      });
    });
  }

  test('deleting a workspace revokes both credentials', async () => {
    const shortLived = await createWorkspaceFor(owner, testServer, 'Short-lived');
    const old = await create('/v1/api-keys', {}, shortLived);
    const replacement = await create('/v1/api-keys', { replaces: old.id }, shortLived);
    assert.equal((await owner.call(`/v1/workspaces/${shortLived.workspaceId}`, { method: 'DELETE' })).status, 204);
    assert.deepEqual([await authorize(old.secret), await authorize(replacement.secret)], [401, 401]);
  });
});
