import { checkIfMatch, etagOf } from '../audit/if-match.ts';
import { type RequestContext, recordAuditEvent } from '../audit/request-context.ts';
import type { DeclaredPrefix } from '../authorization/foreign-prefixes.ts';
import type { Revocation, RevocationReceipt } from '../authorization/registry.ts';
import { toIsoString, toIsoStringOrNull } from '../contract/instant.ts';
import { DAY, LIMITS, POLICY_LIMITS } from '../contract/limits.ts';
import { DEFAULT_POLICY, type Policy, type PolicyDryRun, type UpdatePolicy } from '../contract/policy.ts';
import { type PolicySubject, type PolicyViolation, violationsOf } from '../contract/policy-rules.ts';
import { type FieldError, invalidField, Problem } from '../contract/problem.ts';
import { CREDENTIAL_RULES, type Scope } from '../contract/vocabulary.ts';
import { NEVER_EXPIRES } from '../store/credential-filter.ts';
import { insertRevocation } from '../store/credentials.ts';
import { hasMultiFactorSession } from '../store/identities.ts';
import { findRole } from '../store/person-access.ts';
import {
  applyPolicy,
  findPolicy,
  hasTwoFactor,
  listForeignPrefixes,
  listMembersWithoutTwoFactor,
  listViolating,
  lockPolicy,
  type PolicyRow,
  savePolicy,
} from '../store/policy.ts';
import type { Queryable, Trx } from '../store/store.ts';
import type { CredentialContext } from './credentials.ts';

function serializePolicy(row: PolicyRow | undefined): Policy {
  if (row === undefined) return DEFAULT_POLICY;
  return {
    maxLifetimeDays: row.max_lifetime_days,
    bindsExistingFrom: toIsoStringOrNull(row.binds_existing_from),
    passphraseScopes: JSON.parse(row.passphrase_scopes) as Scope[],
    allowAll: row.allow_all === 1,
    requireAddresses: row.require_addresses === 1,
    requireTwoFactor: row.require_two_factor === 1,
    createdBy: row.created_by as Policy['createdBy'],
    unusedAfterDays: row.unused_after_days,
    onLeak: row.on_leak as Policy['onLeak'],
    foreignPrefixes: JSON.parse(row.foreign_prefixes) as string[],
  };
}

function toRow(policy: Policy): PolicyRow {
  return {
    max_lifetime_days: policy.maxLifetimeDays,
    binds_existing_from: policy.bindsExistingFrom === null ? null : Date.parse(policy.bindsExistingFrom),
    passphrase_scopes: JSON.stringify(policy.passphraseScopes),
    allow_all: policy.allowAll ? 1 : 0,
    require_addresses: policy.requireAddresses ? 1 : 0,
    require_two_factor: policy.requireTwoFactor ? 1 : 0,
    created_by: policy.createdBy,
    unused_after_days: policy.unusedAfterDays,
    on_leak: policy.onLeak,
    foreign_prefixes: JSON.stringify(policy.foreignPrefixes),
  };
}

/** Returns the policy of a workspace, or the default policy if it was never changed. */
export async function getPolicy(context: CredentialContext, workspaceId: string): Promise<Policy> {
  return serializePolicy(await findPolicy(context.store.read, workspaceId));
}

/** Returns the prefixes that workspaces declare for the secrets of other systems. */
export async function readForeignPrefixes(db: Queryable): Promise<DeclaredPrefix[]> {
  const rows = await listForeignPrefixes(db);
  return rows.flatMap(({ workspace_id: workspaceId, foreign_prefixes: prefixes }) =>
    (JSON.parse(prefixes) as string[]).map((prefix) => ({ workspaceId, prefix })),
  );
}

export const etagOfPolicy = (policy: Policy): string => etagOf(policy);

/** Returns the violated rules as they are stored: one bit per rule. Pure. */
export function violationBits(violations: readonly PolicyViolation[]): number {
  return violations.reduce((bits, { rule }) => bits | (1 << CREDENTIAL_RULES.indexOf(rule)), 0);
}

function policyProblem(errors: readonly FieldError[]): Problem {
  const detail = errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new Problem('validation_failed', detail, {
    errors: errors.map(({ field, message }) => ({ field, message })),
  });
}

/**
 * Refuses a new credential that violates the policy, which stays locked until the transaction ends. Throws
 * `validation_failed` with one error per rule.
 */
export async function checkNewCredential(trx: Trx, request: RequestContext, subject: PolicySubject): Promise<void> {
  const policy = await lockCurrentPolicy(trx, request.workspaceId);
  const errors = [...(await creatorErrors(trx, request, policy)), ...violationsOf(policy, subject)];
  if (errors.length > 0) throw policyProblem(errors);
}

