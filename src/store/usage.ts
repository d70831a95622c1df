import { sql } from 'kysely';
import { DAY } from '../contract/words.ts';
import type { Queryable, Store, Trx } from './store.ts';

/** Uses of one credential, to be added; instants in epoch milliseconds. */
export interface Uses {
  readonly credentialId: string;
  readonly count: number;
  readonly lastUsedAt: number;
  readonly addresses: readonly { readonly address: string; readonly first: number; readonly last: number }[];
}

/** A table with the column `value`, a JSON array a row: the one expression that the engines spell differently. */
function rowsOf(engine: Store['engine'], rows: readonly (readonly (string | number)[])[]) {
  const text = JSON.stringify(rows);
  return engine === 'sqlite' ? sql`json_each(${text})` : sql`json_array_elements(cast(${text} as json))`;
}

/** Tells whether this chunk of this node is new, and notes it: a chunk that is sent again counts once. */
export async function claimUsageChunk(trx: Trx, nodeId: string, number: number): Promise<boolean> {
  const result = await trx
    .insertInto('usage_flush')
    .values({ node_id: nodeId, number })
    .onConflict((conflict) =>
      conflict.column('node_id').doUpdateSet({ number }).where('usage_flush.number', '<', number),
    )
    .returning('number')
    .executeTakeFirst();
  return result !== undefined;
}

/**
 * Adds uses to the credentials that are still there; the rest belong to deleted ones. The rows travel as
 * one JSON text: bound one by one they would cost the event loop more than the judgements they count.
 */
export async function insertUses(trx: Trx, engine: Store['engine'], uses: readonly Uses[]): Promise<void> {
  const counts = rowsOf(
    engine,
    uses.map(({ credentialId, count, lastUsedAt }) => [credentialId, count, lastUsedAt, Math.floor(lastUsedAt / DAY)]),
  );
  await sql`
    update credential set
      use_count = use_count + cast(used.value->>1 as bigint),
      last_used_at = case when coalesce(last_used_at, 0) < cast(used.value->>2 as bigint)
        then cast(used.value->>2 as bigint) else last_used_at end
    from ${counts} as used
    where credential.id = used.value->>0`.execute(trx);
  await sql`
    insert into credential_day (credential_id, workspace_id, day, count)
    select credential.id, credential.workspace_id, cast(used.value->>3 as bigint), cast(used.value->>1 as bigint)
    from ${counts} as used join credential on credential.id = used.value->>0
    where true
    on conflict (credential_id, day) do update set count = credential_day.count + excluded.count`.execute(trx);
  const seen = rowsOf(
    engine,
    uses.flatMap(({ credentialId, addresses }) =>
      addresses.map(({ address, first, last }) => [credentialId, address, first, last]),
    ),
  );
  await sql`
    insert into credential_address (credential_id, workspace_id, address, first_seen_at, last_seen_at)
    select credential.id, credential.workspace_id, used.value->>1,
      cast(used.value->>2 as bigint), cast(used.value->>3 as bigint)
    from ${seen} as used join credential on credential.id = used.value->>0
    where true
    on conflict (credential_id, address) do update set last_seen_at = excluded.last_seen_at`.execute(trx);
}

/** Uses a day, oldest first, and the addresses used from, newest first. */
export async function readUses(
  db: Queryable,
  workspaceId: string,
  credentialId: string,
  sinceDay: number,
  addresses: number,
): Promise<{
  days: { day: number; count: number }[];
  addresses: { address: string; first: number; last: number }[];
}> {
  const days = await db
    .selectFrom('credential_day')
    .select(['day', 'count'])
    .where('workspace_id', '=', workspaceId)
    .where('credential_id', '=', credentialId)
    .where('day', '>=', sinceDay)
    .orderBy('day')
    .execute();
  const seen = await db
    .selectFrom('credential_address')
    .select(['address', 'first_seen_at as first', 'last_seen_at as last'])
    .where('workspace_id', '=', workspaceId)
    .where('credential_id', '=', credentialId)
    .orderBy('last_seen_at', 'desc')
    .limit(addresses)
    .execute();
  return { days, addresses: seen };
}

const DAYS_KEPT = 400;
const ADDRESSES_KEPT_FOR = 90 * DAY;

/** Deletes days and addresses that nobody looks at any more, and all but the last addresses of each credential. */
export async function deleteOldUses(trx: Trx, now: number): Promise<void> {
  await trx
    .deleteFrom('credential_day')
    .where('day', '<', Math.floor(now / DAY) - DAYS_KEPT)
    .execute();
  await trx
    .deleteFrom('credential_address')
    .where('last_seen_at', '<', now - ADDRESSES_KEPT_FOR)
    .execute();
  await sql`
    delete from credential_address where (credential_id, address) in (
      select credential_id, address from (
        select credential_id, address,
          row_number() over (partition by credential_id order by last_seen_at desc) as place
        from credential_address
      ) as placed where place > 100)`.execute(trx);
}
