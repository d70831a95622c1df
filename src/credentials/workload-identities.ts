import { checkIfMatch, etagOf } from '../audit/if-match.ts';
import { type RequestContext, recordAuditEvent } from '../audit/request-context.ts';
import type { Revocation, RevocationReceipt } from '../authorization/registry.ts';
import type { ClaimConditions } from '../contract/claim-patterns.ts';
import { createId } from '../contract/id.ts';
import { SECOND } from '../contract/limits.ts';
import { invalidField } from '../contract/problem.ts';
import { WORKLOAD_LIMITS } from '../contract/token-exchange-limits.ts';
import type {
  CreateWorkloadIdentity,
  UpdateWorkloadIdentity,
  WorkloadIdentity,
} from '../contract/workload-identities.ts';
import { identificationProblem } from '../contract/workload-issuers.ts';
import { insertRevocation } from '../store/credentials.ts';
import { claimOrRefuseReplay } from '../store/idempotency.ts';
import { deleteIssuedForWorkload } from '../store/issued-tokens.ts';
import type { WorkloadIdentityTable } from '../store/schema/workloads.ts';
import type { Trx } from '../store/store.ts';
import { insertTombstonesOfIssued } from '../store/tombstones.ts';
import {
  countWorkloadIdentities,
  deleteWorkloadIdentity as deleteRow,
  insertWorkloadIdentity,
  lockWorkloadIdentity,
  updateWorkloadIdentity as updateRow,
} from '../store/workload-identities.ts';
import { checkNewCredential } from './policy.ts';
import { parseRestrictions, resolveRestrictions, toRestrictionColumns } from './restrictions.ts';
import type { WorkloadContext } from './workload-context.ts';
import {
  requireIdentity,
  scopesOf,
  serializeIdentity,
  workloadIdentityNotFound,
  workloadPartyOf,
} from './workload-identity-reads.ts';

/** Returns the fields from which the entity tag is computed: all but the timestamps. */
function editableFieldsOf({ lastExchangedAt: _, createdAt, updatedAt, ...fields }: WorkloadIdentity) {
  return fields;
}
export const etagOfWorkloadIdentity = (identity: WorkloadIdentity): string => etagOf(editableFieldsOf(identity));
const auditFieldsOf = ({ id: _, ...fields }: ReturnType<typeof editableFieldsOf>) => fields;

/** Refuses conditions that do not identify a single workload, and URLs that `DEVPILOT_OUTBOUND` excludes. */
function checkTrustworthy(
  { outbound }: WorkloadContext,
  { issuer, jwks_url: jwksUrl, conditions }: Pick<WorkloadIdentityTable, 'issuer' | 'jwks_url' | 'conditions'>,
): void {
  for (const [field, url] of [['issuer', issuer] as const, ['jwksUrl', jwksUrl] as const]) {
    // If the URL of the keys is given, the issuer is never contacted.
    if (url === null || (field === 'issuer' && jwksUrl !== null)) continue;
    const refusal = outbound.refusalOf(url);
    if (refusal !== null) throw invalidField(field, refusal);
  }
  const problem = identificationProblem(issuer, JSON.parse(conditions) as ClaimConditions);
  if (problem !== null) throw invalidField('conditions', problem);
}

/** Refuses an identity if the policy does not allow its tokens, or does not allow the actor to create tokens. */
async function checkPolicy(trx: Trx, request: RequestContext, row: WorkloadIdentityTable, now: number): Promise<void> {
  await checkNewCredential(trx, request, policySubjectOf(row, now));
}

/** Returns the properties of the identity's tokens that policies check. */
export function policySubjectOf(row: WorkloadIdentityTable, now: number) {
  return {
    kind: 'access_token',
    rights: scopesOf(row),
    hasPassphrase: false,
    createdAt: now,
    expiresAt: now + row.lifetime_seconds * SECOND,
    addresses: parseRestrictions(row).addresses,
  } as const;
}

