import { type EarlierIdempotencyClaim, type IdempotencyClaim, refuseReplay } from '../contract/idempotency.ts';
import { consumeQuota } from './quotas.ts';
import type { Trx } from './store.ts';

/**
 * Claims an idempotency key for the resource that this transaction creates and returns null, or returns the earlier
 * claim of the same key. Throws `quota_exceeded`.
 */
export async function claimIdempotencyKey(
  trx: Trx,
  claim: IdempotencyClaim,
  resourceId: string,
  now: number,
): Promise<EarlierIdempotencyClaim | null> {
  const inserted = await trx
    .insertInto('idempotency')
    .values({
      workspace_id: claim.workspaceId,
      principal_id: claim.principalId,
      route: claim.route,
      key: claim.key,
      body_mac: claim.bodyMac,
      resource_id: resourceId,
      at: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('key')
    .executeTakeFirst();
  if (inserted !== undefined) {
    await consumeQuota(trx, 'idempotencyKeys', `${claim.workspaceId} ${claim.principalId}`, now);
    return null;
  }
  const row = await trx
    .selectFrom('idempotency')
    .select(['body_mac', 'resource_id'])
    .where('workspace_id', '=', claim.workspaceId)
    .where('principal_id', '=', claim.principalId)
    .where('route', '=', claim.route)
    .where('key', '=', claim.key)
    .executeTakeFirstOrThrow();
  return { bodyMac: row.body_mac, resourceId: row.resource_id };
}

/** If a request has an idempotency key, claims it. Throws `quota_exceeded` and the errors of `refuseReplay`. */
export async function claimOrRefuseReplay(
  trx: Trx,
  claim: IdempotencyClaim | null,
  resourceId: string,
  now: number,
): Promise<void> {
  if (claim !== null) refuseReplay(claim, await claimIdempotencyKey(trx, claim, resourceId, now));
}

export async function deleteOldIdempotencyClaims(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('idempotency').where('at', '<', before).execute();
}
