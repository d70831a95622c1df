import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { App } from '../contract/apps.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { Page } from '../contract/paging.ts';
import { forEachEngine } from '../testing/engines.ts';
import {
  bearer,
  createKey,
  createToken,
  PASSWORD,
  signUpOwner,
  startTestServer,
  type TestServer,
} from '../testing/test-server.ts';

forEachEngine('main workflows of a workspace', (engine) => {
  let testServer: TestServer;
  before(async () => {
    testServer = await startTestServer({ environment: await engine.environment() });
  });
  after(() => testServer.close());

  test('exactly one of several concurrent people signs up with the setup code', async () => {
    const setupCode = testServer.setupLink?.split('code=')[1] ?? '';
    const responses = await Promise.all(
      Array.from({ length: 4 }, (_, index) =>
        testServer.call('/v1/people', {
          body: { name: `Person ${index}`, email: `person${index}@example.com`, password: PASSWORD, setupCode },
        }),
      ),
    );
    assert.deepEqual(responses.map(({ status }) => status).sort(), [201, 403, 403, 403]);
  });

  test('resources created concurrently with one name get different slugs; a requested slug is assigned once', async () => {
    const freshServer = await startTestServer({ environment: await engine.environment() });
    try {
      const owner = await signUpOwner(freshServer);
      for (const path of ['/v1/workspaces', '/v1/projects']) {
        const create = (body: object) =>
          Promise.all(Array.from({ length: 6 }, () => owner.call<{ slug: string }>(path, { body })));
        const withSameName = await create({ name: 'Same name' });
        assert.deepEqual(
          withSameName.map(({ status }) => status),
          Array(6).fill(201),
        );
        assert.equal(new Set(withSameName.map(({ body }) => body.slug)).size, 6);
        const withSameSlug = await create({ name: 'Same slug', slug: 'same-slug' });
        assert.deepEqual(withSameSlug.map(({ status }) => status).sort(), [201, 409, 409, 409, 409, 409]);
      }
    } finally {
      await freshServer.close();
    }
  });

  test('concurrent edits of a resource lose nothing, and only one edit with the same If-Match succeeds', async () => {
    const freshServer = await startTestServer({ environment: await engine.environment() });
    try {
      const owner = await signUpOwner(freshServer);
      const { body: project } = await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Shop' } });
      const { body: app } = await owner.call<App>('/v1/apps', { body: { projectId: project.id, name: 'Shop' } });
      const url = `/v1/apps/${app.id}`;
      const edit = (body: object, headers = {}) => owner.call<App>(url, { method: 'PATCH', body, headers });
      for (const round of ['1', '2', '3', '4', '5']) {
        await Promise.all([edit({ branch: round }), edit({ directory: `/srv/${round}` }), edit({ logCommand: round })]);
        const { body } = await owner.call<App>(url);
        assert.deepEqual([body.branch, body.directory, body.logCommand], [round, `/srv/${round}`, round]);
        const etag = (await owner.call(url)).headers.get('etag') ?? '';
        const renamings = ['a', 'b', 'c', 'd'].map((name) =>
          edit({ name: `Shop ${name} ${round}` }, { 'if-match': etag }),
        );
        const statuses = (await Promise.all(renamings)).map(({ status }) => status);
        assert.deepEqual(statuses.sort(), [200, 409, 409, 409]);
      }
    } finally {
      await freshServer.close();
    }
  });

  test('credentials are created, authorized, listed, edited, used and deleted', async () => {
    const freshServer = await startTestServer({ environment: await engine.environment() });
    try {
      const owner = await signUpOwner(freshServer);
      const token = await createToken(owner, ['run_scripts'], { passphrase: 'a passphrase of ours' });
      const key = await createKey(owner, ['read'], { name: 'Zebra' });
      await createKey(owner, ['read'], { name: 'apple' });

      const authorized = await freshServer.call('/v1/authorize?scope=run_scripts', {
        headers: { ...bearer(token.secret), 'access-token-passphrase': 'a passphrase of ours' },
      });
      assert.equal(authorized.status, 200);
      assert.equal(
        (await freshServer.call('/v1/authorize?permission=read', { headers: bearer(key.secret) })).status,
        200,
      );

      // Uses of all workspaces are written in one batch, which an unusual name in a path must not break.
      for (const app of ['%00', 'a%00b', '%F0%9F%98%80', '%22', '%5Cu0000'])
        assert.equal((await freshServer.call(`/v1/apps/${app}`, { headers: bearer(key.secret) })).status, 404, app);

      const keys = await owner.call<Page<{ name: string; useCount: number }>>('/v1/api-keys?sort=name&q=E');
      assert.deepEqual(
        keys.body.data.map(({ name, useCount }) => [name, useCount]),
        [
          ['apple', 0],
          ['Zebra', 6],
        ],
      );
      const edited = await owner.call(`/v1/api-keys/${key.id}`, { method: 'PATCH', body: { permissions: ['write'] } });
      assert.equal(edited.status, 200);
      const narrowed = await freshServer.call('/v1/authorize?permission=read', { headers: bearer(key.secret) });
      assert.equal(narrowed.status, 403);

      assert.equal((await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' })).status, 204);
      assert.equal((await freshServer.call('/v1/authorize', { headers: bearer(token.secret) })).status, 401);
      assert.equal((await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' })).status, 404);

      const log = await owner.call<Page<AuditEvent>>('/v1/audit-events');
      assert.ok(log.body.data.some(({ action }) => action === 'access_token.deleted'));
      assert.ok(!log.text.includes(token.secret) && !log.text.includes(key.secret));
    } finally {
      await freshServer.close();
    }
  });
});
