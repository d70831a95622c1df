import type { Lease } from '../authorization/registry.ts';
import type { ReadinessFailure } from '../http/app-context.ts';
import type { Store } from '../store/store.ts';
import { type ClockSkew, SKEW_LIMIT_MS } from './clock-skew.ts';

/** Returns the reasons why this node is not ready; empty if it is. */
export async function findReadinessFailures(store: Store, lease: Lease, skew: ClockSkew): Promise<ReadinessFailure[]> {
  const failures: ReadinessFailure[] = [];
  try {
    await store.queryFirst('select 1 as one', []);
  } catch {
    failures.push({ reason: 'store_unreachable', detail: 'The database cannot be reached.' });
  }
  const fault = store.fault?.() ?? null;
  if (fault !== null) failures.push({ reason: 'store_fault', detail: fault });
  if (!lease.holds()) {
    failures.push({ reason: 'no_lease', detail: 'This node holds no lease: it has lost contact with the database.' });
  }
  if (skew.exceedsLimit()) {
    const limit = SKEW_LIMIT_MS / 1000;
    failures.push({
      reason: 'clock_skew',
      detail: `The clock of this node differs from the database's by more than ${limit} s: synchronize both (NTP).`,
    });
  }
  return failures;
}
