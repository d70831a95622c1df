import type { Revocation } from '../authorization/registry.ts';
import type { Digest } from '../authorization/secret.ts';
import type { AuditDraft } from '../contract/audit.ts';
import type { EarlierIdempotencyClaim, IdempotencyClaim } from '../contract/idempotency.ts';
import type { CredentialKind, CredentialSort } from '../contract/vocabulary.ts';

/** A credential as it is kept; instants in epoch milliseconds. */
export interface Credential {
  readonly id: string;
  readonly workspaceId: string;
  readonly kind: CredentialKind;
  readonly name: string;
  readonly description: string | null;
  readonly rights: readonly string[];
  readonly hasPassphrase: boolean;
  readonly active: boolean;
  /** An API key that may run guards. */
  readonly guard: boolean;
  readonly hint: string;
  readonly expiresAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly createdBy: { readonly id: string; readonly name: string; readonly email: string } | null;
  readonly lastUsedAt: number | null;
  readonly useCount: number;
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
> & {
  readonly digest: Digest;
  readonly passphraseHash: string | null;
  readonly createdById: string;
};

export type CredentialEdit = Partial<
  Pick<Credential, 'name' | 'description' | 'rights' | 'expiresAt' | 'active' | 'guard'>
>;

export interface CredentialListQuery {
  readonly kind: CredentialKind;
  readonly limit: string | undefined;
  readonly cursor: string | undefined;
  readonly sort: CredentialSort;
  readonly direction: 'asc' | 'desc';
  readonly q: string | undefined;
  readonly status: string | undefined;
  readonly right: string | undefined;
  readonly createdBy: string | undefined;
  readonly unusedSince: number | undefined;
  readonly now: number;
}

/** What the core needs of a store. Every method rejects with `unavailable` when it can't be reached. */
export interface CredentialStore {
  /** All of `work` is there and on disk when this resolves, or none of it. */
  transaction<T>(work: (tx: CredentialTransaction) => Promise<T>): Promise<T>;
  /** Null where the workspace has no such credential. */
  find(workspaceId: string, kind: CredentialKind, id: string): Promise<Credential | null>;
  /** Uses a day (days since 1970) from `sinceDay` on, oldest first, and addresses, last seen first. */
  readUses(
    workspaceId: string,
    id: string,
    sinceDay: number,
    addresses: number,
  ): Promise<{
    days: { day: number; count: number }[];
    addresses: { address: string; first: number; last: number; reportedBy: string | null }[];
    /** Uses that guards reported, by the API key of the guard; a null name is a deleted key's. */
    guards: { id: string; name: string | null; count: number; last: number }[];
  }>;
  /** Throws `validation_failed` for a cursor that is not of this list. */
  list(workspaceId: string, ask: CredentialListQuery): Promise<{ data: Credential[]; nextCursor: string | null }>;
}

export interface CredentialTransaction {
  /** Claims an idempotency key; the earlier claim if there is one. */
  claim(claim: IdempotencyClaim, resourceId: string, at: number): Promise<EarlierIdempotencyClaim | null>;
  insert(credential: NewCredential): Promise<void>;
  find(workspaceId: string, kind: CredentialKind, id: string): Promise<Credential | null>;
  /** Returns the digest; null where the workspace has no such credential. */
  update(workspaceId: string, id: string, edit: CredentialEdit, at: number): Promise<Digest | null>;
  delete(workspaceId: string, kind: CredentialKind, id: string): Promise<{ digest: Digest; name: string } | null>;
  /** Numbers a revocation: gapless, in the order of commits. */
  revoke(workspaceId: string, digest: Digest | null, at: number): Promise<Revocation>;
  record(event: AuditDraft): Promise<void>;
}
