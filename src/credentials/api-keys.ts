import { checkIfMatch, etagOf } from '../audit/if-match.ts';
import { appendAuditEvent } from '../audit/log.ts';
import type { RequestContext } from '../audit/request-context.ts';
import type { RevocationReceipt } from '../authorization/registry.ts';
import { capacityOf } from '../authorization/use-limits.ts';
import type { ApiKey, ApiKeyQuery, CreateApiKey, UpdateApiKey } from '../contract/api-keys.ts';
import { toIsoString, toIsoStringOrNull } from '../contract/instant.ts';
import type { CountedPage } from '../contract/paging.ts';
import type { PolicySubject } from '../contract/policy-rules.ts';
import type { Restrictions } from '../contract/restrictions.ts';
import type { Permission } from '../contract/vocabulary.ts';
import { findCredential, lockCredential, updateCredential } from '../store/credentials.ts';
import { resolveNotices } from '../store/notices.ts';
import { type Credential, type CredentialEdit, toCredential, toEditedColumns } from './credential.ts';
import { credentialNotFound, listCredentials, requireCredential } from './credential-reads.ts';
import { auditDraftOf, type CredentialContext, createCredential, parseExpiry } from './credentials.ts';
import { recordRevocation } from './deletion.ts';
import { checkEditedCredential, checkEditor, lockCurrentPolicy, violationBits } from './policy.ts';
import { checkGuard, resolveRestrictions } from './restrictions.ts';
import { toSharedFields } from './wire-format.ts';

/** A key that is both inactive and expired is `inactive`, as in `decide`. */
function statusOf(key: Credential, now: number): ApiKey['status'] {
  if (!key.active) return 'inactive';
  if (key.expiresAt !== null && key.expiresAt <= now) return 'expired';
  return key.spent ? 'spent' : 'active';
}

/** Returns an API key in the format of the API; `now` in epoch milliseconds determines its status. Pure. */
export function serializeApiKey(key: Credential, now: number): ApiKey {
  return {
    ...toSharedFields(key),
    kind: 'api_key',
    description: key.description,
    permissions: key.rights as Permission[],
    active: key.active,
    guard: key.guard,
    status: statusOf(key, now),
    updatedAt: toIsoString(key.updatedAt),
  };
}

/**
 * Returns the fields from which the entity tag is computed: those that an edit changes. Uses, the passage of time and a
 * replacement do not change the entity tag. Pure.
 */
function editableState(key: Pick<ApiKey, keyof UpdateApiKey | 'id' | 'updatedAt'>) {
  const { id, name, description, permissions, active, guard, expiresAt, restrictions, updatedAt } = key;
  return { id, name, description, permissions, active, guard, expiresAt, restrictions, updatedAt };
}

export const etagOfApiKey = (key: ApiKey): string => etagOf(editableState(key));

/**
 * Creates an API key. Only this result contains its secret. Throws `validation_failed` for an expiry that is not in the
 * future, and the errors of `createCredential`.
 */
export async function createApiKey(
  context: CredentialContext,
  request: RequestContext,
  input: CreateApiKey,
): Promise<ApiKey & { secret: string }> {
  const { credential, secret } = await createCredential(context, request, {
    kind: 'api_key',
    name: input.name,
    description: input.description ?? null,
    rights: input.permissions,
    active: input.active ?? true,
    guard: input.guard ?? false,
    expiresAt: parseExpiry(input.expiresAt, context.clock()),
    replaces: input.replaces ?? null,
    restrictions: input.restrictions,
    passphraseHash: null,
  });
  return { ...serializeApiKey(credential, context.clock()), secret };
}

/** Throws `not_found` if the workspace has no such API key. */
export async function getApiKey(context: CredentialContext, workspaceId: string, id: string): Promise<ApiKey> {
  return serializeApiKey(await requireCredential(context, workspaceId, 'api_key', id), context.clock());
}

/** Returns a page of API keys. Throws `validation_failed` for a cursor of another list. */
export async function listApiKeys(
  context: CredentialContext,
  workspaceId: string,
  query: ApiKeyQuery,
): Promise<CountedPage<ApiKey>> {
  const { data, ...page } = await listCredentials(context, workspaceId, 'api_key', query, query.permission);
  return { data: data.map((key) => serializeApiKey(key, context.clock())), ...page };
}

/**
 * Returns only the fields whose values change. Throws `validation_failed` for a new expiry that is not in the future.
 * Pure.
 */
