import { type ExpressionBuilder, sql } from 'kysely';
import type { NoticeKind, NoticeStatus } from '../contract/event-names.ts';
import { newestFirst, type PageRequest } from './paging.ts';
import type { NoticeTable } from './schema/notices.ts';
import type { Schema } from './schema.ts';
import type { Queryable, Trx } from './store.ts';

const selectNotices = (db: Queryable, workspaceId: string) =>
  db.selectFrom('notice').where('notice.workspace_id', '=', workspaceId);

export async function findNoticeBySubject(
  trx: Trx,
  workspaceId: string,
  subjectId: string,
  kind: NoticeKind,
): Promise<NoticeTable | undefined> {
  return selectNotices(trx, workspaceId)
    .selectAll()
    .where('subject_id', '=', subjectId)
    .where('kind', '=', kind)
    .executeTakeFirst();
}

export async function findNotice(db: Queryable, workspaceId: string, id: string): Promise<NoticeTable | undefined> {
  return selectNotices(db, workspaceId).selectAll().where('id', '=', id).executeTakeFirst();
}

/** Inserts a notice, replacing an earlier notice of the same kind about the same subject. */
export async function replaceNotice(trx: Trx, row: NoticeTable): Promise<void> {
  await trx
    .deleteFrom('notice')
    .where('workspace_id', '=', row.workspace_id)
    .where('subject_id', '=', row.subject_id)
    .where('kind', '=', row.kind)
    .execute();
  await trx.insertInto('notice').values(row).execute();
}

/**
 * Deletes the notices of these kinds about a subject, or all notices about it, because their cause no longer exists.
 * Call this after recording the change in the activity log, which locks the log.
 */
export async function resolveNotices(
  trx: Trx,
  workspaceId: string,
  subjectId: string,
  kinds?: readonly NoticeKind[],
): Promise<void> {
  let query = trx.deleteFrom('notice').where('workspace_id', '=', workspaceId).where('subject_id', '=', subjectId);
  if (kinds !== undefined) query = query.where('kind', 'in', kinds);
  await query.execute();
}

export async function updateNotice(
  trx: Trx,
  { workspace_id, id }: Pick<NoticeTable, 'workspace_id' | 'id'>,
  fields: Partial<NoticeTable>,
): Promise<void> {
  await trx.updateTable('notice').set(fields).where('workspace_id', '=', workspace_id).where('id', '=', id).execute();
}

/**
 * In a full workspace, notices with the highest rank are deleted first. Notices about expiry always have rank 0,
 * because the scan would create a deleted one again. For the same reason, the rank of other notices that the scan
 * creates does not depend on whether they are dismissed.
 */
const EVICTION_RANK = sql<number>`case
  when kind in ('credential.expiring', 'credential.expired') then 0
  when kind in ('credential.unused', 'credential.violates_policy', 'credential.orphaned') then 1
  when subject_kind = 'error_issue' then 2
  when dismissed_at is not null then 3
  else 0 end`;

/**
 * Deletes notices beyond `limit`: first dismissed notices about events, then notices about errors (which anyone who can
 * report errors can cause), then notices about lasting states (which the review also shows), then all others. Within
 * each group, the oldest are deleted first.
 */
export async function evictNotices(trx: Trx, workspaceId: string, limit: number): Promise<void> {
  const excess = selectNotices(trx, workspaceId)
    .select('id')
    .orderBy(EVICTION_RANK)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    // SQLite requires a limit before an offset.
    .limit(limit)
    .offset(limit);
  await trx
    .deleteFrom('notice')
    .where('workspace_id', '=', workspaceId)
    .where('id', 'in', (select) => select.selectFrom(excess.as('excess')).select('excess.id'))
    .execute();
}

export interface NoticeFilter {
  readonly status?: NoticeStatus | undefined;
  readonly kind?: NoticeKind | undefined;
  /** Epoch milliseconds; decides which notices are snoozed. */
  readonly now: number;
}

function matches({ status, kind, now }: NoticeFilter) {
  return ({ and, or, eb }: ExpressionBuilder<Schema, 'notice'>) => {
    const isSnoozeOver = eb('snoozed_until', '<=', now);
    const conditions = [
      ...(kind === undefined ? [] : [eb('kind', '=', kind)]),
      ...(status === 'open' ? [or([eb('dismissed_at', 'is', null), isSnoozeOver])] : []),
      ...(status === 'snoozed' ? [eb('snoozed_until', '>', now)] : []),
      ...(status === 'dismissed' ? [eb('dismissed_at', 'is not', null), eb('snoozed_until', 'is', null)] : []),
    ];
    return and(conditions);
  };
}

/** Returns a page of notices, newest first, up to one more than the limit. */
export async function listNotices(
  db: Queryable,
  workspaceId: string,
  filter: NoticeFilter,
  page: PageRequest,
): Promise<NoticeTable[]> {
  const query = selectNotices(db, workspaceId).selectAll().where(matches(filter));
  return newestFirst(query, page).execute();
}

export async function countNotices(db: Queryable, workspaceId: string, filter: NoticeFilter): Promise<number> {
  const { count } = await selectNotices(db, workspaceId)
    .where(matches(filter))
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Counts the notices that are not deleted to make room for a notice about expiry (rank 0 in `EVICTION_RANK`). */
export async function countNoticesEvictedLast(db: Queryable, workspaceId: string): Promise<number> {
  const { count } = await selectNotices(db, workspaceId)
    .where(EVICTION_RANK, '=', 0)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Returns the addresses that credentials were last used from, newest first, at most `limit` per credential. */
export async function findLatestAddresses(
  db: Queryable,
  workspaceId: string,
  ids: readonly string[],
  limit: number,
): Promise<{ credential_id: string; address: string; last_seen_at: number }[]> {
  if (ids.length === 0) return [];
  const ranked = db
    .selectFrom('credential_address')
    .select(['credential_id', 'address', 'last_seen_at'])
    .select(sql<number>`row_number() over (partition by credential_id order by last_seen_at desc)`.as('rank'))
    .where('workspace_id', '=', workspaceId)
    .where('credential_id', 'in', ids);
  return db
    .selectFrom(ranked.as('ranked'))
    .select(['credential_id', 'address', 'last_seen_at'])
    .where('rank', '<=', limit)
    .orderBy('last_seen_at', 'desc')
    .execute();
}

export type ScannedNotice = Pick<NoticeTable, 'subject_id' | 'kind' | 'occurrence'>;

/** Returns all notices of these kinds in a workspace. */
export async function listScannedNotices(
  db: Queryable,
  workspaceId: string,
  kinds: readonly NoticeKind[],
): Promise<ScannedNotice[]> {
  return selectNotices(db, workspaceId)
    .select(['subject_id', 'kind', 'occurrence'])
    .where('kind', 'in', kinds)
    .execute();
}

/** Deletes the notices about issues that no longer exist. Not filtered by workspace. */
export async function deleteNoticesOfDeletedIssues(trx: Trx): Promise<void> {
  await trx
    .deleteFrom('notice')
    .where('subject_kind', '=', 'error_issue')
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('error_issue').select('id').whereRef('error_issue.id', '=', 'notice.subject_id'))),
    )
    .execute();
}
