import { sql } from 'kysely';
import { escapeLikePattern } from './like-pattern.ts';
import type { PageRequest } from './paging.ts';
import { type AllowedResources, isAllowedIssue } from './resource-access.ts';
import type { ErrorEventTable, ErrorFacetTable, ErrorIssueTable } from './schema/errors.ts';
import type { Queryable, Store, Trx } from './store.ts';

/** Returns the ID of the app with a slug, or null. */
export async function findAppId(store: Store, workspaceId: string, slug: string): Promise<string | null> {
  const statement = 'select id from app where workspace_id = ? and slug = ?';
  return (await store.queryFirst<{ id: string }>(statement, [workspaceId, slug]))?.id ?? null;
}

export async function findIssueByFingerprint(
  trx: Trx,
  workspaceId: string,
  fingerprint: string,
): Promise<ErrorIssueTable | undefined> {
  return trx
    .selectFrom('error_issue')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('fingerprint', '=', fingerprint)
    .executeTakeFirst();
}

/**
 * Inserts an issue, or merges it into the existing issue with its fingerprint; with `reopen`, also sets that issue's
 * status to open. Returns the resulting row.
 */
export async function addToIssue(trx: Trx, row: ErrorIssueTable, reopen: boolean): Promise<ErrorIssueTable> {
  const isNewest = sql<boolean>`excluded.last_seen_at >= error_issue.last_seen_at`;
  const latest = (column: 'level' | 'release' | 'environment' | 'app') =>
    sql<string>`case when ${isNewest} then ${sql.ref(`excluded.${column}`)} else ${sql.ref(`error_issue.${column}`)} end`;
  return trx
    .insertInto('error_issue')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['workspace_id', 'fingerprint']).doUpdateSet({
        count: sql<number>`error_issue.count + excluded.count`,
        first_seen_at: sql<number>`case when excluded.first_seen_at < error_issue.first_seen_at
          then excluded.first_seen_at else error_issue.first_seen_at end`,
        last_seen_at: sql<number>`case when ${isNewest} then excluded.last_seen_at else error_issue.last_seen_at end`,
        level: latest('level'),
        release: latest('release'),
        environment: latest('environment'),
        app: latest('app'),
        kept_minute: row.kept_minute,
        kept_count: row.kept_count,
        ...(reopen && { status: 'open', resolved_at: null, resolved_release: null }),
      }),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function addIssueDay(
  trx: Trx,
  row: { issue_id: string; workspace_id: string; day: number; count: number },
): Promise<void> {
  await trx
    .insertInto('error_day')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['issue_id', 'day']).doUpdateSet({ count: sql<number>`error_day.count + excluded.count` }),
    )
    .execute();
}

export async function addFacets(trx: Trx, rows: readonly ErrorFacetTable[]): Promise<void> {
  if (rows.length === 0) return;
  await trx
    .insertInto('error_facet')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['issue_id', 'kind', 'value']).doUpdateSet({
        count: sql<number>`error_facet.count + excluded.count`,
        last_seen_at: sql<number>`excluded.last_seen_at`,
      }),
    )
    .execute();
}

/** Returns the releases, environments, apps and app IDs of an issue, most recently seen first. */
export async function listFacets(db: Queryable, workspaceId: string, issueId: string): Promise<ErrorFacetTable[]> {
  return db
    .selectFrom('error_facet')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('issue_id', '=', issueId)
    .orderBy('last_seen_at', 'desc')
    .orderBy('value')
    .execute();
}

/** Stores occurrences. Then deletes all but the newest `maxEvents` of the issue, but at most 1,000 per call. */
export async function insertErrorEvents(
  trx: Trx,
  workspaceId: string,
  issueId: string,
  rows: readonly ErrorEventTable[],
  maxEvents: number,
): Promise<void> {
  if (rows.length === 0) return;
  await trx.insertInto('error_event').values(rows).execute();
  // SQLite requires a limit before an offset.
  await sql`delete from error_event where workspace_id = ${workspaceId} and issue_id = ${issueId} and id in (
    select id from (select id from error_event where issue_id = ${issueId}
      order by received_at desc, id desc limit 1000 offset ${maxEvents}) as older)`.execute(trx);
}

/**
 * Deletes issues beyond `maxIssues`, all from the sender with the most issues, so that a flooding sender displaces only
 * its own issues. Issues that are open and not muted are deleted before others, then those with fewer occurrences, then
 * those seen less recently.
 */