function changesOf(
  before: Credential,
  input: Omit<UpdateApiKey, 'restrictions'>,
  restrictions: Restrictions,
  now: number,
): CredentialEdit {
  const requested: CredentialEdit = {
    ...(input.name !== undefined && { name: input.name }),
    ...(input.description !== undefined && { description: input.description }),
    ...(input.permissions !== undefined && { rights: input.permissions }),
    ...(input.active !== undefined && { active: input.active }),
    ...(input.guard !== undefined && { guard: input.guard }),
    restrictions,
    // An unchanged expiry may lie in the past, so that an expired key can be renamed.
    ...(input.expiresAt !== undefined &&
      input.expiresAt !== toIsoStringOrNull(before.expiresAt) && { expiresAt: parseExpiry(input.expiresAt, now) }),
  };
  const isChanged = ([field, value]: [string, unknown]) =>
    JSON.stringify(value) !== JSON.stringify(before[field as keyof CredentialEdit]);
  return Object.fromEntries(Object.entries(requested).filter(isChanged));
}

/**
 * Returns the properties of an edited key that the policy checks. `key.expiresAt` may be enforced by the policy itself,
 * so the chosen expiry is checked. Pure.
 */
function policySubjectOf(key: Credential, { expiresAt = key.chosenExpiresAt }: CredentialEdit): PolicySubject {
  return { ...key, expiresAt, addresses: key.restrictions.addresses };
}

/** Returns the given fields in the format of the API, for the activity log. Pure. */
function pickFields(credential: Credential, fields: readonly string[], now: number): Record<string, unknown> {
  const apiKey: Record<string, unknown> = serializeApiKey(credential, now);
  return Object.fromEntries(
    fields.map((field) => (field === 'rights' ? 'permissions' : field)).map((field) => [field, apiKey[field]]),
  );
}

/**
 * Updates an API key, except its secret. When this resolves, no node uses the old record any more. `receipt` is null if
 * nothing changed. Throws `not_found`, `conflict` if `If-Match` names another version, `unavailable` if the change was
 * saved but not confirmed by every node in time, and `validation_failed` for an expiry that is not in the future, for
 * unknown projects or apps, and for changes that the policy does not allow.
 */
export async function updateApiKey(
  context: CredentialContext,
  request: RequestContext,
  id: string,
  input: UpdateApiKey,
): Promise<{ key: ApiKey; receipt: RevocationReceipt | null }> {
  const now = context.clock();
  const { workspaceId } = request;
  await context.flushUses();
  const outcome = await context.store.transaction(async (trx) => {
    const policy = await lockCurrentPolicy(trx, workspaceId);
    const row = await lockCredential(trx, workspaceId, 'api_key', id);
    if (row === undefined) throw credentialNotFound();
    const before = toCredential(row);
    checkIfMatch(request.ifMatch, editableState(serializeApiKey(before, now)));
    const restrictions = await resolveRestrictions(trx, workspaceId, input.restrictions, before.restrictions);
    const changes = changesOf(before, input, restrictions, now);
    const fields = Object.keys(changes);
    if (fields.length === 0) return { after: before, revocation: null };
    await checkEditor(trx, request, policy, { ...changes });
    checkGuard({ ...before, ...changes }, changes.guard === undefined ? 'restrictions' : 'guard');
    const violations = checkEditedCredential(policy, policySubjectOf({ ...before, ...changes }, changes), fields);
    const columns = toEditedColumns(before, changes, violationBits(violations), now);
    // After an edit of the rate, its bucket is empty at worst, never below empty.
    const { rate } = restrictions;
    const isRateChanged = JSON.stringify(rate) !== JSON.stringify(before.restrictions.rate);
    const newCapacity = rate === null ? 0 : capacityOf(rate);
    const maxMissing = isRateChanged ? newCapacity : null;
    const digest = await updateCredential(trx, workspaceId, 'api_key', id, columns, maxMissing);
    const updated = await findCredential(trx, workspaceId, 'api_key', id);
    if (digest === undefined || updated === undefined) throw credentialNotFound();
    const after = toCredential(updated);
    const detail = { before: pickFields(before, fields, now), after: pickFields(after, fields, now) };
    await appendAuditEvent(trx, auditDraftOf(request, after, 'updated', now, detail));
    if (after.expiresAt !== before.expiresAt)
      await resolveNotices(trx, workspaceId, id, ['credential.expiring', 'credential.expired']);
    return { after, revocation: await recordRevocation(trx, workspaceId, digest, now) };
  });
  const receipt = outcome.revocation === null ? null : await context.waitForConfirmation(outcome.revocation);
  // Another update may have made the same change, which must be in effect on every node before this returns.
  if (receipt === null) await context.waitForAllConfirmations(workspaceId);
  return { key: serializeApiKey(outcome.after, context.clock()), receipt };
}
