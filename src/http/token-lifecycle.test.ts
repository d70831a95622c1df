import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bearer, createToken, signUpOwner, startTestServer, type TestServer } from '../testing/test-server.ts';

let testServer: TestServer;
before(async () => {
  testServer = await startTestServer();
});
after(() => testServer.close());

test('a token authorizes a request, its use is counted, and the next request after its deletion is refused', async () => {
  const owner = await signUpOwner(testServer);
  const token = await createToken(owner, ['basic_deployment']);
  const authorized = await testServer.call('/v1/authorize?scope=basic_deployment', { headers: bearer(token.secret) });
  assert.equal(authorized.status, 200);
  assert.equal(authorized.headers.get('devpilot-credential-id'), token.id);
  assert.equal(authorized.text, '');
  const counted = await owner.call<{ useCount: number }>(`/v1/access-tokens/${token.id}`);
  assert.equal(counted.body.useCount, 1);
  const deleted = await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' });
  assert.equal(deleted.status, 204);
  const refused = await testServer.call<{ code: string }>('/v1/authorize', { headers: bearer(token.secret) });
  assert.equal(refused.status, 401);
  assert.equal(refused.body.code, 'invalid_token');
});
