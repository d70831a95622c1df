import { appendAuditEvent } from '../audit/log.ts';
import type { RequestContext } from '../audit/request-context.ts';
import type { WaitForConfirmation } from '../authorization/registry.ts';
import { digestOf, hintOf, mintSecret } from '../authorization/secret.ts';
import type { AuditDraft, CredentialReference } from '../contract/audit.ts';
import { REPLACES_MESSAGES } from '../contract/credentials.ts';
import { createId } from '../contract/id.ts';
import { toIsoStringOrNull } from '../contract/instant.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import type { RestrictionsInput } from '../contract/restrictions.ts';
import { isUnrestricted } from '../contract/unrestricted.ts';
import type { AccessTokenOrigin, CredentialKind } from '../contract/vocabulary.ts';
import { findCredential, insertCredential, lockCredential } from '../store/credentials.ts';
import { claimOrRefuseReplay } from '../store/idempotency.ts';
import { resolveNotices } from '../store/notices.ts';
import type { Store, Trx } from '../store/store.ts';
import { type Credential, type NewCredential, toCredential, toNewRow } from './credential.ts';
import { checkNewCredential } from './policy.ts';
import { checkGuard, resolveRestrictions } from './restrictions.ts';

/** The dependencies of the functions in this folder. */
export interface CredentialContext {
  readonly store: Store;
  readonly waitForConfirmation: WaitForConfirmation;
  /**
   * Resolves when every node has confirmed every revocation that was committed before the call in a workspace, or in
   * all workspaces if null. For responses that depend on a deletion by another request.
   */
  readonly waitForAllConfirmations: (workspaceId: string | null) => Promise<void>;
  /** Writes the uses counted so far, so that responses include them. */
  readonly flushUses: () => Promise<void>;
  /** Shares the requests that this node has accepted: updates the stored rate levels of their credentials. */
  readonly shareRates: () => Promise<void>;
  /** Whether text has the form of another system's secret, with a prefix that any workspace declares. */
  readonly isForeignSecret: (text: string) => boolean;
  /**
   * Reads the declared prefixes again after a change. Never rejects: if the read fails, it is repeated within seconds.
   */
  readonly refreshForeignPrefixes: () => Promise<void>;
  readonly clock: () => number;
}

/** Returns the event for a change to a credential. Throws `immutable` for an update of an access token. */
export function auditDraftOf(
  request: Pick<RequestContext, 'workspaceId' | 'actor' | 'origin'>,
  credential: Pick<Credential, 'id' | 'kind' | 'name'>,
  verb: 'created' | 'updated' | 'deleted',
  occurredAt: number,
  detail: AuditDraft['detail'],
): AuditDraft {
  if (verb === 'updated' && credential.kind === 'access_token') throw new Problem('immutable');
  const action = `${credential.kind}.${verb}` as AuditDraft['action'];
  const reference: CredentialReference = { id: credential.id, kind: credential.kind, name: credential.name };
  const { workspaceId, actor, origin } = request;
  return { workspaceId, action, at: occurredAt, actor, target: reference, credential: reference, origin, detail };
}

/**
 * Returns an ISO 8601 expiry in epoch milliseconds, null for never. Throws `validation_failed` unless it is after
 * `now`.
 */
export function parseExpiry(expiresAt: string | null | undefined, now: number): number | null {
  if (expiresAt === null || expiresAt === undefined) return null;
  const expiresAtMs = Date.parse(expiresAt);
  if (!(expiresAtMs > now)) throw invalidField('expiresAt', 'must be in the future, or null for never');
  return expiresAtMs;
}

/**
 * Locks the credential that a new credential replaces, so that until the transaction ends it is neither deleted nor
 * replaced by another one. Throws `validation_failed` if the workspace has no credential of that kind with this ID, and
 * `conflict` if the credential already has a replacement.
 */
