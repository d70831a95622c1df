import { type RawBuilder, sql } from 'kysely';
import { DAY } from '../contract/limits.ts';
import { addRightUses, toChunkRight } from './right-uses.ts';
import { engineOf, type Queryable, type Trx, withRowLock } from './store.ts';

/** The uses of one credential in a chunk; timestamps in epoch milliseconds. */
export interface CredentialUses {
  readonly credentialId: string;
  readonly count: number;
  readonly lastUsedAt: number;
  readonly addresses: readonly { readonly address: string; readonly first: number; readonly last: number }[];
  readonly rights: readonly { readonly right: string; readonly app: string | null; readonly count: number }[];
}

/**
 * A guard's node ID is the ID of its API key, a dot and 22 characters. This is the length of the dot and the
 * characters.
 */
export const GUARD_SUFFIX_LENGTH = 23;
const isGuard = (nodeId: string) => nodeId.includes('.');
/** SQL for the ID of the API key of the guard that sent a chunk; null for a chunk of a Devpilot server. */
const REPORTER_EXPRESSION = `case when usage_chunk.node_id like '%.%'
  then substr(usage_chunk.node_id, 1, length(usage_chunk.node_id) - ${GUARD_SUFFIX_LENGTH}) end`;

/**
 * Records the number of a node's chunk. Returns false if this number or a higher one is already recorded, so that a
 * resent chunk counts once.
 */