/**
 * Creates a workload identity. `defaultAudience` is used if the input has no audience. Throws `validation_failed` for
 * conditions that do not identify a single workload, for unknown projects or apps, for URLs that `DEVPILOT_OUTBOUND`
 * excludes, if the policy does not allow the tokens, and if the workspace has the maximum number of identities;
 * `idempotent_replay` for a repeated request.
 */
export function createWorkloadIdentity(
  context: WorkloadContext,
  request: RequestContext,
  input: CreateWorkloadIdentity,
  defaultAudience: string,
): Promise<WorkloadIdentity> {
  const { workspaceId } = request;
  const now = context.clock();
  const id = createId('workload_identity', now);
  const fields = {
    id,
    workspace_id: workspaceId,
    name: input.name,
    issuer: input.issuer,
    jwks_url: input.jwksUrl ?? null,
    audience: input.audience ?? defaultAudience,
    conditions: JSON.stringify(input.conditions),
    scopes: JSON.stringify(input.scopes),
    lifetime_seconds: input.lifetimeSeconds ?? WORKLOAD_LIMITS.lifetimeSeconds.default,
    created_at: now,
    updated_at: now,
    last_exchanged_at: null,
  };
  checkTrustworthy(context, fields);
  return context.store.transaction(async (trx) => {
    await claimOrRefuseReplay(trx, request.idempotencyClaim, id, now);
    const restrictions = await resolveRestrictions(trx, workspaceId, input.restrictions);
    const row = { ...fields, ...toRestrictionColumns(restrictions) };
    await checkPolicy(trx, request, row, now);
    const serialized = serializeIdentity(row);
    const after = auditFieldsOf(editableFieldsOf(serialized));
    // Locks the head of the log, so that no other identity is created between the count and the insert.
    await recordAuditEvent(trx, request, 'workload_identity.created', workloadPartyOf(row), now, { after });
    if ((await countWorkloadIdentities(trx, workspaceId)) >= WORKLOAD_LIMITS.perWorkspace) {
      const max = WORKLOAD_LIMITS.perWorkspace;
      throw invalidField('name', `the workspace already has ${max} workload identities, the maximum`);
    }
    await insertWorkloadIdentity(trx, row);
    return serialized;
  });
}

/**
 * Fields that determine who gets a token and what it may do. A change to any of them revokes the tokens issued earlier.
 */
const DECISIVE_FIELDS = ['issuer', 'jwksUrl', 'audience', 'conditions', 'scopes', 'restrictions'] as const;

/**
 * Deletes all tokens issued for an identity. Returns their number, and one revocation that makes nodes drop all cached
 * records of the workspace; it is null if there were no tokens.
 */
async function deleteIssued(trx: Trx, workspaceId: string, id: string, now: number) {
  await insertTombstonesOfIssued(trx, workspaceId, id, now);
  const deletedCount = await deleteIssuedForWorkload(trx, workspaceId, id);
  if (deletedCount === 0) return { deletedCount, revocation: null };
  const storedRevocation = await insertRevocation(trx, workspaceId, null, now);
  return { deletedCount, revocation: { ...storedRevocation, workspaceId, digest: null } satisfies Revocation };
}

/**
 * Waits until no node accepts the deleted tokens. Returns null if there were none, or if another request deleted them.
 */
async function waitUntilRevoked(
  context: WorkloadContext,
  workspaceId: string,
  revocation: Revocation | null,
): Promise<RevocationReceipt | null> {
  if (revocation !== null) return context.waitForConfirmation(revocation);
  await context.waitForAllConfirmations(workspaceId);
  return null;
}

async function toEditedRow(
  trx: Trx,
  before: WorkloadIdentityTable,
  input: UpdateWorkloadIdentity,
  now: number,
): Promise<WorkloadIdentityTable> {
  const { workspace_id: workspaceId } = before;
  const restrictions = await resolveRestrictions(trx, workspaceId, input.restrictions, parseRestrictions(before));
  return {
    ...before,
    name: input.name ?? before.name,
    issuer: input.issuer ?? before.issuer,
    jwks_url: input.jwksUrl === undefined ? before.jwks_url : input.jwksUrl,
    audience: input.audience ?? before.audience,
    conditions: input.conditions === undefined ? before.conditions : JSON.stringify(input.conditions),
    scopes: input.scopes === undefined ? before.scopes : JSON.stringify(input.scopes),
    lifetime_seconds: input.lifetimeSeconds ?? before.lifetime_seconds,
    ...toRestrictionColumns(restrictions),
    updated_at: now,
  };
}

