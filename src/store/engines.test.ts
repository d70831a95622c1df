import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { appendAuditEvent } from '../audit/log.ts';
import { verifyEveryLog } from '../audit/verify.ts';
import { forEachEngine } from '../testing/engines.ts';
import { insertRevocation } from './credentials.ts';
import { claimIdempotencyKey } from './idempotency.ts';
import { advanceTotpStep, consumeSetupCode, findPersonByEmail, insertPerson, replaceSetupCode } from './people.ts';
import { openPostgresStore } from './postgres.ts';
import { StartRefusedError } from './start-refused-error.ts';
import { isUniqueViolation, type Store, type Trx } from './store.ts';
import { recordChunkNumber } from './usage.ts';
import { insertWorkspace } from './workspaces.ts';

const origin = { address: null, userAgent: null, requestId: null };

function personRow(id: string, email: string) {
  return {
    id,
    name: id,
    email,
    email_key: email,
    password_hash: 'x',
    totp_sealed: null,
    last_workspace_id: null,
    created_at: 1,
    updated_at: 1,
  };
}

function auditDraft(workspaceId: string) {
  const target = { kind: 'workspace', id: workspaceId, name: null } as const;
  const actor = { kind: 'system', id: null, name: null } as const;
  return {
    workspaceId,
    action: 'workspace.updated',
    at: 1,
    actor,
    target,
    credential: null,
    origin,
    detail: {},
  } as const;
}

forEachEngine('the store', (engine) => {
  let store: Store;
  before(async () => {
    store = await engine.open();
  });
  after(() => store.close());

  /** Runs a function in ten concurrent transactions. */
  const tenTimes = <T>(work: (trx: Trx, index: number) => Promise<T>) =>
    Promise.all(Array.from({ length: 10 }, (_, index) => store.transaction((trx) => work(trx, index))));

  test('a transaction that throws is rolled back', async () => {
    const failed = store.transaction(async (trx) => {
      await insertPerson(trx, personRow('per_rolled', 'rolled@example.com'));
      throw new Error('deliberate failure');
    });
    await assert.rejects(failed, /deliberate failure/);
    assert.equal(await findPersonByEmail(store.read, 'rolled@example.com'), undefined);
  });

  test('a unique violation is distinguished from other errors', async () => {
    await store.transaction((trx) => insertPerson(trx, personRow('per_twice', 'twice@example.com')));
    const duplicate = store.transaction((trx) => insertPerson(trx, personRow('per_other', 'twice@example.com')));
    await assert.rejects(duplicate, isUniqueViolation);
  });

  test('IDs and slugs are compared and sorted by their bytes', async () => {
    const slugs = ['b', 'B', 'a', 'é', 'Z', '_', '-'];
    await store.transaction(async (trx) => {
      for (const slug of slugs) {
        await insertWorkspace(trx, { id: `wsp_${slug}`, name: slug, slug, created_at: 1, updated_at: 1 });
      }
    });
    const rows = await store.read.selectFrom('workspace').select('slug').orderBy('slug').execute();
    assert.deepEqual(
      rows.map(({ slug }) => slug),
      slugs.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    );
    const row = await store.queryFirst<{ id: string }>('select id from workspace where id = ?', ['wsp_A']);
    assert.equal(row, undefined);
  });

  test('stored bytes are read unchanged, and so is a 53-bit integer', async () => {
    const bytes = Buffer.from([0, 255, 128, 39]);
    await store.transaction((trx) => replaceSetupCode(trx, bytes));
    const row = await store.queryFirst<{ digest: Uint8Array; number: number }>(
      `select digest, ${Number.MAX_SAFE_INTEGER} as number from setup_code where digest = ?`,
      [bytes],
    );
    assert.deepEqual(Buffer.from(row?.digest ?? []), bytes);
    assert.equal(row?.number, Number.MAX_SAFE_INTEGER);
  });

  test('of ten concurrent attempts exactly one consumes a setup code, a TOTP time step, a chunk of uses or an idempotency key', async () => {
    const assertOneTrue = (results: boolean[]) => assert.equal(results.filter(Boolean).length, 1);
    await store.transaction(async (trx) => {
      await replaceSetupCode(trx, Buffer.from('code'));
      await insertPerson(trx, personRow('per_totp', 'totp@example.com'));
    });
    assertOneTrue(await tenTimes((trx) => consumeSetupCode(trx, Buffer.from('code'))));
    assertOneTrue(await tenTimes((trx) => advanceTotpStep(trx, 'per_totp', 7)));
    assertOneTrue(await tenTimes((trx) => recordChunkNumber(trx, 'nod_a', 1)));
    const claim = { workspaceId: 'w', principalId: 'p', route: 'r', key: 'k', bodyMac: 'm' };
    const claims = await tenTimes((trx, index) => claimIdempotencyKey(trx, claim, `res_${index}`, 1));
    assertOneTrue(claims.map((earlier) => earlier === null));
    assert.equal(new Set(claims.filter((earlier) => earlier !== null).map((earlier) => earlier.resourceId)).size, 1);
  });

  test('concurrent revocations are numbered without gaps, and concurrent log entries form one intact chain', async () => {
    const numbers = await tenTimes(async (trx) => {
      await appendAuditEvent(trx, auditDraft('wsp_chain'));
      return (await insertRevocation(trx, 'wsp_chain', null, 1)).number;
    });
    assert.deepEqual(
      numbers.sort((a, b) => a - b),
      Array.from({ length: 10 }, (_, index) => index + (numbers[0] ?? 0)),
    );
    const checks = await Array.fromAsync(verifyEveryLog(store.read));
    assert.deepEqual(checks, [{ workspaceId: 'wsp_chain', entries: 10, broken: null }]);
  });

  test('transactions that lock the same rows in opposite orders all finish', async () => {
    const logs = ['wsp_left', 'wsp_right'];
    const appendInOrder = (order: string[]) =>
      store.transaction(async (trx) => {
        for (const log of order) await appendAuditEvent(trx, auditDraft(log));
      });
    await Promise.all([appendInOrder(logs), appendInOrder(logs.toReversed()), appendInOrder(logs)]);
    const heads = await store.read
      .selectFrom('audit_head')
      .select('sequence')
      .where('workspace_id', 'in', logs)
      .execute();
    assert.deepEqual(
      heads.map(({ sequence }) => sequence),
      [3, 3],
    );
  });

  test('values that not every engine can store unchanged are rejected', async () => {
    const invalidBinding = store.read
      .selectFrom('person')
      .select('id')
      .where('created_at', '=', new Date(0) as never)
      .execute();
    await assert.rejects(invalidBinding, TypeError);
    for (const text of ['a\0b', '\0', 'a\ud800', '\udc00']) {
      const rejected = store.transaction((trx) => trx.updateTable('person').set({ name: text }).execute());
      await assert.rejects(rejected, { code: 'validation_failed' });
    }
  });
});