export async function recordChunkNumber(trx: Trx, nodeId: string, number: number): Promise<boolean> {
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
 * Stores a chunk as one row, which is durable immediately and cheap for any number of credentials;
 * `addChunksToCredentials` later adds the uses to the credentials. `bench/postgres.ts` (credentials per second whose
 * uses are written) and `bench/flush.ts` show what this gains over adding the uses to the credentials directly. `uses`
 * is stored as a JSON array of arrays: credential ID, number of uses, last use, day, addresses, rights.
 */
export async function insertUsageChunk(
  trx: Trx,
  nodeId: string,
  number: number,
  uses: readonly CredentialUses[],
): Promise<void> {
  const rows = uses.map(({ credentialId, count, lastUsedAt, addresses, rights }) => [
    credentialId,
    count,
    lastUsedAt,
    Math.floor(lastUsedAt / DAY),
    addresses.map(({ address, first, last }) => [address, first, last]),
    rights.map(toChunkRight),
  ]);
  await trx
    .insertInto('usage_chunk')
    .values({ node_id: nodeId, number, size: uses.length, uses: JSON.stringify(rows) })
    .execute();
}

/** Returns the number of credentials in the stored chunks. A credential in several chunks counts several times. */
export async function countPendingCredentials(db: Queryable): Promise<number> {
  const { size } = await db
    .selectFrom('usage_chunk')
    .select(sql<number>`cast(coalesce(sum(size), 0) as bigint)`.as('size'))
    .executeTakeFirstOrThrow();
  return size;
}

/**
 * Adds the uses in chunks from guards to `credential_report`, by the API key of each guard. Called by
 * `addChunksToCredentials`. The parameters and the indexes such as `value->>2` are explained at `addRightUses`.
 */
async function addGuardReports(
  trx: Trx,
  chunkFilter: RawBuilder<unknown>,
  expandArray: (text: string) => RawBuilder<unknown>,
): Promise<void> {
  // `where true`, because SQLite would parse `on conflict` as the condition of a join otherwise.
  await sql`
    insert into credential_report (credential_id, workspace_id, key_id, count, last_used_at)
    select credential.id, credential.workspace_id, used.reporter, used.count, used.last
    from (
      select credential_use.value->>0 as id, ${sql.raw(REPORTER_EXPRESSION)} as reporter,
        cast(sum(cast(credential_use.value->>1 as bigint)) as bigint) as count,
        max(cast(credential_use.value->>2 as bigint)) as last
      from usage_chunk, ${expandArray('usage_chunk.uses')} as credential_use
      where ${chunkFilter} and usage_chunk.node_id like '%.%'
      group by credential_use.value->>0, ${sql.raw(REPORTER_EXPRESSION)}
    ) as used join credential on credential.id = used.id
    where true
    on conflict (credential_id, key_id) do update set
      count = credential_report.count + excluded.count,
      last_used_at = case when credential_report.last_used_at < excluded.last_used_at
        then excluded.last_used_at else credential_report.last_used_at end`.execute(trx);
}

/**
 * Adds the uses in up to `maxChunks` chunks to the credentials and deletes the chunks; uses of deleted credentials are
 * dropped. A credential in several chunks is updated once. Returns the number of chunks and of credentials in them,
 * as `countPendingCredentials` counts them.
 */
export async function addChunksToCredentials(
  trx: Trx,
  maxChunks: number,
): Promise<{ chunks: number; credentials: number }> {
  const firstChunks = trx
    .selectFrom('usage_chunk')
    .select(['node_id', 'number', 'size'])
    .orderBy('node_id')
    .orderBy('number')
    .limit(maxChunks);
  const chunks = await withRowLock(trx, firstChunks, 'usage_chunk').execute();
  if (chunks.length === 0) return { chunks: 0, credentials: 0 };
  const isPostgres = engineOf(trx) === 'postgres';
  const chunkKeys = sql.join(chunks.map(({ node_id, number }) => sql`(${node_id}, cast(${number} as bigint))`));
  const chunkFilter = sql`(usage_chunk.node_id, usage_chunk.number) in (values ${chunkKeys})`;
  // Converts the elements of a JSON array into rows; the only expression that differs between the engines.
  const expandArray = (text: string) =>
    sql.raw(isPostgres ? `json_array_elements(cast(${text} as json))` : `json_each(${text})`);
  if (isPostgres) {
    // Locks the rows in a consistent order, so that two nodes updating the same credentials cannot deadlock.
    await sql`
      select id from credential where id in (
        select credential_use.value->>0 from usage_chunk, ${expandArray('usage_chunk.uses')} as credential_use
        where ${chunkFilter}
      ) order by id for update`.execute(trx);
  }
  await sql`
    update credential set
      use_count = use_count + used.count,
      last_used_at = case when coalesce(last_used_at, 0) < used.last then used.last else last_used_at end
    from (
      select credential_use.value->>0 as id, cast(sum(cast(credential_use.value->>1 as bigint)) as bigint) as count,
        max(cast(credential_use.value->>2 as bigint)) as last
      from usage_chunk, ${expandArray('usage_chunk.uses')} as credential_use
      where ${chunkFilter} group by credential_use.value->>0
    ) as used
    where credential.id = used.id`.execute(trx);
  await sql`
    insert into credential_day (credential_id, workspace_id, day, count)
    select credential.id, credential.workspace_id, used.day, used.count
    from (
      select credential_use.value->>0 as id, cast(credential_use.value->>3 as bigint) as day,
        cast(sum(cast(credential_use.value->>1 as bigint)) as bigint) as count
      from usage_chunk, ${expandArray('usage_chunk.uses')} as credential_use
      where ${chunkFilter} group by credential_use.value->>0, credential_use.value->>3
    ) as used join credential on credential.id = used.id
    where used.count > 0
    on conflict (credential_id, day) do update set count = credential_day.count + excluded.count`.execute(trx);
  await sql`
    insert into credential_address (credential_id, workspace_id, address, first_seen_at, last_seen_at, reported_by)
    select credential.id, credential.workspace_id, used.address, used.first, used.last, used.reporter
    from (
      select credential_use.value->>0 as id, seen.value->>0 as address,
        min(cast(seen.value->>1 as bigint)) as first, max(cast(seen.value->>2 as bigint)) as last,
        max(${sql.raw(REPORTER_EXPRESSION)}) as reporter
      from usage_chunk, ${expandArray('usage_chunk.uses')} as credential_use, ${expandArray('credential_use.value->>4')} as seen
      where ${chunkFilter} group by credential_use.value->>0, seen.value->>0
    ) as used join credential on credential.id = used.id
    where true
    on conflict (credential_id, address) do update set
      last_seen_at = excluded.last_seen_at, reported_by = excluded.reported_by`.execute(trx);
  await addRightUses(trx, chunkFilter, expandArray);
  if (chunks.some(({ node_id }) => isGuard(node_id))) await addGuardReports(trx, chunkFilter, expandArray);
  await sql`delete from usage_chunk where ${chunkFilter}`.execute(trx);
  return { chunks: chunks.length, credentials: chunks.reduce((sum, { size }) => sum + size, 0) };
}

/**
 * Returns a credential's uses per day since `sinceDay` (days since the epoch, UTC), oldest first, and its up to `limit`
 * most recently seen client addresses. `guards` are the API keys of guards that reported uses, up to `limit`, most
 * recent report first.
 */
export async function readUses(
  db: Queryable,
  workspaceId: string,
  credentialId: string,
  sinceDay: number,
  limit: number,
): Promise<{
  days: { day: number; count: number }[];
  addresses: { address: string; firstSeenAt: number; lastSeenAt: number; reportedBy: string | null }[];
  guards: { id: string; name: string | null; count: number; lastUsedAt: number }[];
}> {
  const days = await db
    .selectFrom('credential_day')
    .select(['day', 'count'])
    .where('workspace_id', '=', workspaceId)
    .where('credential_id', '=', credentialId)
    .where('day', '>=', sinceDay)
    .orderBy('day')
    .execute();
  const addresses = await db
    .selectFrom('credential_address')
    .select(['address', 'first_seen_at as firstSeenAt', 'last_seen_at as lastSeenAt', 'reported_by as reportedBy'])
    .where('workspace_id', '=', workspaceId)
    .where('credential_id', '=', credentialId)
    .orderBy('last_seen_at', 'desc')
    .limit(limit)
    .execute();
  const guards = await db
    .selectFrom('credential_report')
    .leftJoin('credential', (join) =>
      join
        .onRef('credential.id', '=', 'credential_report.key_id')
        .onRef('credential.workspace_id', '=', 'credential_report.workspace_id'),
    )
    .select(['key_id as id', 'credential.name', 'count', 'credential_report.last_used_at as lastUsedAt'])
    .where('credential_report.workspace_id', '=', workspaceId)
    .where('credential_report.credential_id', '=', credentialId)
    .orderBy('credential_report.last_used_at', 'desc')
    .limit(limit)
    .execute();
  return { days, addresses, guards };
}

/**
 * Returns the addresses that a credential was used from since `since` (epoch milliseconds). Excludes addresses last
 * reported by guards, because reported addresses are unverified.
 */
export async function listAddressesUsedSince(
  db: Queryable,
  workspaceId: string,
  credentialId: string,
  since: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom('credential_address')
    .select('address')
    .where('workspace_id', '=', workspaceId)
    .where('credential_id', '=', credentialId)
    .where('last_seen_at', '>', since)
    .where('reported_by', 'is', null)
    .execute();
  return rows.map(({ address }) => address);
}