/**
 * Edits a workload identity. If anything but the name or the lifetime changes, the tokens issued earlier are revoked:
 * when this resolves, no node accepts them. An edit that changes nothing is not recorded. Throws `not_found`,
 * `conflict` if `If-Match` names another version, `validation_failed` like `createWorkloadIdentity`, and `unavailable`
 * if not every node has confirmed the revocation in time.
 */
export async function updateWorkloadIdentity(
  context: WorkloadContext,
  request: RequestContext,
  id: string,
  input: UpdateWorkloadIdentity,
): Promise<{ identity: WorkloadIdentity; receipt: RevocationReceipt | null }> {
  const now = context.clock();
  const { workspaceId } = request;
  const { identity, revocation } = await context.store.transaction(async (trx) => {
    // The policy is locked before the identity, as when a token is issued.
    const current = await requireIdentity(trx, workspaceId, id);
    await checkPolicy(trx, request, await toEditedRow(trx, current, input, now), now);
    const before = await lockWorkloadIdentity(trx, workspaceId, id);
    if (before === undefined) throw workloadIdentityNotFound();
    const serializedBefore = serializeIdentity(before);
    checkIfMatch(request.ifMatch, editableFieldsOf(serializedBefore));
    const row = await toEditedRow(trx, before, input, now);
    const after = serializeIdentity(row);
    if (etagOfWorkloadIdentity(after) === etagOfWorkloadIdentity(serializedBefore))
      return { identity: serializedBefore, revocation: null };
    checkTrustworthy(context, row);
    await updateRow(trx, before, row);
    const isDecisive = DECISIVE_FIELDS.some(
      (field) => JSON.stringify(after[field]) !== JSON.stringify(serializedBefore[field]),
    );
    const deletion = isDecisive ? await deleteIssued(trx, workspaceId, id, now) : { deletedCount: 0, revocation: null };
    const fieldsOf = (version: WorkloadIdentity) => auditFieldsOf(editableFieldsOf(version));
    const detail = {
      before: fieldsOf(serializedBefore),
      after: fieldsOf(after),
      ...(deletion.deletedCount > 0 && { endedTokens: deletion.deletedCount }),
    };
    await recordAuditEvent(trx, request, 'workload_identity.updated', workloadPartyOf(row), now, detail);
    return { identity: after, revocation: deletion.revocation };
  });
  return { identity, receipt: await waitUntilRevoked(context, workspaceId, revocation) };
}

/**
 * Deletes a workload identity and the tokens issued for it. When this resolves, no node accepts the tokens. Throws
 * `not_found`, `conflict` if `If-Match` names another version, and `unavailable` if not every node has confirmed the
 * revocation in time.
 */
export async function deleteWorkloadIdentity(
  context: WorkloadContext,
  request: RequestContext,
  id: string,
): Promise<RevocationReceipt | null> {
  const now = context.clock();
  const { workspaceId } = request;
  const result = await context.store.transaction(async (trx) => {
    const row = await lockWorkloadIdentity(trx, workspaceId, id);
    if (row === undefined) return null;
    checkIfMatch(request.ifMatch, editableFieldsOf(serializeIdentity(row)));
    const { deletedCount, revocation } = await deleteIssued(trx, workspaceId, id, now);
    await deleteRow(trx, workspaceId, id);
    const detail = deletedCount > 0 ? { endedTokens: deletedCount } : {};
    await recordAuditEvent(trx, request, 'workload_identity.deleted', workloadPartyOf(row), now, detail);
    return { revocation };
  });
  const receipt = await waitUntilRevoked(context, workspaceId, result?.revocation ?? null);
  if (result === null) throw workloadIdentityNotFound();
  return receipt;
}
