import type { StoredCredential } from '../authorization/record.ts';
import { type Digest, digestBytes } from '../authorization/secret.ts';
import { Problem } from '../contract/problem.ts';
import { findByDigest } from '../store/credentials.ts';
import type { Store } from '../store/store.ts';

/** Reads one record for the registry. Throws `unavailable` if the store cannot be queried; it never guesses. */
export async function readStoredCredential(store: Store, digest: Digest): Promise<StoredCredential | null> {
  const row = await findByDigest(store, digestBytes(digest)).catch((cause: unknown) => {
    throw new Problem('unavailable', 'The database cannot be queried.', { retryAfter: 1, cause });
  });
  if (row === undefined) return null;
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
  };
}
