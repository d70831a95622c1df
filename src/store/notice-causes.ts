import { sql } from 'kysely';
import { DAY } from '../contract/limits.ts';
import type { CredentialKind } from '../contract/vocabulary.ts';
import { SORT_EXPRESSIONS, VIOLATES_POLICY } from './credential-filter.ts';
import type { Queryable } from './store.ts';

/** The properties of a credential that determine which notices it causes. */
export interface ScannedCredentialRow {
  readonly id: string;
  readonly kind: CredentialKind;
  readonly name: string;
  readonly active: number;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly last_used_at: number | null;
  readonly created_by: string | null;
  readonly policy_violations: number;
  /** 1 if it has a replacement. */
  readonly replaced: number;
  /** 1 if its creator is not a member of the workspace, or the creator's account was deleted. */
  readonly creator_left: number;
}

/** Selects only credentials that people created, because issued tokens expire on their own. */
function selectScannedCredentials(db: Queryable, workspaceId: string) {
  return db
    .selectFrom('credential')
    .select([
      'credential.id',
      sql<CredentialKind>`credential.kind`.as('kind'),
      'credential.name',
      'credential.active',
      'credential.created_at',
      'credential.expires_at',
      'credential.last_used_at',
      'credential.created_by',
      'credential.policy_violations',
      sql<number>`case when exists (select 1 from credential as replacement where replacement.replaces_id = credential.id)
        then 1 else 0 end`.as('replaced'),
      sql<number>`case when exists (select 1 from member where member.workspace_id = credential.workspace_id
        and member.person_id = credential.created_by) then 0 else 1 end`.as('creator_left'),
    ])
    .where('credential.workspace_id', '=', workspaceId)
    .where('credential.origin', '=', 'person');
}

export async function findScannedCredentials(
  db: Queryable,
  workspaceId: string,
  ids: readonly string[],
): Promise<ScannedCredentialRow[]> {
  return ids.length === 0 ? [] : selectScannedCredentials(db, workspaceId).where('credential.id', 'in', ids).execute();
}

/**
 * A reason for notices about credentials. The credentials that each type concerns are read in the order of an index.
 */
export type CauseType = 'expiry' | 'use' | 'policy' | 'creator';
export const CAUSE_TYPES: readonly CauseType[] = ['expiry', 'use', 'policy', 'creator'];

/** The expression whose index is read for each type. */
const SORTED_BY = {
  expiry: SORT_EXPRESSIONS.expiresAt,
  use: SORT_EXPRESSIONS.lastUsedAt,
  policy: SORT_EXPRESSIONS.createdAt,
  creator: SORT_EXPRESSIONS.createdAt,
} as const satisfies Readonly<Record<CauseType, unknown>>;

export interface CauseTimes {
  readonly now: number;
  /** A credential causes notices from this many days before its expiry to as many days after it. */
  readonly expiryDays: number;
  /** A credential that was last used before then causes a notice. */
  readonly unusedSince: number;
}

/**
 * Returns the next `limit` credentials that a type of cause concerns after a position, each with its own position. Only
 * the type `creator` uses `selection.creator`, the ID of a person or null for deleted accounts.
 */
export async function listScannedCredentials(
  db: Queryable,
  selection: { readonly workspaceId: string; readonly kind: CredentialKind; readonly creator: string | null },
  type: CauseType,
  { now, expiryDays, unusedSince }: CauseTimes,
  after: { readonly value: number; readonly id: string } | null,
  limit: number,
): Promise<(ScannedCredentialRow & { readonly value: number })[]> {
  const value = SORTED_BY[type];
  let query = selectScannedCredentials(db, selection.workspaceId).select(sql<number>`${value}`.as('value'));
  query = query.where('credential.kind', '=', selection.kind);
  if (type === 'expiry') {
    query = query.where(value, '>', now - expiryDays * DAY).where(value, '<=', now + expiryDays * DAY);
  }
  if (type === 'use') query = query.where(value, '<=', unusedSince);
  if (type === 'policy') query = query.where(VIOLATES_POLICY);
  if (type === 'creator') {
    query = query.where('credential.created_by', selection.creator === null ? 'is' : '=', selection.creator);
  }
  const read = (part: typeof query, size: number) => part.orderBy('credential.id').limit(size).execute();
  if (after === null) return read(query.orderBy(value), limit);
  // SQLite would read all entries before the position if both columns were compared in one condition.
  const sameValue = await read(query.where(value, '=', after.value).where('credential.id', '>', after.id), limit);
  if (sameValue.length === limit) return sameValue;
  const later = await read(query.where(value, '>', after.value).orderBy(value), limit - sameValue.length);
  return [...sameValue, ...later];
}

/**
 * Returns the IDs of the people who created credentials of a kind and are not members of the workspace. The list always
 * contains null, which stands for deleted accounts.
 */
export async function listCreatorsWhoLeft(
  db: Queryable,
  workspaceId: string,
  kind: CredentialKind,
): Promise<(string | null)[]> {
  // Skips from creator to creator, because reading the index entry of every credential would take too long.
  const { rows } = await sql<{ creator: string }>`with recursive creator (id) as (
      select min(created_by) from credential where workspace_id = ${workspaceId} and kind = ${kind}
      union all
      select (select min(created_by) from credential
        where workspace_id = ${workspaceId} and kind = ${kind} and created_by > creator.id)
      from creator where creator.id is not null
    )
    select creator.id as creator from creator where creator.id is not null and not exists (
      select 1 from member where member.workspace_id = ${workspaceId} and member.person_id = creator.id)`.execute(db);
  return [null, ...rows.map(({ creator }) => creator)];
}

/**
 * Returns the next workspaces in the order of their IDs, with the number of days after which a credential counts as
 * unused, or null for the default. Not filtered by workspace: used only by the scan that creates notices.
 */
export async function listScannedWorkspaces(
  db: Queryable,
  after: string,
  limit: number,
): Promise<{ id: string; unused_after_days: number | null }[]> {
  return db
    .selectFrom('workspace')
    .leftJoin('workspace_policy', 'workspace_policy.workspace_id', 'workspace.id')
    .select(['workspace.id', 'workspace_policy.unused_after_days'])
    .where('workspace.id', '>', after)
    .orderBy('workspace.id')
    .limit(limit)
    .execute();
}
