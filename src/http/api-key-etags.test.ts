import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ApiKey, CreatedApiKey } from '../contract/api-keys.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { Page } from '../contract/paging.ts';
import { forEachEngine } from '../testing/engines.ts';
import {
  bearer,
  createKey,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

forEachEngine('the ETag of an API key', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  let now = Date.now();
  before(async () => {
    testServer = await startTestServer({ clock: () => now, environment: await engine.environment() });
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  test('an edit with a stale ETag is refused, and only edits change the ETag', async () => {
    const key = await owner.call<CreatedApiKey>('/v1/api-keys', {
      body: { name: 'First name', permissions: ['read'] },
    });
    const path = `/v1/api-keys/${key.body.id}`;
    const authorize = () => testServer.call('/v1/authorize', { headers: bearer(key.body.secret) });
    const readKey = async () => {
      const response = await owner.call<ApiKey>(path);
      return { etag: response.headers.get('etag') ?? '', key: response.body };
    };
    const patch = (body: object, etag: string) =>
      owner.call<{ code?: string }>(path, { method: 'PATCH', body, headers: { 'if-match': etag } });
    const { etag } = await readKey();
    assert.match(etag, /^"[\w-]+"$/);
    assert.equal(key.headers.get('etag'), etag);
    const edited = await patch({ name: 'Second name' }, etag);
    assert.equal(edited.status, 200);
    const newEtag = edited.headers.get('etag') ?? '';
    assert.notEqual(newEtag, etag);
    assert.equal((await readKey()).etag, newEtag);

    const stale = await patch({ name: 'Third name', active: false }, etag);
    assert.deepEqual([stale.status, stale.body.code], [409, 'conflict']);
    assert.deepEqual([(await readKey()).key.name, (await readKey()).key.active], ['Second name', true]);
    assert.equal((await authorize()).status, 200);
    const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${key.body.id}&action=api_key.updated`);
    assert.equal(log.body.data.length, 1);

    // Neither a use, a replacement nor the passage of time changes the ETag.
    await createKey(owner, ['read'], { replaces: key.body.id });
    now += 1000;
    const afterUse = await readKey();
    assert.equal(afterUse.key.useCount, 1);
    assert.equal(afterUse.etag, newEtag);
    assert.equal((await patch({ active: false }, `"other", W/${newEtag}`)).status, 200);
    assert.equal((await patch({ active: true }, '*')).status, 200);
    assert.equal((await owner.call(path, { method: 'PATCH', body: { name: 'Last name' } })).status, 200);
  });

  test('of several edits with the same ETag, only one succeeds', async () => {
    const { id } = await createKey(owner, ['read']);
    const etag = (await owner.call(`/v1/api-keys/${id}`)).headers.get('etag') ?? '';
    const responses = await Promise.all(
      ['One', 'Two', 'Three', 'Four'].map((name) =>
        owner.call(`/v1/api-keys/${id}`, {
          method: 'PATCH',
          body: { name: `${name} name` },
          headers: { 'if-match': etag },
        }),
      ),
    );
    assert.deepEqual(responses.map(({ status }) => status).sort(), [200, 409, 409, 409]);
  });
});
