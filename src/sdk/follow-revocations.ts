import { toRevokedRecords } from '../authorization/guard-lease.ts';
import type { RenewingLease } from '../authorization/lease.ts';
import type { GuardConnection } from './connection.ts';
import { scheduleTimer } from './timer.ts';

/** A request that ends within this time was not a long poll that timed out. */
const IMMEDIATE_RESPONSE_MS = 1000;
/** The pause after failures is this, doubled once per consecutive failure, at most `MAX_DOUBLINGS` times. */
const BASE_PAUSE_MS = 50;
const MAX_DOUBLINGS = 7;

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
    // Only a fast end without progress counts as a failure. A slow end without progress is a long poll that timed out.
    const hasFailed = !hasAdvanced && performance.now() - sentAtMs <= IMMEDIATE_RESPONSE_MS;
    failures = hasFailed ? Math.min(failures + 1, MAX_DOUBLINGS) : 0;
    if (failures === 0) continue;
    const pauseMs = BASE_PAUSE_MS * 2 ** failures * (0.5 + Math.random());
    await new Promise<void>((resolve) => scheduleTimer(pauseMs, resolve));
  }
}
