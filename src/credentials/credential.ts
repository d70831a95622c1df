import { type Digest, digestToBytes } from '../authorization/secret.ts';
import type { Restrictions } from '../contract/restrictions.ts';
import type { AccessTokenOrigin, CredentialKind } from '../contract/vocabulary.ts';
import { NEVER_EXPIRES } from '../store/credential-filter.ts';
import type { CredentialRow } from '../store/credentials.ts';
import { isSpent, parseRestrictions, toRestrictionColumns } from './restrictions.ts';

/** A stored credential. Times are in epoch milliseconds. */
export interface Credential {
  readonly id: string;
  readonly workspaceId: string;
  readonly kind: CredentialKind;
  readonly name: string;
  readonly description: string | null;
  readonly rights: readonly string[];
  readonly hasPassphrase: boolean;
  readonly active: boolean;
  /** Whether an API key may run guards. */
  readonly guard: boolean;
  readonly hint: string;
  /** When the credential stops working: the chosen expiry, or an earlier expiry that the policy enforces. */
  readonly expiresAt: number | null;
  readonly chosenExpiresAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly createdBy: { readonly id: string; readonly name: string; readonly email: string } | null;
  readonly lastUsedAt: number | null;
  readonly useCount: number;
  /** The ID of the credential that this one replaces. */
  readonly replaces: string | null;
  readonly replacedBy: string | null;
  readonly restrictions: Restrictions;
  /** Whether the credential has reached its maximum number of uses. */
  readonly spent: boolean;
  readonly origin: AccessTokenOrigin;
}

export type NewCredential = Pick<
  Credential,
  | 'id'
  | 'workspaceId'
  | 'kind'
  | 'name'
  | 'description'
  | 'rights'
  | 'active'
  | 'guard'
  | 'hint'
  | 'expiresAt'
  | 'createdAt'
  | 'replaces'
  | 'restrictions'
  | 'origin'
> & {
  readonly digest: Digest;
  readonly passphraseHash: string | null;
  /** Null if no person created the credential. */
  readonly createdById: string | null;
  /** The ID of the workload identity or access token for which it was issued; null if a person created it. */
  readonly issuedBy: string | null;
};

export type CredentialEdit = Partial<
  Pick<Credential, 'name' | 'description' | 'rights' | 'expiresAt' | 'active' | 'guard' | 'restrictions'>
>;

/**
 * Returns the chosen expiry. While the policy enforces an earlier one, `unbound_expires_at` contains the chosen expiry,
 * otherwise null. Pure.
 */
function chosenExpiryOf({ expires_at, unbound_expires_at }: CredentialRow): number | null {
  if (unbound_expires_at === null) return expires_at;
  return unbound_expires_at === NEVER_EXPIRES ? null : unbound_expires_at;
}

/** Returns the credential in a stored row. Pure. */
export function toCredential(row: CredentialRow): Credential {
  const { creator_name, creator_email } = row;
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    kind: row.kind as CredentialKind,
    name: row.name,
    description: row.description,
    rights: JSON.parse(row.rights) as string[],
    hasPassphrase: row.passphrase_hash !== null,
    active: row.active === 1,
    guard: row.guard === 1,
    hint: row.hint,
    expiresAt: row.expires_at,
    chosenExpiresAt: chosenExpiryOf(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    createdBy:
      row.created_by === null || creator_name === null || creator_email === null
        ? null
        : { id: row.created_by, name: creator_name, email: creator_email },
    lastUsedAt: row.last_used_at,
    useCount: row.use_count,
    replaces: row.replaces_id,
    replacedBy: row.replaced_by_id,
    restrictions: parseRestrictions(row),
    spent: isSpent(row),
    origin: row.origin as AccessTokenOrigin,
  };
}

/** Returns the row to insert. Pure. */
export function toNewRow(credential: NewCredential) {
  return {
    id: credential.id,
    workspace_id: credential.workspaceId,
    kind: credential.kind,
    name: credential.name,
    name_key: credential.name.toLowerCase(),
    description: credential.description,
    rights: JSON.stringify(credential.rights),
    passphrase_hash: credential.passphraseHash,
    active: credential.active ? 1 : 0,
    guard: credential.guard ? 1 : 0,
    digest: digestToBytes(credential.digest),
    hint: credential.hint,
    expires_at: credential.expiresAt,
    created_at: credential.createdAt,
    updated_at: credential.createdAt,
    created_by: credential.createdById,
    last_used_at: null,
    replaces_id: credential.replaces,
    origin: credential.origin,
    issued_by: credential.issuedBy,
    ...toRestrictionColumns(credential.restrictions),
  };
}

/**
 * Returns the columns to update. An edited expiry has been checked against the policy, so it is stored unchanged.
 * Counting of uses starts when a maximum number is set, and continues when the maximum is changed. Pure.
 */
export function toEditedColumns(before: Credential, edit: CredentialEdit, policyViolations: number, now: number) {
  const { name, description, rights, expiresAt, active, guard, restrictions } = edit;
  return {
    ...(name !== undefined && { name, name_key: name.toLowerCase() }),
    ...(description !== undefined && { description }),
    ...(rights !== undefined && { rights: JSON.stringify(rights) }),
    ...(expiresAt !== undefined && { expires_at: expiresAt, unbound_expires_at: null }),
    ...(active !== undefined && { active: active ? 1 : 0 }),
    ...(guard !== undefined && { guard: guard ? 1 : 0 }),
    policy_violations: policyViolations,
    ...(restrictions !== undefined && toRestrictionColumns(restrictions)),
    ...(restrictions !== undefined && before.restrictions.maxUses === null && { spent_uses: 0 }),
    updated_at: now,
  };
}
