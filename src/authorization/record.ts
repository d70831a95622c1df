import type { CredentialKind } from '../contract/vocabulary.ts';
import type { RightsMask } from './rights.ts';

/** A digest as the 32 characters U+0000–U+00FF of its bytes: a string, because it is the key of a Map. */
export type Digest = string;

/** What a workspace's records share, so that a million of them cost one. `gone` once all of it was revoked. */
export interface WorkspaceMark {
  readonly id: string;
  revoked: boolean;
}

/**
 * What memory keeps of a credential: just enough to judge it, and never the verdict (CVE-2021-32701).
 */
export interface CredentialRecord {
  readonly kind: CredentialKind;
  /** Id and name in one string (`labelOf`): what most judgements need of the two is that they are the same. */
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
  /** The argon2id hash in PHC form, or null; in a guard, which is not given it, blank. */
  readonly passphraseHash: string | null;
  /** Its row in memory, where its uses are counted by; -1 if it is in none. */
  readonly row: number;
}

export const labelOf = (id: string, name: string): string => `${id} ${name}`;
/** The id in a label: no id has a blank. */
export const idIn = (label: string): string => label.slice(0, label.indexOf(' '));
export const nameIn = (label: string): string => label.slice(label.indexOf(' ') + 1);

/** A credential as the store gives it for judging. */
export type StoredCredential = Omit<CredentialRecord, 'workspace' | 'rights' | 'row' | 'label'> & {
  readonly workspaceId: string;
  readonly rights: readonly string[];
  /** An API key that may run guards; in memory it is a bit of the record's rights. */
  readonly guard?: boolean;
};
