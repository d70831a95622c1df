import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';
import { DAY } from '../contract/limits.ts';
import { CREDENTIAL_RULES, type CredentialKind, type CredentialRule } from '../contract/vocabulary.ts';
import { NEVER_EXPIRES } from './credential-filter.ts';
import { isMultiFactorSession } from './identities.ts';
import type { WorkspacePolicyTable } from './schema/workspaces.ts';
import type { Schema } from './schema.ts';
import { engineOf, type Queryable, type Trx } from './store.ts';

/** Patterns of restrictions with a range larger than /7, which the rule `requireAddresses` refuses. */
const VAST_RANGE_PATTERNS = [0, 1, 2, 3, 4, 5, 6].map((prefixLength) => `%/${prefixLength}"%`);

export type PolicyRow = Omit<WorkspacePolicyTable, 'workspace_id'>;

/** Returns the policy of a workspace, or undefined if none was ever saved, in which case the defaults apply. */
export async function findPolicy(db: Queryable, workspaceId: string): Promise<PolicyRow | undefined> {
  return db.selectFrom('workspace_policy').selectAll().where('workspace_id', '=', workspaceId).executeTakeFirst();
}

/**
 * Returns, per workspace, the secret prefixes that it declares for imported credentials, as a JSON array. Omits
 * workspaces without any. Not filtered by workspace.
 */
export function listForeignPrefixes(db: Queryable): Promise<{ workspace_id: string; foreign_prefixes: string }[]> {
  const policies = db.selectFrom('workspace_policy').select(['workspace_id', 'foreign_prefixes']);
  return policies.where('foreign_prefixes', '<>', '[]').execute();
}

/**
 * Locks the policy of a workspace until the transaction ends and returns it. A `shared` lock blocks changes of the
 * policy; an `exclusive` lock also blocks transactions that depend on it. Locks the `workspace` row, because a policy
 * with the defaults may have no row; on SQLite, transactions exclude each other anyway. Call it before locking a
 * credential.
 */
export async function lockPolicy(
  trx: Trx,
  workspaceId: string,
  lock: 'shared' | 'exclusive',
): Promise<PolicyRow | undefined> {
  if (engineOf(trx) === 'postgres') {
    const workspace = trx.selectFrom('workspace').select('id').where('id', '=', workspaceId);
    await (lock === 'shared' ? workspace.forShare() : workspace.forNoKeyUpdate()).execute();
  }
  return findPolicy(trx, workspaceId);
}

export async function savePolicy(trx: Trx, workspaceId: string, row: PolicyRow): Promise<void> {
  await trx
    .insertInto('workspace_policy')
    .values({ ...row, workspace_id: workspaceId })
    .onConflict((conflict) => conflict.column('workspace_id').doUpdateSet(row))
    .execute();
}

/** The expiry that was chosen for a credential, as a number: `NEVER_EXPIRES` for never. */
const CHOSEN_EXPIRY = sql.raw<number>(
  `coalesce(credential.unbound_expires_at, credential.expires_at, ${NEVER_EXPIRES})`,
);

const hasRight = (right: string) => sql`credential.rights like ${`%"${right}"%`}`;

/** Returns the SQL condition under which a credential violates a rule, or null if the policy does not set the rule. */
function violationCondition(rule: CredentialRule, policy: PolicyRow): RawBuilder<unknown> | null {
  switch (rule) {
    case 'maxLifetimeDays':
      if (policy.max_lifetime_days === null) return null;
      return sql`${CHOSEN_EXPIRY} > credential.created_at + ${sql.lit(policy.max_lifetime_days * DAY)}`;
    case 'passphraseScopes': {
      const scopes = JSON.parse(policy.passphrase_scopes) as string[];
      if (scopes.length === 0) return null;
      const hasAnyScope = sql.join([...new Set([...scopes, 'all'])].map(hasRight), sql` or `);
      return sql`credential.kind = 'access_token' and credential.passphrase_hash is null and (${hasAnyScope})`;
    }
    case 'allowAll':
      return policy.allow_all === 1 ? null : sql`credential.kind = 'access_token' and ${hasRight('all')}`;
    case 'requireAddresses':
      if (policy.require_addresses === 0) return null;
      return sql`(credential.restrictions is null or credential.restrictions like ${'%"addresses":[]%'} or
        ${sql.join(
          VAST_RANGE_PATTERNS.map((pattern) => sql`credential.restrictions like ${pattern}`),
          sql` or `,
        )})`;
  }
}

/** Returns an SQL expression for the rules that a credential violates, as a bit mask. */
function violationsExpression(policy: PolicyRow): RawBuilder<number> {
  const bits = CREDENTIAL_RULES.flatMap((rule, position) => {
    const condition = violationCondition(rule, policy);
    return condition === null ? [] : [sql`case when ${condition} then ${sql.lit(1 << position)} else 0 end`];
  });
  return bits.length === 0 ? sql<number>`0` : sql<number>`(${sql.join(bits, sql` + `)})`;
}

/**
 * Returns an SQL expression for when a credential expires under a policy (epoch milliseconds): the earlier of the
 * chosen expiry and the policy's limit. The limit is the end of the maximum lifetime or `binds_existing_from`,
 * whichever is later. Existing credentials have no limit if the policy has no maximum or `binds_existing_from` is null.
 * With `keepsExpired`, a credential that has expired by `now` stays expired.
 */
