import type { CredentialKind } from '../contract/vocabulary.ts';
import type { CompiledRestrictions, StoredRestrictions } from './restrictions.ts';
import type { RightsMask } from './rights.ts';

/** The 32 bytes of a SHA-256 as 32 characters U+0000 to U+00FF: a string, so that it can be the key of a `Map`. */
export type Digest = string;

/** Shared by all cached records of a workspace, so that setting `revoked` revokes all of them. */
export interface WorkspaceMark {
  readonly id: string;
  revoked: boolean;
}

/** The cached part of a credential: the inputs of a decision, never a decision itself, unlike in CVE-2021-32701. */
export interface CredentialRecord {
  readonly kind: CredentialKind;
  /** ID and name in one string (`labelOf`): counting a use compares both with the previous use, in one comparison. */
  readonly label: string;
  readonly id: string;
  readonly name: string;
  readonly workspace: WorkspaceMark;
  readonly rights: RightsMask;
  readonly active: boolean;
  /** Epoch milliseconds, or null for never. */
  readonly expiresAt: number | null;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /**
   * The argon2id hash as a PHC string; null for no passphrase. Guards do not receive the hash: an empty string replaces
   * it.
   */
  readonly passphraseHash: string | null;
  /** The addresses, resources, rate and number of uses that are allowed; null if nothing is restricted. */
  readonly restrictions: CompiledRestrictions | null;
  /** The row in the cache, by which uses are counted; -1 if the record is not cached. */
  readonly row: number;
}

/** A record without a row in a cache. */
export type UncachedRecord = Omit<CredentialRecord, 'row'>;

export const labelOf = (id: string, name: string): string => `${id} ${name}`;
/** Returns the ID in a label. IDs contain no spaces. */
export const idIn = (label: string): string => label.slice(0, label.indexOf(' '));
export const nameIn = (label: string): string => label.slice(label.indexOf(' ') + 1);

/** The fields of a credential that a decision needs, as the store returns them. */
export type StoredCredential = Omit<CredentialRecord, 'workspace' | 'rights' | 'restrictions' | 'row' | 'label'> & {
  readonly workspaceId: string;
  readonly rights: readonly string[];
  /** Whether an API key may run guards; a bit of `rights` in `CredentialRecord`. */
  readonly guard?: boolean;
  /** Absent or null if nothing is restricted. */
  readonly restrictions?: StoredRestrictions | null;
};
