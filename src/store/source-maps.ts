import { sql } from 'kysely';
import type { PageRequest } from './paging.ts';
import { type AllowedResources, belongsToAllowedApp } from './resource-access.ts';
import type { SourceMapTable } from './schema/errors.ts';
import type { Queryable, Trx } from './store.ts';

/** A source map without its content, with the slug of its app. */
export type SourceMapRow = Omit<SourceMapTable, 'map'> & { readonly app_slug: string };

function selectMaps(db: Queryable, workspaceId: string) {
  return db
    .selectFrom('source_map')
    .innerJoin('app', (join) =>
      join.onRef('app.id', '=', 'source_map.app_id').onRef('app.workspace_id', '=', 'source_map.workspace_id'),
    )
    .select([
      'source_map.id',
      'source_map.workspace_id',
      'source_map.app_id',
      'debug_id',
      'file',
      'size',
      'source_map.created_at',
    ])
    .select('app.slug as app_slug')
    .where('source_map.workspace_id', '=', workspaceId);
}

/** Stores a map, replacing the app's map with the same debug ID. */
export async function replaceSourceMap(trx: Trx, row: SourceMapTable): Promise<void> {
  await trx
    .deleteFrom('source_map')
    .where('workspace_id', '=', row.workspace_id)
    .where('app_id', '=', row.app_id)
    .where('debug_id', '=', row.debug_id)
    .execute();
  await trx.insertInto('source_map').values(row).execute();
}

/**
 * Deletes maps of a workspace until it has at most `maxMaps` maps with at most `maxBytes` bytes in total. Deletes the
 * oldest maps of the apps that have the most, so that no app can displace the maps of others. Returns the number of
 * deleted maps.
 */
export async function evictSourceMaps(
  trx: Trx,
  workspaceId: string,
  maxMaps: number,
  maxBytes: number,
): Promise<number> {
  const { numAffectedRows } = await sql`delete from source_map where workspace_id = ${workspaceId} and id in (
    select id from (
      select id,
        row_number() over (order by app_count, created_at desc, id desc) as count,
        sum(size) over (order by app_bytes, created_at desc, id desc rows unbounded preceding) as bytes
      from (
        select id, size, created_at,
          row_number() over (partition by app_id order by created_at desc, id desc) as app_count,
          sum(size) over (partition by app_id order by created_at desc, id desc rows unbounded preceding) as app_bytes
        from source_map where workspace_id = ${workspaceId}
      ) as newest_of_app
    ) as newest
    where count > ${maxMaps} or bytes > ${maxBytes})`.execute(trx);
  return Number(numAffectedRows ?? 0);
}

/** Returns a page of source maps, newest first, up to one more than the limit. */
export async function listSourceMaps(
  db: Queryable,
  workspaceId: string,
  appId: string | null,
  allowed: AllowedResources | null,
  page: PageRequest,
): Promise<SourceMapRow[]> {
  let query = selectMaps(db, workspaceId);
  if (appId !== null) query = query.where('source_map.app_id', '=', appId);
  if (allowed !== null) query = query.where(belongsToAllowedApp('source_map.app_id', workspaceId, allowed));
  if (page.after !== null) {
    const { value, id } = page.after;
    query = query.where(sql<boolean>`(source_map.created_at, source_map.id) < (${value}, ${id})`);
  }
  return query
    .orderBy('source_map.created_at', 'desc')
    .orderBy('source_map.id', 'desc')
    .limit(page.limit + 1)
    .execute();
}

export async function findSourceMap(db: Queryable, workspaceId: string, id: string): Promise<SourceMapRow | undefined> {
  return selectMaps(db, workspaceId).where('source_map.id', '=', id).executeTakeFirst();
}

/**
 * Returns the IDs of source maps by debug ID: the maps of one app or, if `appSlug` is null, the newest map of any app
 * for each debug ID.
 */
export async function findSourceMapIds(
  db: Queryable,
  workspaceId: string,
  appSlug: string | null,
  debugIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (debugIds.length === 0) return new Map();
  let query = selectMaps(db, workspaceId).where('debug_id', 'in', debugIds);
  if (appSlug !== null) query = query.where('app.slug', '=', appSlug);
  const rows = await query.orderBy('source_map.created_at').orderBy('source_map.id').execute();
  return new Map(rows.map(({ debug_id, id }) => [debug_id, id]));
}

/** Returns the compressed content of a map, or undefined if the map does not exist. */
export async function readSourceMap(db: Queryable, workspaceId: string, id: string): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('source_map')
    .select('map')
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
  return row?.map;
}

export async function deleteSourceMap(trx: Trx, workspaceId: string, id: string): Promise<void> {
  await trx.deleteFrom('source_map').where('workspace_id', '=', workspaceId).where('id', '=', id).execute();
}
