import type { RenewLease, RevocationFollower, RevocationPoint } from './lease.ts';
import type { Digest } from './record.ts';
import type { RevokedRecords } from './registry.ts';

/**
 * Revocations in the workspace of a guard after the point that the guard has sent. A null `digest` revokes all
 * credentials of the workspace.
 */
export interface RevocationFeedPage {
  /** The newest revocation across all workspaces. */
  readonly head: RevocationPoint;
  readonly revocations: readonly { readonly number: number; readonly digest: Digest | null }[];
  /** The list contains every revocation of the workspace from that point up to this one. */
  readonly through: RevocationPoint;
  /** False if revocations were pruned or the history differs, so that some may be missing from the list. */
  readonly whole: boolean;
}

export type HeartbeatResponse =
  | {
      readonly granted: true;
      /** The newest revocation; the guard has applied all revocations of its workspace up to it. */
      readonly confirmed: RevocationPoint;
      /** Duration of the lease in milliseconds. */
      readonly bound: number;
      readonly workspaceId: string;
    }
  | ({ readonly granted: false } & RevocationFeedPage);

/**
 * Maximum number of attempts per heartbeat. Another attempt follows only if the node returned revocations instead of
 * a lease.
 */
const MAX_ATTEMPTS = 16;

export function toRevokedRecords(feedPage: RevocationFeedPage, workspaceId: string): RevokedRecords[] {
  return feedPage.revocations.map(({ digest }) => ({ workspaceId, digest }));
}

/**
 * Returns the function that renews a guard's lease over a connection to any Devpilot node. It sends the revocation
 * point up to which the guard has applied revocations, and applies the revocations in the response, until none is
 * missing and the node grants the lease (`docs/adr/0011-guards-are-nodes.md`). It rejects after `MAX_ATTEMPTS`
 * attempts, and with the errors of `sendHeartbeat`. `sendHeartbeat` sends one request; `advanced` is true if the point
 * has changed since the previous grant, in which case a deletion may be waiting for the guard to confirm it.
 */
export function createLeaseRenewal(
  sendHeartbeat: (applied: RevocationPoint | null, advanced: boolean) => Promise<HeartbeatResponse>,
): RenewLease {
  let confirmed: RevocationPoint | null = null;
  /** Empty before the first grant. Until then the guard's cache is empty, so nothing is removed from it. */
  let workspaceId = '';

  function applyFeedPage(follower: RevocationFollower, feedPage: RevocationFeedPage): void {
    if (feedPage.whole) follower.apply(toRevokedRecords(feedPage, workspaceId), feedPage.through);
    else follower.reset(feedPage.head);
  }

  return async (follower) => {
    for (let attemptsLeft = MAX_ATTEMPTS; attemptsLeft > 0; attemptsLeft--) {
      const applied = follower.applied();
      const response = await sendHeartbeat(applied, applied?.number !== confirmed?.number);
      if (!response.granted) {
        applyFeedPage(follower, response);
        continue;
      }
      ({ confirmed, workspaceId } = response);
      if (applied === null) follower.reset(confirmed);
      else follower.apply([], confirmed);
      return { leaseMs: response.bound };
    }
    throw new Error('Too many revocations for this connection.');
  };
}
