import type { StoredCredential } from '../authorization/record.ts';
import type { UseReceipt } from '../authorization/restricted-use.ts';
import { type Digest, digestBytes } from '../authorization/secret.ts';
import { Problem } from '../contract/problem.ts';
import { type AuthorizationRow, findByDigest, spendUse } from '../store/credentials.ts';
import type { Store } from '../store/store.ts';
import { isSpent, parseRestrictions } from './restrictions.ts';

/** Reads one record for the registry. Throws `unavailable` if the store cannot be queried; it never guesses. */
export async function readStoredCredential(store: Store, digest: Digest): Promise<StoredCredential | null> {
  const row = await findByDigest(store, digestBytes(digest)).catch((cause: unknown) => {
    throw new Problem('unavailable', 'The database cannot be queried.', { retryAfter: 1, cause });
  });
  return row === undefined ? null : toStoredCredential(row);
}

/** Returns what a decision needs of a stored credential. Pure. */
export function toStoredCredential(row: AuthorizationRow): StoredCredential {
  return {
    kind: row.kind,
    id: row.id,
    name: row.name,
    workspaceId: row.workspace_id,
    rights: JSON.parse(row.rights) as string[],
    active: row.active === 1,
    guard: row.guard === 1,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
    passphraseHash: row.passphrase_hash,
    restrictions:
      row.restrictions === null && row.max_uses === null ? null : { ...parseRestrictions(row), spent: isSpent(row) },
  };
}

/** Counts a use against the maximum of its credential. Throws `unavailable` if the store cannot be written. */
export async function spendStoredUse(store: Store, workspaceId: string, id: string): Promise<UseReceipt | null> {
  const receipt = await store
    .transaction((trx) => spendUse(trx, workspaceId, id))
    .catch((cause: unknown) => {
      throw new Problem('unavailable', 'The use of the credential cannot be counted.', { retryAfter: 1, cause });
    });
  return receipt ?? null;
}
