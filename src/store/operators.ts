import { type SqlBool, sql } from 'kysely';
import { escapeLikePattern } from './like-pattern.ts';
import type { PageRequest } from './paging.ts';
import { type Queryable, type Trx, withRowLock } from './store.ts';

/** What operators see about a person. */
export interface AccountRow {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly totp_enabled: number;
  readonly operator: number;
  readonly disabled: number;
  readonly created_at: number;
  readonly workspace_count: number;
  readonly last_used_at: number | null;
}

function selectAccounts(db: Queryable) {
  return db.selectFrom('person').select((select) => [
    'person.id',
    'person.name',
    'person.email',
    'person.totp_enabled',
    'person.operator',
    'person.disabled',
    'person.created_at',
    select
      .selectFrom('member')
      .select((count) => count.fn.countAll<number>().as('count'))
      .whereRef('member.person_id', '=', 'person.id')
      .as('workspace_count'),
    select
      .selectFrom('session')
      .select((last) => last.fn.max('session.last_used_at').as('last'))
      .whereRef('session.person_id', '=', 'person.id')
      .as('last_used_at'),
  ]);
}

/**
 * Returns a page of the people of the installation, oldest account first, up to one more than the limit; `q` is a
 * substring of a name or email address.
 */
export async function listAccounts(db: Queryable, q: string | undefined, page: PageRequest): Promise<AccountRow[]> {
  let query = selectAccounts(db);
  if (q !== undefined && q !== '') {
    const pattern = `%${escapeLikePattern(q.toLowerCase())}%`;
    query = query.where(
      sql<SqlBool>`(lower(person.name) like ${pattern} escape '\\' or person.email_key like ${pattern} escape '\\')`,
    );
  }
  if (page.after !== null) {
    query = query.where(sql<SqlBool>`(person.created_at, person.id) > (${page.after.value}, ${page.after.id})`);
  }
  const rows = await query
    .orderBy('person.created_at')
    .orderBy('person.id')
    .limit(page.limit + 1)
    .execute();
  return rows.map((row) => ({ ...row, workspace_count: Number(row.workspace_count) }));
}

export async function findAccount(db: Queryable, id: string): Promise<AccountRow | undefined> {
  const row = await selectAccounts(db).where('person.id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : { ...row, workspace_count: Number(row.workspace_count) };
}

/** Returns the IDs of all operators who are not disabled, and locks those rows until the transaction ends. */
export async function lockOperators(trx: Trx): Promise<string[]> {
  const query = trx.selectFrom('person').select('id').where('operator', '=', 1).where('disabled', '=', 0).orderBy('id');
  return (await withRowLock(trx, query, 'person').execute()).map(({ id }) => id);
}

/** Returns whether a person owns a workspace. Ownership cannot be transferred to them until the transaction ends. */
export async function ownsAnyWorkspace(trx: Trx, personId: string): Promise<boolean> {
  // Locks every membership, because a concurrent transaction may be changing another role to owner.
  const query = trx.selectFrom('member').select('role').where('person_id', '=', personId).orderBy('id');
  return (await withRowLock(trx, query, 'member').execute()).some(({ role }) => role === 'owner');
}

/**
 * Deletes a person, the invitations that the person sent and, by foreign keys, all other personal data. Does not delete
 * the resources and credentials that the person created in workspaces.
 */
export async function deletePerson(trx: Trx, id: string): Promise<void> {
  await trx.deleteFrom('invitation').where('created_by', '=', id).execute();
  await trx.deleteFrom('person').where('id', '=', id).execute();
}
