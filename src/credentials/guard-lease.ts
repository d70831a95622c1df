import type { Following, Point, Renew } from './lease.ts';
import type { Digest } from './record.ts';
import type { RevokedRecords } from './registry.ts';

/** What a guard is told of its workspace, and of no other: `digest` null is all of it. */
export interface News {
  /** The newest revocation of all workspaces. */
  readonly head: Point;
  readonly revocations: readonly { readonly number: number; readonly digest: Digest | null }[];
  /** The revocations are all there are of the workspace up to this point. */
  readonly through: Point;
  /** False where some were pruned, or the history is another: what was revoked in between cannot be known. */
  readonly whole: boolean;
}

export type BeatAnswer =
  | { readonly granted: true; readonly confirmed: Point; readonly bound: number; readonly workspaceId: string }
  | ({ readonly granted: false } & News);

/** Tries before a beat is given up: each fails only if something was revoked in the workspace during it. */
const TRIES = 16;

export function revocationsIn(news: News, workspaceId: string): RevokedRecords[] {
  return news.revocations.map(({ digest }) => ({ workspaceId, digest }));
}

/**
 * A guard's half of a beat, over any connection to any server: says up to where it has applied what was
 * revoked, and applies what it is told it has not, until the server finds nothing missing.
 * `beat` sends one question; `moved` tells whether somebody may wait for what was applied since the last lease.
 */
export function renewOver(beat: (applied: Point | null, moved: boolean) => Promise<BeatAnswer>): Renew {
  let confirmed: Point | null = null;
  let workspaceId = '';

  function follow(following: Following, news: News): void {
    if (news.whole) following.apply(revocationsIn(news, workspaceId), news.through);
    else following.startOver(news.head);
  }

  return async (following) => {
    for (let left = TRIES; left > 0; left--) {
      const applied = following.applied();
      const answer = await beat(applied, applied?.number !== confirmed?.number);
      if (!answer.granted) {
        follow(following, answer);
        continue;
      }
      ({ confirmed, workspaceId } = answer);
      if (applied === null) following.startOver(confirmed);
      else following.apply([], confirmed);
      return { bound: answer.bound };
    }
    throw new Error('More is revoked than this connection can follow.');
  };
}
