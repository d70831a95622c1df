import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { TEST_SECRET } from '../testing/engines.ts';
import { startPgBouncer } from '../testing/pgbouncer.ts';
import { startPostgres } from '../testing/postgres.ts';
import {
  bearer,
  createKey,
  createTestPerson,
  signInRemotePerson,
  signUpOwner,
  startTestServer,
} from '../testing/test-server.ts';

const postgres = await startPostgres();
after(() => postgres.close());

for (const mode of ['session', 'transaction'] as const) {
  test(`with two nodes behind PgBouncer (${mode} pooling), a deleted key is refused by both nodes once the response is sent`, async () => {
    const bouncer = await startPgBouncer(postgres, mode, mode === 'session' ? 60 : 4);
    const environment = {
      DATABASE_URL: bouncer.toPooledUrl(await postgres.createDatabase()),
      DEVPILOT_SECRET: TEST_SECRET,
      DEVPILOT_REVOCATION_BOUND: '5s',
    };
    const first = await startTestServer({ environment });
    // Signs up before the second node starts, because that node replaces the setup code.
    const owner = await signUpOwner(first);
    const second = await startTestServer({ environment });
    try {
      const signInOnSecond = await signInRemotePerson(second.url, owner.email);
      const ownerOnSecond = createTestPerson(second, { ...owner, cookie: signInOnSecond.cookie });
      const keys = await Promise.all(
        Array.from({ length: 60 }, (_, index) => createKey(index % 2 === 0 ? owner : ownerOnSecond, ['read'])),
      );
      const statusAt = async (server: { call: typeof first.call }, secret: string) =>
        (await server.call('/v1/authorize', { headers: bearer(secret) })).status;
      for (const { secret } of keys) assert.equal(await statusAt(second, secret), 200);
      for (const { id, secret } of keys.slice(0, 10)) {
        const startMs = performance.now();
        const deleted = await owner.call(`/v1/api-keys/${id}`, { method: 'DELETE' });
        assert.equal(deleted.status, 204, deleted.text);
        assert.match(deleted.headers.get('devpilot-revocation') ?? '', /nodes=2 confirmed=2/);
        assert.ok(performance.now() - startMs < 5_000);
        assert.deepEqual([await statusAt(first, secret), await statusAt(second, secret)], [401, 401]);
      }
    } finally {
      await second.close();
      await first.close();
      await bouncer.close();
    }
  });
}
