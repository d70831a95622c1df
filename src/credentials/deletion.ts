import { appendAuditEvent, SYSTEM_ACTOR } from '../audit/log.ts';
import type { RequestContext } from '../audit/request-context.ts';
import type { CredentialRecord } from '../authorization/record.ts';
import type { Revocation, RevocationReceipt } from '../authorization/registry.ts';
import { digestFromBytes } from '../authorization/secret.ts';
import type { AuditDraft, RequestOrigin } from '../contract/audit.ts';
import type { CredentialKind } from '../contract/vocabulary.ts';
import { deleteCredential as deleteRow, insertRevocation, lockCredential } from '../store/credentials.ts';
import { deleteExchangedTokens } from '../store/issued-tokens.ts';
import { resolveNotices } from '../store/notices.ts';
import type { Trx } from '../store/store.ts';
import { insertTombstone, insertTombstonesOfIssued } from '../store/tombstones.ts';
import { credentialNotFound } from './credential-reads.ts';
import { auditDraftOf, type CredentialContext } from './credentials.ts';

/** Records the revocation of a credential with the next number. Numbers are gapless and in commit order. */
export async function recordRevocation(
  trx: Trx,
  workspaceId: string,
  digest: Uint8Array,
  now: number,
): Promise<Revocation> {
  return { ...(await insertRevocation(trx, workspaceId, digest, now)), workspaceId, digest: digestFromBytes(digest) };
}

/**
 * Deletes a credential and records its revocation and its audit event, which names the credential that it replaces and
 * the one that replaces it, if any. Also deletes the access tokens that were issued in exchange for it. Returns the
 * revocations; empty if the workspace has no such credential.
 */
export async function deleteInTransaction(
  trx: Trx,
  request: Pick<RequestContext, 'workspaceId' | 'actor' | 'origin'>,
  kind: CredentialKind,
  id: string,
  now: number,
  detail: AuditDraft['detail'],
): Promise<Revocation[]> {
  const { workspaceId } = request;
  const row = await lockCredential(trx, workspaceId, kind, id);
  await insertTombstone(trx, workspaceId, kind, id, now);
  const deleted = await deleteRow(trx, workspaceId, kind, id);
  if (row === undefined || deleted === undefined) return [];
  const { name, replaces_id: replaces, replaced_by_id: replacedBy } = row;
  const replacement = { ...(replaces !== null && { replaces }), ...(replacedBy !== null && { replacedBy }) };
  const hasReplacement = replaces !== null || replacedBy !== null;
  const fullDetail = hasReplacement ? { ...detail, before: replacement } : detail;
  await appendAuditEvent(trx, auditDraftOf(request, { id, kind, name }, 'deleted', now, fullDetail));
  await resolveNotices(trx, workspaceId, id);
  const revocation = await recordRevocation(trx, workspaceId, deleted.digest, now);
  return kind === 'access_token' ? [...(await deleteChildrenOf(trx, request, id, now)), revocation] : [revocation];
}

/** Deletes the access tokens that were issued in exchange for a deleted token. Returns their revocations. */
async function deleteChildrenOf(
  trx: Trx,
  request: Pick<RequestContext, 'workspaceId' | 'origin'>,
  parentId: string,
  now: number,
): Promise<Revocation[]> {
  const revocations: Revocation[] = [];
  // The actor of the events is the system, because a token that revokes itself no longer exists.
  const bySystem = { ...request, actor: SYSTEM_ACTOR };
  await insertTombstonesOfIssued(trx, request.workspaceId, parentId, now);
  for (const { id, name, digest } of await deleteExchangedTokens(trx, request.workspaceId, parentId)) {
    const detail = { reason: 'its parent was deleted', parent: parentId };
    const child = { id, kind: 'access_token', name } as const;
    await appendAuditEvent(trx, auditDraftOf(bySystem, child, 'deleted', now, detail));
    revocations.push(await recordRevocation(trx, request.workspaceId, digest, now));
  }
  return revocations;
}

/**
 * Waits until every node has confirmed all of `revocations`. Each of them is awaited, because a node without a cluster
 * applies only the revocations for which it waits. Returns the receipt of the last revocation, null if there are none.
 */
export async function waitForEach(
  { waitForConfirmation }: CredentialContext,
  revocations: readonly Revocation[],
): Promise<RevocationReceipt | null> {
  return (await Promise.all(revocations.map(waitForConfirmation))).at(-1) ?? null;
}

/**
 * Deletes a credential. When this resolves, no node accepts it any more. Throws `not_found` if the workspace has no
 * such credential, and `unavailable` if it was deleted but not every node has confirmed that in time.
 */
export async function deleteCredential(
  context: CredentialContext,
  request: RequestContext,
  kind: CredentialKind,
  id: string,
): Promise<RevocationReceipt> {
  const now = context.clock();
  const revocations = await context.store.transaction((trx) => deleteInTransaction(trx, request, kind, id, now, {}));
  const receipt = await waitForEach(context, revocations);
  if (receipt !== null) return receipt;
  // Another request may have just deleted the credential. `not_found` must mean that no node accepts it.
  await context.waitForAllConfirmations(request.workspaceId);
  throw credentialNotFound();
}

/**
 * Deletes the credential of a secret at the request of its holder (token revocation, RFC 7009). `record` is null if the
 * secret is unknown, which is not an error. Resolves only when no node accepts the secret, even if another request
 * deleted the credential. Throws `unavailable` if not every node has confirmed that in time.
 */
export async function revokeBySecret(
  context: CredentialContext,
  record: CredentialRecord | null,
  origin: RequestOrigin,
): Promise<void> {
  if (record === null) return context.waitForAllConfirmations(null);
  const { id, kind, name } = record;
  const workspaceId = record.workspace.id;
  const now = context.clock();
  const request = { workspaceId, actor: { kind, id, name }, origin };
  const detail = { reason: 'revoked by its holder' };
  const revocations = await context.store.transaction((trx) =>
    deleteInTransaction(trx, request, kind, id, now, detail),
  );
  if ((await waitForEach(context, revocations)) === null) await context.waitForAllConfirmations(workspaceId);
}
