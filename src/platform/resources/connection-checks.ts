import { createFairShareLimiter } from '../../contract/fair-share-limiter.ts';
import { Problem } from '../../contract/problem.ts';

/**
 * Maximum number of concurrent checks on this node, for all workspaces together. Each check can run ssh processes for
 * many seconds.
 */
const MAX_CONNECTION_CHECKS = 16;
const limiter = createFairShareLimiter(MAX_CONNECTION_CHECKS);

/** Runs a check that connects to a host. Throws `rate_limited` if too many checks of the workspace are in progress. */
export async function runConnectionCheck<T>(workspaceId: string, check: () => Promise<T>): Promise<T> {
  const release = limiter.acquire(workspaceId);
  if (release === null)
    throw new Problem('rate_limited', 'Too many connection checks are in progress. Try again later.', {
      retryAfter: 10,
    });
  try {
    return await check();
  } finally {
    release();
  }
}