forEachEngine('opening', (engine) => {
  if (engine.name !== 'postgres') return;

  test('ten nodes can open the same empty database at the same time', async () => {
    const { DATABASE_URL = '' } = await engine.environment();
    const stores = await Promise.all(
      Array.from({ length: 10 }, () => openPostgresStore(DATABASE_URL, () => undefined)),
    );
    for (const store of stores) {
      assert.equal(
        (await store.queryFirst<{ number: number }>('select number from revocation_counter', []))?.number,
        0,
      );
    }
    await Promise.all(stores.map((store) => store.close()));
  });

  test('a database with a migration of a newer version can be opened', async () => {
    const { DATABASE_URL = '' } = await engine.environment();
    const store = await openPostgresStore(DATABASE_URL, () => undefined);
    await store.read
      .insertInto('kysely_migration' as never)
      .values({ name: '9999-newer', timestamp: '2030' } as never)
      .execute();
    await store.close();
    await (await openPostgresStore(DATABASE_URL, () => undefined)).close();
  });

  test('a missing migration is applied even if later ones have been applied', async () => {
    const { DATABASE_URL = '' } = await engine.environment();
    const store = await openPostgresStore(DATABASE_URL, () => undefined);
    const name = '0130-keep-runs';
    await store.read
      .deleteFrom('kysely_migration' as never)
      .where('name' as never, '=', name as never)
      .execute();
    await store.read.schema.alterTable('script').dropColumn('keep_runs').execute();
    await store.close();
    const reopened = await openPostgresStore(DATABASE_URL, () => undefined);
    assert.deepEqual(await reopened.read.selectFrom('script').select('keep_runs').execute(), []);
    await reopened.close();
  });

  test('a database without durable commits is refused', async () => {
    const { DATABASE_URL = '' } = await engine.environment();
    const url = `${DATABASE_URL}?options=-c%20synchronous_commit%3Doff`;
    await assert.rejects(
      openPostgresStore(url, () => undefined),
      /synchronous_commit/,
    );
  });

  test('an unreachable database is refused with the reason', async () => {
    const opening = openPostgresStore('postgres://devpilot@127.0.0.1:1/devpilot', () => undefined);
    await assert.rejects(opening, (error) => error instanceof StartRefusedError && /refused/.test(error.message));
  });
});