function effectiveExpiry(policy: PolicyRow, keepsExpired: boolean, now: number): RawBuilder<number> {
  const { max_lifetime_days: days, binds_existing_from: bindsFrom } = policy;
  if (days === null || bindsFrom === null) return CHOSEN_EXPIRY;
  const lifetimeEnd = sql`credential.created_at + ${sql.lit(days * DAY)}`;
  const limit = sql`case when ${lifetimeEnd} > ${sql.lit(bindsFrom)} then ${lifetimeEnd} else ${sql.lit(bindsFrom)} end`;
  const currentExpiry = sql`coalesce(credential.expires_at, ${sql.lit(NEVER_EXPIRES)})`;
  const staysExpired = keepsExpired ? sql`when ${currentExpiry} <= ${sql.lit(now)} then ${currentExpiry}` : sql``;
  return sql<number>`(case ${staysExpired} when ${CHOSEN_EXPIRY} > (${limit}) then (${limit}) else ${CHOSEN_EXPIRY} end)`;
}

/**
 * Recalculates the expiry and the violations of all credentials of a workspace under a new policy. Returns whether any
 * expiry changed. With `keepsExpired`, credentials that have expired by `now` stay expired.
 */
export async function applyPolicy(
  trx: Trx,
  workspaceId: string,
  policy: PolicyRow,
  keepsExpired: boolean,
  now: number,
): Promise<boolean> {
  const expiry = effectiveExpiry(policy, keepsExpired, now);
  const violations = violationsExpression(policy);
  const expiryDiffers = sql<boolean>`${expiry} <> coalesce(credential.expires_at, ${sql.lit(NEVER_EXPIRES)})`;
  const changed = sql<boolean>`(${expiryDiffers} or ${violations} <> credential.policy_violations)`;
  const rows = trx.selectFrom('credential').select('id').where('workspace_id', '=', workspaceId).where(changed);
  const rowWithNewExpiry = await rows.where(expiryDiffers).limit(1).executeTakeFirst();
  // Locks the rows in a consistent order, so that this cannot deadlock with `addChunksToCredentials`.
  if (engineOf(trx) === 'postgres') await rows.orderBy('id').forUpdate().execute();
  await trx
    .updateTable('credential')
    .set({
      expires_at: sql`nullif(${expiry}, ${sql.lit(NEVER_EXPIRES)})`,
      unbound_expires_at: sql`nullif(${CHOSEN_EXPIRY}, ${expiry})`,
      policy_violations: violations,
    })
    .where('workspace_id', '=', workspaceId)
    .where(changed)
    .execute();
  return rowWithNewExpiry !== undefined;
}

/** A credential that would violate a policy. */
export interface ViolatingRow {
  readonly id: string;
  readonly kind: CredentialKind;
  readonly name: string;
  readonly violations: number;
  /** When it would expire, in epoch milliseconds; `NEVER_EXPIRES` for never. */
  readonly expiry: number;
}

/** Returns the number of rows of a query, or null if there are more than `max`. */
async function countUnlessAbove<Table extends keyof Schema>(
  db: Queryable,
  query: SelectQueryBuilder<Schema, Table, { id: string }>,
  max: number,
): Promise<number | null> {
  const { count } = await db
    .selectFrom(query.limit(max + 1).as('counted'))
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count > max ? null : count;
}

/**
 * Returns up to `limit` credentials that would violate a policy and would still be unexpired under it, and the total
 * number of such credentials (null above `max`).
 */
export async function listViolating(
  db: Queryable,
  workspaceId: string,
  policy: PolicyRow,
  keepsExpired: boolean,
  now: number,
  limit: number,
  max: number,
): Promise<{ rows: ViolatingRow[]; total: number | null }> {
  const violations = violationsExpression(policy);
  const expiry = effectiveExpiry(policy, keepsExpired, now);
  const violating = db
    .selectFrom('credential')
    .where('workspace_id', '=', workspaceId)
    .where(sql<boolean>`${violations} <> 0`)
    .where(sql<boolean>`${expiry} > ${now}`);
  const rows = await violating
    .select(['id', 'kind', 'name', violations.as('violations'), expiry.as('expiry')])
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit)
    .execute();
  const total = await countUnlessAbove(db, violating.select('id'), max);
  return { rows: rows as ViolatingRow[], total };
}

/** Returns up to `limit` members without two-factor authentication, and their total number (null above `max`). */
export async function listMembersWithoutTwoFactor(
  db: Queryable,
  workspaceId: string,
  limit: number,
  max: number,
): Promise<{ rows: { id: string; name: string; email: string }[]; total: number | null }> {
  const members = db
    .selectFrom('member')
    .innerJoin('person', 'person.id', 'member.person_id')
    .where('member.workspace_id', '=', workspaceId)
    .where('person.totp_enabled', '=', 0);
  const rows = await members
    .select(['member.id', 'person.name', 'person.email'])
    .orderBy('member.created_at')
    .orderBy('member.id')
    .limit(limit)
    .execute();
  return { rows, total: await countUnlessAbove(db, members.select('member.id'), max) };
}

/** Returns whether a person has turned on two-factor authentication. */
export async function hasTwoFactor(db: Queryable, personId: string): Promise<boolean> {
  const row = await db.selectFrom('person').select('totp_enabled').where('id', '=', personId).executeTakeFirst();
  return row?.totp_enabled === 1;
}

/**
 * Returns whether a workspace requires two-factor authentication, a person has not turned it on, and the session was
 * not started with multiple factors at the identity provider (single sign-on).
 */
export async function needsSecondFactor(
  db: Queryable,
  workspaceId: string,
  { personId, sessionId }: { readonly personId: string; readonly sessionId: string },
): Promise<boolean> {
  if ((await findPolicy(db, workspaceId))?.require_two_factor !== 1) return false;
  return !(await hasTwoFactor(db, personId)) && !(await isMultiFactorSession(db, sessionId));
}
