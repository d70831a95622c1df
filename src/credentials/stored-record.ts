import type { RateUses, ShareRateUses } from '../authorization/rate-limiter.ts';
import type { StoredCredential } from '../authorization/record.ts';
import type { RateLevel } from '../authorization/restrictions.ts';
import { type Digest, digestToBytes } from '../authorization/secret.ts';
import type { TakeStoredUses } from '../authorization/use-batches.ts';
import { capacityOf, levelAfter, type TakenUses, takeUses } from '../authorization/use-limits.ts';
import { Problem } from '../contract/problem.ts';
import { type UseRow, updateRateLevels, updateUses } from '../store/credential-uses.ts';
import { type AuthorizationRow, findByDigest } from '../store/presented-credentials.ts';
import type { Store } from '../store/store.ts';
import type { DeletedSecrets } from './deleted-secrets.ts';
import { isSpent, parseRestrictions } from './restrictions.ts';

/**
 * Reads one record for the registry. For a deleted credential, returns null and adds it to `deleted`. Throws
 * `unavailable` if the store cannot be queried.
 */
export async function readStoredCredential(
  store: Store,
  digest: Digest,
  deleted: DeletedSecrets,
): Promise<StoredCredential | null> {
  const row = await findByDigest(store, digestToBytes(digest)).catch((cause: unknown) => {
    throw new Problem('unavailable', 'The database cannot be queried.', { retryAfter: 1, cause });
  });
  if (row === undefined) return null;
  if (row.deleted_at === null) return toStoredCredential(row);
  const { id, kind, name, workspace_id: workspaceId, deleted_at: deletedAt } = row;
  deleted.add(digest, { id, kind, name, workspaceId, deletedAt });
  return null;
}

const rateLevelOf = ({ rate_missing, rate_at }: Pick<UseRow, 'rate_missing' | 'rate_at'>): RateLevel => ({
  rateMissing: rate_missing,
  rateAt: rate_at,
});

/** Returns the fields of a stored credential that a decision needs. Pure. */
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
      row.restrictions === null && row.max_uses === null
        ? null
        : { ...parseRestrictions(row), spent: isSpent(row), rateLevel: rateLevelOf(row) },
  };
}

/**
 * Returns how many of the wanted uses a stored credential allows at `now` (epoch milliseconds), and its limits
 * afterwards. Stores nothing. Pure.
 */
export function takeUsesFromRow(row: UseRow, wanted: number, now: number): TakenUses {
  const { rate, maxUses } = parseRestrictions(row);
  return takeUses({ rate, ...rateLevelOf(row), maxUses, spentUses: row.spent_uses }, wanted, now);
}

/**
 * Takes uses of a credential, as many as its rate and its maximum number of uses allow. `clock` returns epoch
 * milliseconds. Throws `unavailable` if the store cannot be written.
 */
export async function takeStoredUses(
  store: Store,
  clock: () => number,
  workspaceId: string,
  id: string,
  wanted: number,
): ReturnType<TakeStoredUses> {
  let taken: TakenUses | 'inactive' | null = null;
  const take = (row: UseRow) => {
    if (row.active === 0) {
      taken = 'inactive';
      return null;
    }
    const uses = takeUsesFromRow(row, wanted, clock());
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

/**
 * Updates the stored rate levels of credentials by requests that a node has accepted, in one transaction. `clock`
 * returns epoch milliseconds. Throws `unavailable` if the store cannot be written.
 */
export async function shareRateUses(
  store: Store,
  clock: () => number,
  uses: readonly RateUses[],
): ReturnType<ShareRateUses> {
  const usesById = new Map(uses.map((usesOfOne) => [usesOfOne.credentialId, usesOfOne]));
  const levels = new Map<string, RateLevel>();
  const add = (row: UseRow & { readonly id: string }) => {
    const { rate } = parseRestrictions(row);
    const rateUses = usesById.get(row.id);
    if (rate === null || rateUses === undefined) return null;
    const level = levelAfter(rate, rateLevelOf(row), rateUses.count, clock());
    if (rate.requests === rateUses.rate.requests && rate.seconds === rateUses.rate.seconds) {
      levels.set(row.id, level);
      return level;
    }
    // The rate was edited after the requests were accepted. After that, the bucket is empty at worst, never below
    // empty.
    return { ...level, rateMissing: Math.min(level.rateMissing, capacityOf(rate)) };
  };
  await store
    .transaction((trx) => updateRateLevels(trx, [...usesById.keys()], add))
    .catch((cause: unknown) => {
      throw new Problem('unavailable', 'The rate limit cannot be checked, because the database cannot be written.', {
        retryAfter: 1,
        cause,
      });
    });
  return levels;
}