export async function evictIssues(trx: Trx, workspaceId: string, maxIssues: number): Promise<void> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from error_issue
    where workspace_id = ${workspaceId}`.execute(trx);
  const excess = Number(rows[0]?.count ?? 0) - maxIssues;
  if (excess <= 0) return;
  await sql`delete from error_issue where workspace_id = ${workspaceId} and id in (
    select id from (select id from error_issue where workspace_id = ${workspaceId} and coalesce(sender, '') = (
        select coalesce(sender, '') from error_issue where workspace_id = ${workspaceId}
        group by coalesce(sender, '') order by count(*) desc, coalesce(sender, '') limit 1)
      order by case when status = 'open' and muted_at is null then 0 else 1 end, count, last_seen_at, id
      limit ${excess}) as evicted)`.execute(trx);
}

/**
 * Deletes the issues of every workspace that were last seen before `before` (epoch milliseconds). Not filtered by
 * workspace: used only by housekeeping.
 */
export async function deleteOldIssues(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('error_issue').where('last_seen_at', '<', before).execute();
}

export interface IssueFilter {
  readonly status?: string | undefined;
  readonly level?: string | undefined;
  readonly release?: string | undefined;
  readonly environment?: string | undefined;
  readonly app?: string | undefined;
  /** Only issues that a restricted credential may access; null for all. */
  readonly allowed?: AllowedResources | null;
  /** A substring of the title, in lower case. */
  readonly q?: string | undefined;
}
export type IssueSort = 'last_seen_at' | 'first_seen_at' | 'count';

/** Returns issues in descending sort order, up to one more than the limit. */
export async function listIssues(
  db: Queryable,
  workspaceId: string,
  filter: IssueFilter,
  sort: IssueSort,
  page: PageRequest,
): Promise<ErrorIssueTable[]> {
  let query = db.selectFrom('error_issue').selectAll().where('workspace_id', '=', workspaceId);
  if (filter.status === 'muted') query = query.where('muted_at', 'is not', null);
  else if (filter.status !== undefined) query = query.where('status', '=', filter.status).where('muted_at', 'is', null);
  const { allowed = null } = filter;
  if (allowed !== null) query = query.where(isAllowedIssue(workspaceId, allowed));
  if (filter.level !== undefined) query = query.where('level', '=', filter.level);
  for (const kind of ['release', 'environment', 'app'] as const) {
    const value = filter[kind];
    if (value === undefined) continue;
    query = query.where(
      sql<boolean>`exists (select 1 from error_facet where issue_id = error_issue.id and kind = ${kind} and value = ${value})`,
    );
  }
  if (filter.q !== undefined && filter.q !== '') {
    const pattern = `%${escapeLikePattern(filter.q)}%`;
    query = query.where(sql<boolean>`lower(title) like ${pattern} escape '\\'`);
  }
  if (page.after !== null) {
    query = query.where(sql<boolean>`(${sql.ref(sort)}, id) < (${page.after.value}, ${page.after.id})`);
  }
  return query
    .orderBy(sort, 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute();
}

export async function findIssue(db: Queryable, workspaceId: string, id: string): Promise<ErrorIssueTable | undefined> {
  return db
    .selectFrom('error_issue')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function setIssueStatus(
  trx: Trx,
  workspaceId: string,
  id: string,
  status: Pick<ErrorIssueTable, 'status' | 'resolved_at' | 'resolved_release' | 'muted_at'>,
): Promise<void> {
  await trx
    .updateTable('error_issue')
    .set(status)
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .execute();
}

/** Deletes an issue. The foreign keys of its occurrences and counts delete those too. */
export async function deleteIssue(trx: Trx, workspaceId: string, id: string): Promise<void> {
  await trx.deleteFrom('error_issue').where('workspace_id', '=', workspaceId).where('id', '=', id).execute();
}

/** Returns the number of occurrences of each of these issues per day since `fromDay`, oldest first. */
export async function countIssueDays(
  db: Queryable,
  workspaceId: string,
  issueIds: readonly string[],
  fromDay: number,
): Promise<{ issue_id: string; day: number; count: number }[]> {
  if (issueIds.length === 0) return [];
  return db
    .selectFrom('error_day')
    .select(['issue_id', 'day', 'count'])
    .where('workspace_id', '=', workspaceId)
    .where('issue_id', 'in', issueIds)
    .where('day', '>=', fromDay)
    .orderBy('day')
    .execute();
}

/** Returns the stored occurrences of an issue, newest first, up to one more than the limit. */
export async function listErrorEvents(
  db: Queryable,
  workspaceId: string,
  issueId: string,
  page: PageRequest,
): Promise<ErrorEventTable[]> {
  let query = db
    .selectFrom('error_event')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('issue_id', '=', issueId);
  if (page.after !== null) {
    query = query.where(sql<boolean>`(received_at, id) < (${page.after.value}, ${page.after.id})`);
  }
  return query
    .orderBy('received_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute();
}
