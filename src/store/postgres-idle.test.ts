import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { sql } from 'kysely';
import { startPgBouncer } from '../testing/pgbouncer.ts';
import { startPostgres } from '../testing/postgres.ts';
import { until } from '../testing/until.ts';
import { openPostgresStore } from './postgres.ts';
import type { Store, Trx } from './store.ts';

const postgres = await startPostgres();
const bouncer = await startPgBouncer(postgres, 'transaction', 3);
after(async () => {
  await bouncer.close();
  await postgres.close();
});

const IDLE_LIMIT_MS = 20;

const insertFailure = (trx: Trx, subject: string, at: number) =>
  trx.insertInto('failure').values({ subject, address: 'a', at }).execute();

/** Blocks this process for longer than the idle limit of a transaction, as an overloaded machine would. */
function block(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10 * IDLE_LIMIT_MS);
}

/** Waits, without blocking this process, until the session of a transaction has ended. */
async function waitForEnd(store: Store, pid: number): Promise<void> {
  await until(async () => {
    const { rows } = await sql`select 1 from pg_stat_activity where pid = ${pid}`.execute(store.read);
    return rows.length === 0;
  });
}

for (const [server, urlOf] of [
  ['PostgreSQL', (url: string) => url],
  ['PgBouncer', bouncer.toPooledUrl],
] as const) {
  for (const detected of ['before', 'by'] as const) {
    for (const operation of ['statement', 'commit'] as const) {
      test(`${server}: a transaction that the server ended because it was idle, detected ${detected} the next ${operation}, is run again`, async (t) => {
        const store = await openPostgresStore(urlOf(await postgres.createDatabase()), () => undefined);
        t.after(() => store.close());
        let attempts = 0;
        const result = await store.transaction(async (trx) => {
          attempts++;
          await insertFailure(trx, 'first', attempts);
          if (attempts === 1) {
            const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
            await sql.raw(`set local idle_in_transaction_session_timeout = ${IDLE_LIMIT_MS}`).execute(trx);
            if (detected === 'before') await waitForEnd(store, rows[0]?.pid ?? 0);
            else block();
          }
          if (operation === 'statement') await insertFailure(trx, 'second', attempts);
          return attempts;
        });
        assert.equal(result, 2);
        const rows = await store.read.selectFrom('failure').select(['subject', 'at']).orderBy('subject').execute();
        const expected = [
          { subject: 'first', at: 2 },
          ...(operation === 'statement' ? [{ subject: 'second', at: 2 }] : []),
        ];
        assert.deepEqual(rows, expected);
      });
    }
  }
}

test('a transaction that is idle for too long twice fails with unavailable, and a later one succeeds', async (t) => {
  const store = await openPostgresStore(await postgres.createDatabase(), () => undefined);
  t.after(() => store.close());
  let attempts = 0;
  const idle = store.transaction(async (trx) => {
    attempts++;
    await sql.raw(`set local idle_in_transaction_session_timeout = ${IDLE_LIMIT_MS}`).execute(trx);
    block();
  });
  await assert.rejects(idle, { code: 'unavailable' });
  assert.equal(attempts, 2);
  await store.transaction((trx) => insertFailure(trx, 'later', 1));
});
