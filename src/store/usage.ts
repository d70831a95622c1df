import { sql } from 'kysely';
import { DAY } from '../contract/words.ts';
import { locking, type Queryable, type Trx } from './store.ts';

/** Uses of one credential, to be added; instants in epoch milliseconds. */
export interface Uses {
  readonly credentialId: string;
  readonly workspaceId: string;
  readonly count: number;
  readonly lastUsedAt: number;
  readonly addresses: ReadonlyMap<string, { readonly first: number; readonly last: number }>;
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

/** Adds uses to the credentials that are still there; the rest belong to deleted ones. */
export async function insertUses(trx: Trx, uses: readonly Uses[]): Promise<void> {
  // In one order for all, so that two nodes that count the same credentials never wait for each other.
  const ids = uses.map(({ credentialId }) => credentialId);
  const query = trx.selectFrom('credential').select('id').where('id', 'in', ids).orderBy('id');
  await locking(trx, query, 'credential').execute();
  const rows = sql.join(uses.map((use) => sql`(${use.credentialId}, ${use.count}, ${use.lastUsedAt})`));
  const { rows: alive } = await sql<{ id: string }>`
    update credential set
      use_count = use_count + cast(used.column2 as bigint),
      last_used_at = case when coalesce(last_used_at, 0) < cast(used.column3 as bigint)
        then cast(used.column3 as bigint) else last_used_at end
    from (values ${rows}) as used
    where credential.id = used.column1
    returning credential.id as id`.execute(trx);
  const there = new Set(alive.map(({ id }) => id));
  const counted = uses.filter(({ credentialId }) => there.has(credentialId));
  if (counted.length === 0) return;
  await trx
    .insertInto('credential_day')
    .values(
      counted.map(({ credentialId, workspaceId, count, lastUsedAt }) => ({
        credential_id: credentialId,
        workspace_id: workspaceId,
        day: Math.floor(lastUsedAt / DAY),
        count,
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['credential_id', 'day'])
        .doUpdateSet({ count: sql<number>`credential_day.count + excluded.count` }),
    )
    .execute();
  const addresses = counted.flatMap(({ credentialId, workspaceId, addresses: seen }) =>
    [...seen].map(([address, { first, last }]) => ({
      credential_id: credentialId,
      workspace_id: workspaceId,
      address,
      first_seen_at: first,
      last_seen_at: last,
    })),
  );
  await trx
    .insertInto('credential_address')
    .values(addresses)
    .onConflict((conflict) =>
      conflict.columns(['credential_id', 'address']).doUpdateSet({ last_seen_at: sql<number>`excluded.last_seen_at` }),
    )
    .execute();
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
