import type { StoredCredential } from '../authorization/record.ts';
import { type Digest, digestBytes } from '../authorization/secret.ts';
import type { TakeStoredUses } from '../authorization/use-batches.ts';
import { type TakenUses, takeUses } from '../authorization/use-limits.ts';
import { Problem } from '../contract/problem.ts';
import { type AuthorizationRow, findByDigest, type UseRow, updateUses } from '../store/credentials.ts';
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

/** Returns the uses that can be taken of a stored credential at `now` (epoch milliseconds). Pure. */
export function takeUsesOf(row: UseRow, wanted: number, now: number): TakenUses {
  const { spent_uses: spentUses, rate_missing: rateMissing, rate_at: rateAt } = row;
  const { rate, maxUses } = parseRestrictions(row);
  return takeUses({ rate, rateMissing, rateAt, maxUses, spentUses }, wanted, now);
}

/**
 * Takes uses of a credential within its rate and its maximum, at `clock()` (epoch milliseconds). Throws `unavailable` if
 * the store cannot be written.
 */
export async function takeStoredUses(
  store: Store,
  clock: () => number,
  ...[workspaceId, id, wanted]: Parameters<TakeStoredUses>
): ReturnType<TakeStoredUses> {
  let taken: TakenUses | 'inactive' | null = null;
  const take = (row: UseRow) => {
    if (row.active === 0) {
      taken = 'inactive';
      return null;
    }
    const uses = takeUsesOf(row, wanted, clock());
    const { spentUses, rateMissing, rateAt } = uses.limits;
    taken = uses;
    return uses.granted === 0 ? null : { spent_uses: spentUses, rate_missing: rateMissing, rate_at: rateAt };
  };
  await store
    .transaction((trx) => updateUses(trx, workspaceId, id, take))
    .catch((cause: unknown) => {
      throw new Problem('unavailable', 'The use of the credential cannot be counted.', { retryAfter: 1, cause });
    });
  return taken;
}
