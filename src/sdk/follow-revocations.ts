import { toRevokedRecords } from '../authorization/guard-lease.ts';
import type { RenewingLease } from '../authorization/lease.ts';
import type { GuardConnection } from './connection.ts';
import { scheduleTimer } from './timer.ts';

/** A response within this time counts as immediate. */
const IMMEDIATE_RESPONSE_MS = 1000;

/** Waits for revocations and applies them. Returns whether the guard has advanced in the feed. */
async function pollRevocations(
  connection: () => GuardConnection,
  lease: RenewingLease,
  workspaceId: string | null,
  signal: AbortSignal,
): Promise<boolean> {
  const since = lease.applied();
  if (since === null || workspaceId === null) return false;
  const feedPage = await connection().waitForRevocations(since, signal);
  if (feedPage.whole) lease.applyRevocations(since, toRevokedRecords(feedPage, workspaceId), feedPage.through);
  if (!feedPage.whole || feedPage.revocations.length > 0) lease.renewNow();
  return lease.applied() !== since;
}

/** Applies revocations to the lease's cache as they happen, until `signal` is aborted. */
export async function followRevocations(
  connection: () => GuardConnection,
  lease: RenewingLease,
  workspaceId: () => string | null,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    const sentAtMs = performance.now();
    const hasAdvanced = await pollRevocations(connection, lease, workspaceId(), signal).catch(() => false);
    // Back off after an immediate response without progress, as after a failure.
    failures = hasAdvanced || performance.now() - sentAtMs > IMMEDIATE_RESPONSE_MS ? 0 : Math.min(failures + 1, 7);
    if (failures === 0) continue;
    await new Promise<void>((resolve) => scheduleTimer(50 * 2 ** failures * (0.5 + Math.random()), resolve));
  }
}