/** Returns an error if the policy does not allow the actor to create credentials. */
async function creatorErrors(trx: Trx, request: RequestContext, { createdBy }: Policy): Promise<FieldError[]> {
  const { workspaceId, actor } = request;
  if (createdBy !== 'owner' || (await findRole(trx, workspaceId, actor.id ?? '')) === 'owner') return [];
  const message = 'only the owner of the workspace can create credentials (policy rule createdBy)';
  return [{ field: 'createdBy', message }];
}

/** Fields of an API key that can extend its access, and their names in a request. */
const WIDENING_FIELDS: Readonly<Record<string, string>> = {
  rights: 'permissions',
  expiresAt: 'expiresAt',
  guard: 'guard',
  restrictions: 'restrictions',
};

/**
 * Refuses an edit that could extend the access of a credential, if the policy allows only the owner to create
 * credentials. Throws `validation_failed` with one error per field.
 */
export async function checkEditor(
  trx: Trx,
  request: RequestContext,
  policy: Policy,
  changes: Readonly<Record<string, unknown>>,
): Promise<void> {
  const fields = Object.keys(changes).flatMap((field) => WIDENING_FIELDS[field] ?? []);
  if (changes['active'] === true) fields.push('active');
  if (fields.length === 0 || (await creatorErrors(trx, request, policy)).length === 0) return;
  const message = 'can be changed only by the owner of the workspace (policy rule createdBy)';
  throw policyProblem(fields.map((field) => ({ field, message })));
}

/**
 * Returns a function that checks one credential of an import and throws `validation_failed` like `checkNewCredential`.
 * The policy stays locked until the transaction ends.
 */
export async function lockPolicyForImport(
  trx: Trx,
  request: RequestContext,
): Promise<(subject: PolicySubject) => void> {
  const policy = await lockCurrentPolicy(trx, request.workspaceId);
  const errors = await creatorErrors(trx, request, policy);
  if (errors.length > 0) throw policyProblem(errors);
  return (subject) => {
    const violations = violationsOf(policy, subject);
    if (violations.length > 0) throw policyProblem(violations);
  };
}

/**
 * Refuses an edit that makes one of the changed fields violate the policy. Returns the violations of the edited
 * credential, which can be in unchanged fields. Throws `validation_failed` with one error per rule.
 */
export function checkEditedCredential(
  policy: Policy,
  subject: PolicySubject,
  changedFields: readonly string[],
): PolicyViolation[] {
  const violations = violationsOf(policy, subject);
  const refused = violations.filter(({ field }) => changedFields.includes(field.split('.')[0] ?? ''));
  if (refused.length > 0) throw policyProblem(refused);
  return violations;
}

/** Returns the policy, locked until the transaction ends. Call it before locking a credential. */
export async function lockCurrentPolicy(trx: Trx, workspaceId: string): Promise<Policy> {
  return serializePolicy(await lockPolicy(trx, workspaceId, 'shared'));
}

/** Throws `validation_failed` if the maximum lifetime would apply to existing credentials without enough notice. */
function checkBindsExistingFrom(before: Policy, after: Policy, now: number): void {
  const { maxLifetimeDays, bindsExistingFrom } = after;
  if (bindsExistingFrom === null) return;
  if (maxLifetimeDays === null) throw invalidField('bindsExistingFrom', 'must be null if maxLifetimeDays is null');
  const isShorter = before.maxLifetimeDays === null || maxLifetimeDays < before.maxLifetimeDays;
  if (bindsExistingFrom === before.bindsExistingFrom && !isShorter) return;
  const { noticeDays } = POLICY_LIMITS;
  if (Date.parse(bindsExistingFrom) >= now + noticeDays * DAY) return;
  const reason = bindsExistingFrom === before.bindsExistingFrom ? ', because the maximum lifetime becomes shorter' : '';
  throw invalidField('bindsExistingFrom', `must be at least ${noticeDays} days ahead${reason}`);
}

/** Returns the changed policy without storing it. Throws `validation_failed` for a change that is not allowed. */
async function toChangedPolicy(
  db: Queryable,
  request: RequestContext,
  before: Policy,
  input: UpdatePolicy,
  now: number,
): Promise<Policy> {
  const changed = Object.entries(input).filter(([, value]) => value !== undefined);
  const after: Policy = { ...before, ...(Object.fromEntries(changed) as Partial<Policy>) };
  checkBindsExistingFrom(before, after, now);
  if (after.requireTwoFactor && !before.requireTwoFactor) {
    const actorId = request.actor.id ?? '';
    if (!(await hasTwoFactor(db, actorId)) && !(await hasMultiFactorSession(db, actorId))) {
      throw invalidField(
        'requireTwoFactor',
        'cannot be true until you have turned on two-factor authentication for your own account',
      );
    }
  }
  return after;
}

