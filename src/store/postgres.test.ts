import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { sql } from 'kysely';
import { createDenialWriter } from '../audit/denial-writer.ts';
import { createDenialBuffer } from '../audit/denials.ts';
import { appendAuditEvent } from '../audit/log.ts';
import { openTestDatabases } from '../testing/postgres.ts';
import { declareStoreSuite } from '../testing/store-suite.ts';
import { openPostgresTestStore, seedCredential, seedWorkspace } from '../testing/test-store.ts';
import { deleteCredential } from './credentials.ts';

const postgres = await openTestDatabases();
after(() => postgres.close());

test('denials that are written while their credential is being deleted cause no deadlock and are not lost', async (t) => {
  const store = await openPostgresTestStore(postgres);
  t.after(store.close);
  const owner = await seedWorkspace(store);
  const { workspaceId } = owner;
  const { id } = await seedCredential(store, owner);
  const kind = 'api_key';
  const origin = { address: null, userAgent: null, requestId: null };
  const actor = { kind, id, name: 'Billing' } as const;
  const denials = createDenialBuffer();
  const errors: unknown[] = [];
  const flush = createDenialWriter(
    store,
    denials,
    () => 2,
    (error) => errors.push(error),
  );
  denials.add({
    workspaceId,
    action: 'credential.denied',
    actor,
    credential: actor,
    reason: 'forbidden',
    origin,
    at: 1,
  });
  let flushed = Promise.resolve();
  await store.transaction(async (trx) => {
    await deleteCredential(trx, workspaceId, kind, id);
    flushed = flush({ everything: true });
    // Waits until the flush is blocked by the lock of this transaction.
    for (let isWaiting = false; !isWaiting; ) {
      const locks = await sql`select 1 from pg_locks where not granted and database =
        (select oid from pg_database where datname = current_database()) or not granted and database is null`.execute(
        store.read,
      );
      isWaiting = locks.rows.length > 0;
    }
    const person = { kind: 'person', id: owner.personId, name: 'Ada' } as const;
    const draft = { workspaceId, actor: person, target: actor, credential: actor, origin, detail: {}, at: 2 };
    await appendAuditEvent(trx, { ...draft, action: 'api_key.deleted' });
  });
  await flushed;
  assert.deepEqual(errors, []);
  const events = store.read.selectFrom('audit_event').select('action').where('workspace_id', '=', workspaceId);
  const actions = (await events.orderBy('sequence').execute()).map(({ action }) => action);
  assert.deepEqual(actions, ['api_key.deleted', 'credential.denied']);
});

declareStoreSuite('PostgreSQL', () => openPostgresTestStore(postgres));
