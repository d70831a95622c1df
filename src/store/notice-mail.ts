import { sql } from 'kysely';
import type { Role } from '../contract/vocabulary.ts';
import { readLeaseClock } from './jobs.ts';
import type { NoticeMailTable, NoticeTable } from './schema/notices.ts';
import { engineOf, type Queryable, type Trx } from './store.ts';

/** A member and how the member wants to be notified. */
export interface RecipientRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly workspace_name: string;
  readonly role: Role;
  readonly person_id: string;
  readonly name: string;
  readonly email: string;
  /** As in `MemberTable`. */
  readonly notifications: string | null;
}

function selectRecipients(db: Queryable) {
  return db
    .selectFrom('member')
    .innerJoin('person', 'person.id', 'member.person_id')
    .innerJoin('workspace', 'workspace.id', 'member.workspace_id')
    .select([
      'member.id',
      'member.workspace_id',
      'workspace.name as workspace_name',
      sql<Role>`member.role`.as('role'),
      'member.person_id',
      'person.name',
      'person.email',
      'member.notifications',
    ])
    .where('person.disabled', '=', 0);
}

/** Returns the owner and admins of a workspace, who can see notices, except disabled people. */
export async function listRecipients(db: Queryable, workspaceId: string): Promise<RecipientRow[]> {
  return selectRecipients(db)
    .where('member.workspace_id', '=', workspaceId)
    .where('member.role', '<>', 'member')
    .orderBy('member.id')
    .execute();
}

/** Returns a member by the ID of the membership. Not filtered by workspace: the caller has verified a signed ID. */
export async function findRecipient(db: Queryable, memberId: string): Promise<RecipientRow | undefined> {
  return selectRecipients(db).where('member.id', '=', memberId).executeTakeFirst();
}

export async function findRecipientByPerson(
  db: Queryable,
  workspaceId: string,
  personId: string,
): Promise<RecipientRow | undefined> {
  return selectRecipients(db)
    .where('member.workspace_id', '=', workspaceId)
    .where('member.person_id', '=', personId)
    .executeTakeFirst();
}

export async function setNotifications(
  trx: Trx,
  { workspace_id, id }: Pick<RecipientRow, 'workspace_id' | 'id'>,
  notifications: string,
): Promise<void> {
  await trx
    .updateTable('member')
    .set({ notifications })
    .where('workspace_id', '=', workspace_id)
    .where('id', '=', id)
    .execute();
}

/**
 * Selects the notices that have not been added to an immediate mail (`mailed_at`) or to a daily digest (`digested_at`)
 * yet. For a digest, only notices created before `before` are selected.
 */
export type UnsentFilter =
  | { readonly column: 'mailed_at' }
  | { readonly column: 'digested_at'; readonly before: number };

/** Returns the IDs of workspaces with unsent notices. Not filtered by workspace. */
export async function listWorkspacesWithUnsent(db: Queryable, unsent: UnsentFilter, limit: number): Promise<string[]> {
  let query = db.selectFrom('notice').select('workspace_id').distinct().where(unsent.column, 'is', null);
  if (unsent.column === 'digested_at') query = query.where('created_at', '<', unsent.before);
  return (await query.limit(limit).execute()).map(({ workspace_id: id }) => id);
}

/** Marks the unsent notices of a workspace as sent and returns them, oldest first. */
export async function takeUnsent(
  trx: Trx,
  workspaceId: string,
  unsent: UnsentFilter,
  now: number,
): Promise<NoticeTable[]> {
  let query = trx
    .updateTable('notice')
    .set({ [unsent.column]: now })
    .where('workspace_id', '=', workspaceId)
    .where(unsent.column, 'is', null);
  if (unsent.column === 'digested_at') query = query.where('created_at', '<', unsent.before);
  const rows = await query.returningAll().execute();
  return rows.sort((a, b) => a.created_at - b.created_at);
}

export async function findNoticesById(
  db: Queryable,
  workspaceId: string,
  ids: readonly string[],
): Promise<NoticeTable[]> {
  if (ids.length === 0) return [];
  const notices = db.selectFrom('notice').selectAll().where('workspace_id', '=', workspaceId);
  return notices.where('id', 'in', ids).orderBy('created_at').orderBy('id').execute();
}

export async function countMails(trx: Trx, workspaceId: string): Promise<number> {
  const { count } = await trx
    .selectFrom('notice_mail')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('workspace_id', '=', workspaceId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export async function insertMail(trx: Trx, row: NoticeMailTable): Promise<void> {
  await trx.insertInto('notice_mail').values(row).execute();
}

/**
 * Claims the next mail that is due and that no node is sending. Not filtered by workspace: nodes send for all of them.
 */
export async function claimMail(trx: Trx, now: number, leaseMs: number): Promise<NoticeMailTable | undefined> {
  const leaseNow = await readLeaseClock(trx, now);
  let query = trx
    .selectFrom('notice_mail')
    .selectAll()
    .where('next_attempt_at', '<=', now)
    .where(({ or, eb }) => or([eb('lease_until', 'is', null), eb('lease_until', '<', leaseNow)]))
    .orderBy('next_attempt_at')
    .limit(1);
  if (engineOf(trx) === 'postgres') query = query.forUpdate().skipLocked();
  const row = await query.executeTakeFirst();
  if (row !== undefined) await updateMail(trx, row, { lease_until: leaseNow + leaseMs });
  return row;
}

/** Returns whether `claimMail` would probably return a mail. Claims nothing. */
export async function hasDueMail(db: Queryable, now: number): Promise<boolean> {
  const row = await db.selectFrom('notice_mail').select('id').where('next_attempt_at', '<=', now).executeTakeFirst();
  return row !== undefined;
}

export async function updateMail(
  trx: Trx,
  { workspace_id, id }: Pick<NoticeMailTable, 'workspace_id' | 'id'>,
  fields: Partial<NoticeMailTable>,
): Promise<void> {
  await trx
    .updateTable('notice_mail')
    .set(fields)
    .where('workspace_id', '=', workspace_id)
    .where('id', '=', id)
    .execute();
}

export async function deleteMail(
  trx: Trx,
  { workspace_id, id }: Pick<NoticeMailTable, 'workspace_id' | 'id'>,
): Promise<void> {
  await trx.deleteFrom('notice_mail').where('workspace_id', '=', workspace_id).where('id', '=', id).execute();
}