/**
 * Returns whether credentials that expired because of the maximum lifetime stay expired under a new policy. They do
 * unless the maximum becomes longer or no longer applies to existing credentials. Pure.
 */
function keepsExpired(before: Policy, after: Policy): boolean {
  if (before.bindsExistingFrom === null || after.bindsExistingFrom === null) return false;
  return (after.maxLifetimeDays ?? Number.POSITIVE_INFINITY) <= (before.maxLifetimeDays ?? 0);
}

/**
 * Changes the policy of a workspace. When this resolves, every node uses the resulting expiries; `receipt` is null if
 * no expiry changed. Throws `conflict` if `If-Match` names another version, `validation_failed`, and `unavailable` if
 * the change was saved but not confirmed by every node in time.
 */
export async function updatePolicy(
  context: CredentialContext,
  request: RequestContext,
  input: UpdatePolicy,
): Promise<{ policy: Policy; receipt: RevocationReceipt | null }> {
  const now = context.clock();
  const { workspaceId } = request;
  const { policy, revocation } = await context.store.transaction(async (trx) => {
    const before = serializePolicy(await lockPolicy(trx, workspaceId, 'exclusive'));
    checkIfMatch(request.ifMatch, before);
    const after = await toChangedPolicy(trx, request, before, input, now);
    const fields = (Object.keys(after) as (keyof Policy)[]).filter(
      (field) => JSON.stringify(after[field]) !== JSON.stringify(before[field]),
    );
    if (fields.length === 0) return { policy: before, revocation: null };
    const row = toRow(after);
    await savePolicy(trx, workspaceId, row);
    const expiriesChanged = await applyPolicy(trx, workspaceId, row, keepsExpired(before, after), now);
    const pick = (version: Policy) => Object.fromEntries(fields.map((field) => [field, version[field]]));
    const target = { kind: 'workspace', id: workspaceId, name: null } as const;
    await recordAuditEvent(trx, request, 'policy.updated', target, now, { before: pick(before), after: pick(after) });
    if (!expiriesChanged) return { policy: after, revocation: null };
    const storedRevocation = await insertRevocation(trx, workspaceId, null, now);
    return { policy: after, revocation: { ...storedRevocation, workspaceId, digest: null } satisfies Revocation };
  });
  if (input.foreignPrefixes !== undefined) await context.refreshForeignPrefixes();
  if (revocation !== null) return { policy, receipt: await context.waitForConfirmation(revocation) };
  // Another request may have made the same change, which must be in effect on every node before this returns.
  await context.waitForAllConfirmations(workspaceId);
  return { policy, receipt: null };
}

/**
 * Returns the credentials and members that would violate the policy after a change, oldest first. Changes nothing.
 * Throws `conflict` if `If-Match` names another version, and `validation_failed`.
 */
export async function getViolations(
  context: CredentialContext,
  request: RequestContext,
  input: UpdatePolicy,
  limit: number,
): Promise<PolicyDryRun> {
  const now = context.clock();
  const { workspaceId } = request;
  const { read } = context.store;
  const before = serializePolicy(await findPolicy(read, workspaceId));
  checkIfMatch(request.ifMatch, before);
  const policy = await toChangedPolicy(read, request, before, input, now);
  const staysExpired = keepsExpired(before, policy);
  const maxTotal = LIMITS.countedTotal;
  const credentials = await listViolating(read, workspaceId, toRow(policy), staysExpired, now, limit, maxTotal);
  const members = policy.requireTwoFactor
    ? await listMembersWithoutTwoFactor(read, workspaceId, limit, maxTotal)
    : { rows: [], total: 0 };
  return {
    dryRun: true,
    policy,
    credentials: {
      data: credentials.rows.map(({ id, kind, name, violations, expiry }) => ({
        id,
        kind,
        name,
        rules: CREDENTIAL_RULES.filter((_, position) => (violations & (1 << position)) !== 0),
        expiresAt: expiry === NEVER_EXPIRES ? null : toIsoString(expiry),
      })),
      total: credentials.total,
    },
    members: {
      data: members.rows.map((member) => ({ ...member, rules: ['requireTwoFactor' as const] })),
      total: members.total,
    },
  };
}
