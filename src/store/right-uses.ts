import { type RawBuilder, sql } from 'kysely';
import { DAY } from '../contract/limits.ts';
import { findInstallation } from './installation.ts';
import { engineOf, type Queryable, type Trx } from './store.ts';

/** Stored instead of an app's ID for uses that do not concern a particular app. */
const NO_APP = '';
/** Maximum number of apps per credential whose uses housekeeping keeps: the most recently used apps. */
const MAX_STORED_APPS_PER_CREDENTIAL = 100;
const RETENTION_MS = 400 * DAY;

/**
 * Adds the uses of rights in the chunks that satisfy `chunkFilter` to the totals of their credentials
 * (`credential_right`); called by `addChunksToCredentials`. `expandArray` returns SQL that converts a JSON array into
 * rows. The indexes such as `value->>5` are positions in the arrays that `insertUsageChunk` writes; chunks of earlier
 * versions have no element 5. Chunks refer to an app by its ID or slug, as the request did. An app that does not exist
 * counts as no app. A chunk has no times per right, so the credential's last use in it counts for each right.
 */
export async function addRightUses(
  trx: Trx,
  chunkFilter: RawBuilder<unknown>,
  expandArray: (text: string) => RawBuilder<unknown>,
): Promise<void> {
  await sql`
    insert into credential_right (credential_id, workspace_id, name, app_id, count, last_used_at)
    select id, workspace_id, name, app, cast(sum(count) as bigint), max(last)
    from (
      select credential.id, credential.workspace_id, used.name, used.count, used.last, coalesce(
        (select app.id from app where app.workspace_id = credential.workspace_id and app.slug = used.app),
        (select app.id from app where app.workspace_id = credential.workspace_id and app.id = used.app),
        ${NO_APP}) as app
      from (
        select credential_use.value->>0 as id, right_use.value->>0 as name, right_use.value->>1 as app,
          cast(sum(cast(right_use.value->>2 as bigint)) as bigint) as count,
          max(cast(credential_use.value->>2 as bigint)) as last
        from usage_chunk, ${expandArray('usage_chunk.uses')} as credential_use,
          ${expandArray('credential_use.value->>5')} as right_use
        where ${chunkFilter} group by credential_use.value->>0, right_use.value->>0, right_use.value->>1
      ) as used join credential on credential.id = used.id
    ) as right_uses
    where true -- SQLite would read 'on conflict' as a join condition
    group by id, workspace_id, name, app
    on conflict (credential_id, name, app_id) do update set
      count = credential_right.count + excluded.count,
      last_used_at = case when credential_right.last_used_at < excluded.last_used_at
        then excluded.last_used_at else credential_right.last_used_at end`.execute(trx);
}

/** Returns uses of a right as an array for a chunk: right, app, count. */
export const toChunkRight = ({ right, app, count }: { right: string; app: string | null; count: number }) =>
  [right, app ?? NO_APP, count] as const;

export interface StoredRightUse {
  readonly right: string;
  /** Null for uses that concern no particular app. */
  readonly app: { readonly id: string; readonly name: string | null } | null;
  readonly count: number;
  /** Epoch milliseconds: the last use of the credential in the last chunk that contains a use of this right. */
  readonly lastUsedAt: number;
}

/**
 * Returns the uses of a credential per right and app, most recently used first, and the time since which uses are
 * counted (epoch milliseconds). The name of a deleted app is null.
 */
export async function readRightUses(
  db: Queryable,
  workspaceId: string,
  credentialId: string,
): Promise<{ rights: StoredRightUse[]; since: number }> {
  const rows = await db
    .selectFrom('credential_right')
    .leftJoin('app', (join) =>
      join
        .onRef('app.id', '=', 'credential_right.app_id')
        .onRef('app.workspace_id', '=', 'credential_right.workspace_id'),
    )
    .select(['credential_right.name as right', 'app_id', 'app.name as appName', 'count', 'last_used_at as lastUsedAt'])
    .where('credential_right.workspace_id', '=', workspaceId)
    .where('credential_right.credential_id', '=', credentialId)
    .orderBy('last_used_at', 'desc')
    .orderBy('credential_right.name')
    .orderBy('app_id')
    .execute();
  const rights = rows.map(({ right, app_id, appName, count, lastUsedAt }) => ({
    right,
    app: app_id === NO_APP ? null : { id: app_id, name: appName },
    count,
    lastUsedAt,
  }));
  return { rights, since: (await findInstallation(db))?.rights_counted_since ?? 0 };
}

/** Refused requests of one credential for one reason on one day. */
export interface Refusals {
  readonly workspaceId: string;
  readonly credentialId: string;
  /** Days since 1970-01-01 UTC. */
  readonly day: number;
  /** A `RefusalReason`. */
  readonly reason: string;
  readonly count: number;
}

/**
 * Adds refusals to the stored count; does nothing if the credential was deleted. Waits if its deletion is in progress.
 */
export async function addRefusals(trx: Trx, refusals: Refusals): Promise<void> {
  const { workspaceId, credentialId, day, reason, count } = refusals;
  const lock = engineOf(trx) === 'postgres' ? sql`for key share` : sql``;
  await sql`
    insert into credential_refusal (credential_id, workspace_id, day, reason, count)
    select id, workspace_id, cast(${day} as bigint), ${reason}, cast(${count} as bigint) from credential
    where id = ${credentialId} and workspace_id = ${workspaceId} ${lock}
    on conflict (credential_id, day, reason) do update set count = credential_refusal.count + excluded.count`.execute(
    trx,
  );
}

/**
 * Returns the refusals of a credential per day and reason from `sinceDay` on, oldest first. Days are as in `Refusals`.
 */
export function readRefusals(
  db: Queryable,
  workspaceId: string,
  credentialId: string,
  sinceDay: number,
): Promise<{ day: number; reason: string; count: number }[]> {
  return db
    .selectFrom('credential_refusal')
    .select(['day', 'reason', 'count'])
    .where('workspace_id', '=', workspaceId)
    .where('credential_id', '=', credentialId)
    .where('day', '>=', sinceDay)
    .orderBy('day')
    .orderBy('reason')
    .execute();
}

/**
 * Deletes refusals and uses of rights past their retention, and, for each credential, the uses of all but the
 * `MAX_STORED_APPS_PER_CREDENTIAL` most recently used apps.
 */
export async function deleteOldRightUsesAndRefusals(trx: Trx, now: number): Promise<void> {
  await trx
    .deleteFrom('credential_right')
    .where('last_used_at', '<', now - RETENTION_MS)
    .execute();
  await trx
    .deleteFrom('credential_refusal')
    .where('day', '<', Math.floor((now - RETENTION_MS) / DAY))
    .execute();
  await sql`
    delete from credential_right where (credential_id, app_id) in (
      select credential_id, app_id from (
        select credential_id, app_id,
          row_number() over (partition by credential_id order by max(last_used_at) desc) as recency
        from credential_right where app_id <> ${NO_APP} group by credential_id, app_id
      ) as ranked where recency > ${sql.lit(MAX_STORED_APPS_PER_CREDENTIAL)})`.execute(trx);
}
