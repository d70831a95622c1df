import { type RawBuilder, sql } from 'kysely';
import { type CredentialKind, REVIEW_REASONS, type ReviewReason, SCOPES } from '../contract/vocabulary.ts';
import { VIOLATES_POLICY } from './credential-filter.ts';
import type { CredentialReviewTable } from './schema/credentials.ts';
import { type Queryable, type Trx, withRowLock } from './store.ts';

/** The times that determine which reasons apply to a credential; epoch milliseconds. */
export interface ReviewTimes {
  readonly now: number;
  /** A credential that was last used before this time counts as unused. */
  readonly unusedSince: number;
  /** A credential that was created before this time and has no uses counts as never used. */
  readonly neverUsedSince: number;
  /** The rights used since this time are compared with the rights that a credential has. */
  readonly usedSince: number;
  /** Whether the rights of uses have been counted since `usedSince`. */
  readonly knowsUsedRights: boolean;
  /** A credential that expires by this time is expiring. */
  readonly expiresBy: number;
}

const HOLDS_ALL = sql.raw(`credential.kind = 'access_token' and credential.rights like '%"all"%'`);
/**
 * Number of rights that a credential has, counted by the commas of the JSON array. `all` stands for every other scope.
 */
const HELD_RIGHTS = sql.raw(`case when credential.rights like '%"all"%' then ${SCOPES.length - 1}
  else length(credential.rights) - length(replace(credential.rights, ',', '')) + 1 end`);

/** Returns the SQL condition of each reason, for credentials that have not expired. */
function reasonConditions(times: ReviewTimes): Readonly<Record<Exclude<ReviewReason, 'expired'>, RawBuilder<unknown>>> {
  const { now, unusedSince, neverUsedSince, usedSince, knowsUsedRights, expiresBy } = times;
  return {
    unused: sql`credential.last_used_at <= ${unusedSince}`,
    never_used: sql`credential.last_used_at is null and credential.created_at <= ${neverUsedSince}`,
    never_expires: sql`credential.expires_at is null`,
    holds_all: HOLDS_ALL,
    broader_than_used: knowsUsedRights
      ? sql`credential.created_at <= ${usedSince} and credential.last_used_at > ${usedSince} and (
          select count(distinct used.name) from credential_right as used
          where used.credential_id = credential.id and used.workspace_id = credential.workspace_id
            and used.last_used_at > ${usedSince}
            and (credential.rights like '%"all"%' or credential.rights like '%"' || used.name || '"%')
        ) between 1 and (${HELD_RIGHTS}) - 1`
      : sql`1 = 0`,
    no_passphrase: sql`credential.kind = 'access_token' and credential.passphrase_hash is null`,
    creator_left: sql`not exists (select 1 from member
      where member.workspace_id = credential.workspace_id and member.person_id = credential.created_by)`,
    violates_policy: VIOLATES_POLICY,
    expiring: sql`credential.expires_at > ${now} and credential.expires_at <= ${expiresBy}`,
  };
}

/** Returns an SQL expression for the reasons to review a credential, as a bit mask. */
function reasonsExpression(times: ReviewTimes): RawBuilder<number> {
  const conditions = reasonConditions(times);
  const bits = REVIEW_REASONS.flatMap((reason, position) =>
    reason === 'expired' ? [] : [sql`case when ${conditions[reason]} then ${sql.lit(1 << position)} else 0 end`],
  );
  const expired = sql.lit(1 << REVIEW_REASONS.indexOf('expired'));
  return sql<number>`(case when credential.expires_at <= ${times.now} then ${expired} else ${sql.join(bits, sql` + `)} end)`;
}

/** Reasons to review a credential, as bits. */
export interface ReviewReasonsRow {
  readonly id: string;
  readonly created_at: number;
  readonly reasons: number;
  /** The reasons that applied when a person decided to keep the credential. */
  readonly kept_reasons: number;
}

/** Selects only credentials that people created, because issued tokens expire on their own. */
function selectReasons(db: Queryable, workspaceId: string, times: ReviewTimes) {
  return db
    .selectFrom('credential')
    .leftJoin('credential_review', (join) =>
      join
        .onRef('credential_review.credential_id', '=', 'credential.id')
        .onRef('credential_review.workspace_id', '=', 'credential.workspace_id')
        .on('credential_review.kept_until', '>', times.now),
    )
    .select(['credential.id', 'credential.created_at', reasonsExpression(times).as('reasons')])
    .select(({ fn, val }) => fn.coalesce('credential_review.reasons', val(0)).as('kept_reasons'))
    .where('credential.workspace_id', '=', workspaceId)
    .where('credential.origin', '=', 'person');
}

/**
 * Returns the reasons to review the next `limit` credentials of a kind after a position, oldest first, including
 * credentials without any reason.
 */
export async function readReviewReasons(
  db: Queryable,
  selection: { readonly workspaceId: string; readonly kind: CredentialKind; readonly createdBy: string | undefined },
  times: ReviewTimes,
  after: Pick<ReviewReasonsRow, 'created_at' | 'id'> | undefined,
  limit: number,
): Promise<ReviewReasonsRow[]> {
  let query = selectReasons(db, selection.workspaceId, times).where('credential.kind', '=', selection.kind);
  if (selection.createdBy !== undefined) query = query.where('credential.created_by', '=', selection.createdBy);
  if (after !== undefined) {
    query = query.where(sql<boolean>`(credential.created_at, credential.id) > (${after.created_at}, ${after.id})`);
  }
  return query.orderBy('credential.created_at').orderBy('credential.id').limit(limit).execute();
}

/**
 * Locks a credential until the transaction ends and returns the reasons to review it; undefined if it does not exist or
 * was not created by a person.
 */
export async function lockReviewedCredential(
  trx: Trx,
  workspaceId: string,
  id: string,
  times: ReviewTimes,
): Promise<(Pick<ReviewReasonsRow, 'id' | 'reasons'> & { name: string; kind: string }) | undefined> {
  const credentials = trx.selectFrom('credential').select('credential.id').where('workspace_id', '=', workspaceId);
  await withRowLock(trx, credentials.where('id', '=', id), 'credential').execute();
  return selectReasons(trx, workspaceId, times)
    .select(['credential.name', 'credential.kind'])
    .where('credential.id', '=', id)
    .executeTakeFirst();
}

/** Stores the decision to keep a credential, replacing an earlier decision. */
export async function saveReview(trx: Trx, row: CredentialReviewTable): Promise<void> {
  await trx
    .insertInto('credential_review')
    .values(row)
    .onConflict((conflict) => conflict.column('credential_id').doUpdateSet(row))
    .execute();
}

/** Returns the unexpired decisions to keep these credentials. */
export function findReviews(
  db: Queryable,
  workspaceId: string,
  ids: readonly string[],
  now: number,
): Promise<CredentialReviewTable[]> {
  const reviews = db.selectFrom('credential_review').selectAll().where('workspace_id', '=', workspaceId);
  return reviews.where('credential_id', 'in', ids).where('kept_until', '>', now).execute();
}

/** Returns the rights that credentials have used since `since` (epoch milliseconds), each once per credential. */
export function findUsedRights(
  db: Queryable,
  workspaceId: string,
  ids: readonly string[],
  since: number,
): Promise<{ credential_id: string; name: string }[]> {
  const used = db.selectFrom('credential_right').select(['credential_id', 'name']).distinct();
  return used
    .where('workspace_id', '=', workspaceId)
    .where('credential_id', 'in', ids)
    .where('last_used_at', '>', since)
    .execute();
}
