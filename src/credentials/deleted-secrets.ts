import type { Digest } from '../authorization/secret.ts';
import { DURATIONS } from '../contract/limits.ts';
import type { CredentialKind } from '../contract/vocabulary.ts';

/** A credential that was deleted. */
export interface DeletedCredential {
  readonly id: string;
  readonly kind: CredentialKind;
  readonly name: string;
  readonly workspaceId: string;
  /** Epoch milliseconds. */
  readonly deletedAt: number;
}

/** Deleted credentials whose secrets were presented recently. */
export interface DeletedSecrets {
  add(digest: Digest, credential: DeletedCredential): void;
  /** Returns the deleted credential of a digest that was just looked up, or null. No I/O. */
  find(digest: Digest, now: number): DeletedCredential | null;
}

const MAX_DELETED = 1_000;

/**
 * Passes deleted credentials from the look-up of their digests to the code that records refusals, because a decision
 * treats a deleted credential as unknown.
 */
export function createDeletedSecrets(): DeletedSecrets {
  const deleted = new Map<Digest, DeletedCredential>();
  return {
    add(digest, credential) {
      deleted.delete(digest);
      deleted.set(digest, credential);
      const [oldest] = deleted.keys();
      if (deleted.size > MAX_DELETED && oldest !== undefined) deleted.delete(oldest);
    },
    find(digest, now) {
      const credential = deleted.size === 0 ? undefined : deleted.get(digest);
      return credential === undefined || now - credential.deletedAt > DURATIONS.tombstone ? null : credential;
    },
  };
}
