import type { RenewLease, RevocationFollower, RevocationPoint } from './lease.ts';
import type { Digest } from './record.ts';
import type { RevokedRecords } from './registry.ts';

/** What a guard is told of its workspace, and of no other: `digest` null is all of it. */
export interface RevocationFeedPage {
  /** The newest revocation of all workspaces. */
  readonly head: RevocationPoint;
  readonly revocations: readonly { readonly number: number; readonly digest: Digest | null }[];
  /** The revocations are all there are of the workspace up to this point. */
  readonly through: RevocationPoint;
  /** False where some were pruned, or the history is another: what was revoked in between cannot be known. */
  readonly whole: boolean;
}

export type HeartbeatResponse =
  | {
      readonly granted: true;
      readonly confirmed: RevocationPoint;
      readonly bound: number;
      readonly workspaceId: string;
    }
  | ({ readonly granted: false } & RevocationFeedPage);

/** Tries before a beat is given up: each fails only if something was revoked in the workspace during it. */
const MAX_ATTEMPTS = 16;

export function toRevokedRecords(feedPage: RevocationFeedPage, workspaceId: string): RevokedRecords[] {
  return feedPage.revocations.map(({ digest }) => ({ workspaceId, digest }));
}

/**
 * A guard's half of a beat, over any connection to any server: says up to where it has applied what was
 * revoked, and applies what it is told it has not, until the server finds nothing missing.
 * `beat` sends one question; `moved` tells whether somebody may wait for what was applied since the last lease.
 */
export function renewOverConnection(
  sendHeartbeat: (applied: RevocationPoint | null, moved: boolean) => Promise<HeartbeatResponse>,
): RenewLease {
  let confirmed: RevocationPoint | null = null;
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
      return { bound: response.bound };
    }
    throw new Error('Too many revocations for this connection.');
  };
}
