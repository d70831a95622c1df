import type { Revocation } from '../authorization/registry.ts';
import type { Digest } from '../authorization/secret.ts';
import type { AuditDraft } from '../contract/audit.ts';
import type { EarlierIdempotencyClaim, IdempotencyClaim } from '../contract/idempotency.ts';
import type { CredentialKind, CredentialSort } from '../contract/vocabulary.ts';

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

/** The credentials in the store. Every method rejects with `unavailable` if the store cannot be reached. */
export interface CredentialStore {
  /** Runs `work` in a transaction, which is durable when this resolves and rolled back if it rejects. */
  transaction<T>(work: (tx: CredentialTransaction) => Promise<T>): Promise<T>;
  /** Resolves to null if the workspace has no such credential. */
  find(workspaceId: string, kind: CredentialKind, id: string): Promise<Credential | null>;
  /** Resolves to uses per day (UTC, days since 1970) since `sinceDay`, oldest first, and addresses, last seen first. */
  readUses(
    workspaceId: string,
    id: string,
    sinceDay: number,
    addresses: number,
  ): Promise<{
    days: { day: number; count: number }[];
    addresses: { address: string; first: number; last: number; reportedBy: string | null }[];
    /** Uses reported by guards, per API key of the guards; `name` is null if the key was deleted. */
    guards: { id: string; name: string | null; count: number; last: number }[];
  }>;
  /** Rejects with `validation_failed` for a cursor of another list. */
  list(workspaceId: string, ask: CredentialListQuery): Promise<{ data: Credential[]; nextCursor: string | null }>;
}

export interface CredentialTransaction {
  /** Claims an idempotency key. Resolves to the earlier claim if there is one, otherwise null. */
  claim(claim: IdempotencyClaim, resourceId: string, at: number): Promise<EarlierIdempotencyClaim | null>;
  insert(credential: NewCredential): Promise<void>;
  find(workspaceId: string, kind: CredentialKind, id: string): Promise<Credential | null>;
  /** Resolves to the digest of the credential; null if the workspace has no such credential. */
  update(workspaceId: string, id: string, edit: CredentialEdit, at: number): Promise<Digest | null>;
  /** Resolves to null if the workspace has no such credential. */
  delete(workspaceId: string, kind: CredentialKind, id: string): Promise<{ digest: Digest; name: string } | null>;
  /** Records a revocation with the next number: gapless, in commit order. A null digest revokes the workspace. */
  revoke(workspaceId: string, digest: Digest | null, at: number): Promise<Revocation>;
  record(event: AuditDraft): Promise<void>;
}