async function lockReplaced(trx: Trx, workspaceId: string, kind: CredentialKind, id: string): Promise<void> {
  const row = await lockCredential(trx, workspaceId, kind, id);
  if (row === undefined) throw invalidField('replaces', REPLACES_MESSAGES[kind]);
  if (row.replaced_by_id === null) return;
  const detail = `The credential already has a replacement, ${row.replaced_by_id}. Delete that replacement first.`;
  throw new Problem('conflict', detail);
}

/** Details in the audit event of a new credential, in addition to its fields. */
interface CreationDetail {
  readonly imported?: true;
  readonly origin?: AccessTokenOrigin;
  /** The claims of the token for which the credential was issued. */
  readonly claims?: Readonly<Record<string, string>>;
}

/**
 * Stores a new credential with its audit event, which also contains `detail`. Returns false and stores nothing if a
 * credential of any workspace has the same digest.
 */
export async function insertNewCredential(
  trx: Trx,
  request: RequestContext,
  credential: NewCredential,
  detail: CreationDetail = {},
): Promise<boolean> {
  const { kind, rights, active, guard, replaces, restrictions } = credential;
  if (!(await insertCredential(trx, toNewRow(credential)))) return false;
  const expiresAt = toIsoStringOrNull(credential.expiresAt);
  const fieldsOfKind =
    kind === 'access_token'
      ? { scopes: rights, expiresAt, hasPassphrase: credential.passphraseHash !== null }
      : { permissions: rights, expiresAt, active, ...(guard && { guard }) };
  const after = {
    ...fieldsOfKind,
    ...(!isUnrestricted(restrictions) && { restrictions }),
    ...(replaces !== null && { replaces }),
    ...detail,
  };
  await appendAuditEvent(trx, auditDraftOf(request, credential, 'created', credential.createdAt, { after }));
  return true;
}

/** Notices that no longer matter once a credential has a replacement. */
const RESOLVED_BY_REPLACEMENT = ['credential.expiring', 'credential.unused'] as const;

/**
 * Creates a credential and stores it with its audit event in one transaction. Only this result contains its secret.
 * Throws `forbidden` if the actor has no ID; `idempotent_replay` for a repeated request; `validation_failed` if the
 * policy does not allow the credential, for unknown projects or apps, and for an unknown credential to replace;
 * `conflict` if that credential already has a replacement; and the other errors of `claimOrRefuseReplay` and
 * `appendAuditEvent`.
 */
export async function createCredential(
  context: CredentialContext,
  request: RequestContext,
  fields: Pick<
    NewCredential,
    'kind' | 'name' | 'description' | 'rights' | 'active' | 'guard' | 'expiresAt' | 'replaces' | 'passphraseHash'
  > & { readonly restrictions: RestrictionsInput | undefined },
): Promise<{ credential: Credential; secret: string }> {
  const now = context.clock();
  const secret = mintSecret(fields.kind);
  const id = createId(fields.kind, now);
  const { id: createdById } = request.actor;
  if (createdById === null) throw new Problem('forbidden');
  const row = await context.store.transaction(async (trx) => {
    await claimOrRefuseReplay(trx, request.idempotencyClaim, id, now);
    const { workspaceId } = request;
    const { kind, replaces } = fields;
    const hasPassphrase = fields.passphraseHash !== null;
    const { addresses = [] } = fields.restrictions ?? {};
    await checkNewCredential(trx, request, { ...fields, hasPassphrase, createdAt: now, addresses });
    if (replaces !== null) await lockReplaced(trx, workspaceId, kind, replaces);
    const restrictions = await resolveRestrictions(trx, workspaceId, fields.restrictions);
    checkGuard({ guard: fields.guard, restrictions }, 'guard');
    await insertNewCredential(trx, request, {
      ...fields,
      id,
      workspaceId,
      digest: digestOf(secret),
      hint: hintOf(secret),
      restrictions,
      createdAt: now,
      createdById,
      origin: 'person',
      issuedBy: null,
    });
    if (replaces !== null) await resolveNotices(trx, workspaceId, replaces, RESOLVED_BY_REPLACEMENT);
    return findCredential(trx, workspaceId, kind, id);
  });
  if (row === undefined) throw new Problem('internal');
  return { credential: toCredential(row), secret };
}
