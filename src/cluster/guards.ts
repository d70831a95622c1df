import type { HeartbeatResponse, RevocationFeedPage } from '../authorization/guard-lease.ts';
import type { RevocationPoint, ScheduleTimer } from '../authorization/lease.ts';
import type { Digest, StoredCredential } from '../authorization/record.ts';
import type { Revocation, RevokedRecords } from '../authorization/registry.ts';
import { Problem } from '../contract/problem.ts';
import type { LeaseRenewal, NodeStore } from './node.ts';

/** A guard asks for its lease. `applied`: up to where it has forgotten what was revoked; null with an empty memory. */
export interface Heartbeat {
  readonly id: string;
  readonly workspaceId: string;
  readonly applied: RevocationPoint | null;
  /** It has applied something since its last beat, and somebody may wait for that. */
  readonly moved: boolean;
}

/** What was revoked in one workspace after a number; one instant of the store. */
export interface WorkspaceRevocations {
  readonly head: RevocationPoint;
  /** The id of the revocation with the number asked for; empty where there is none, or none any more. */
  readonly base: string;
  /** How many of all workspaces after that number are kept. */
  readonly kept: number;
  readonly revocations: readonly Omit<Revocation, 'workspaceId'>[];
}

interface RevocationFeedReader {
  /** The revocations of one workspace after a number, at most `limit`. */
  readWorkspace(workspaceId: string, after: number, limit: number): Promise<WorkspaceRevocations>;
}

export interface GuardStore extends RevocationFeedReader, Pick<NodeStore, 'releaseLease'> {
  /** As `NodeStore.renewal`. */
  guardRenewal(
    work: (renewal: RevocationFeedReader & Pick<LeaseRenewal, 'lockCounter' | 'grant'>) => Promise<void>,
  ): Promise<void>;
}

/** The guards that beat at this server, whichever they beat at before. */
export interface Guards {
  /**
   * Gives a guard its lease if it has applied all that was revoked in its workspace, otherwise tells what
   * it has not. Throws `rate_limited` for one guard more than a workspace may have.
   */
  renewLease(beat: Heartbeat): Promise<HeartbeatResponse>;
  /** Resolves with what was revoked in the workspace after a number: as soon as something was, or empty after a while. */
  waitForRevocations(
    guard: { readonly id: string; readonly workspaceId: string },
    after: RevocationPoint,
  ): Promise<RevocationFeedPage>;
  /** What judging needs of a credential; null where the workspace has none such. */
  findRecord(workspaceId: string, digest: Digest): Promise<StoredCredential | null>;
  /** This server has applied a revocation: tells the guards that wait. */
  onRevocation(revocation: RevokedRecords): void;
  /** Takes a guard's lease away: it judges from memory no more. */
  releaseLease(id: string): Promise<void>;
  /** Answers all who wait. */
  stop(): void;
}

/** Revocations told at a time. */
const MAX_REVOCATIONS_PER_PAGE = 1000;
/** Beats in one transaction: it holds up whoever ends a credential. */
const MAX_HEARTBEATS_PER_TRANSACTION = 16;
/** How long a guard waits for news before it asks anew, milliseconds. */
const LONG_POLL_MS = 20_000;

/** What a guard that has applied `after` is told. Numbers are gapless: what is missing was pruned. */
async function readFeedPage(
  reader: RevocationFeedReader,
  workspaceId: string,
  after: RevocationPoint,
  limit: number,
): Promise<RevocationFeedPage> {
  const { head, base, kept, revocations } = await reader.readWorkspace(workspaceId, after.number, limit);
  const isOurs = head.history === after.history && base === after.id;
  const last = revocations.at(-1);
  const isCut = last !== undefined && revocations.length >= limit;
  return {
    head,
    whole: isOurs && kept === head.number - after.number,
    through: isCut ? { history: head.history, number: last.number, id: last.id } : head,
    revocations: revocations.map(({ number, digest }) => ({ number, digest })),
  };
}

interface WaitingGuard {
  readonly id: string;
  readonly workspaceId: string;
  readonly wake: () => void;
}

/**
 * The servers' half of the lease protocol with guards (`docs/adr/0011-guards-are-nodes.md`). A beat is a
 * comparison and a grant under the counter's lock, so any server can take it; waiting for news only makes
 * beats sooner, and correctness never depends on it.
 */
export function createGuards(options: {
  store: GuardStore;
  /** From the store and never from memory: a guard may have applied what this server has not. */
  read: (digest: Digest) => Promise<StoredCredential | null>;
  bound: number;
  schedule: ScheduleTimer;
}): Guards {
  const { store, read, bound, schedule } = options;
  let queue: {
    readonly beat: Heartbeat;
    readonly resolve: (answer: HeartbeatResponse) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  let running = false;
  let stopped = false;
  const waiting = new Map<string, WaitingGuard>();

  async function respondTo(
    renewal: Parameters<Parameters<GuardStore['guardRenewal']>[0]>[0],
    head: RevocationPoint,
    beat: Heartbeat,
  ) {
    const { id, workspaceId, applied, moved } = beat;
    // An empty memory has forgotten everything.
    const feedPage =
      applied === null ? null : await readFeedPage(renewal, workspaceId, applied, MAX_REVOCATIONS_PER_PAGE);
    if (feedPage !== null && (!feedPage.whole || feedPage.revocations.length > 0))
      return { granted: false as const, ...feedPage };
    const isGranted = await renewal.grant({ id, workspaceId, confirmed: head.number, bound, moved });
    if (isGranted) return { granted: true as const, confirmed: head, bound, workspaceId };
    return new Problem('rate_limited', 'The workspace has reached its maximum number of guards.', { retryAfter: 10 });
  }

  async function runBatch(batch: typeof queue): Promise<void> {
    const answers: (HeartbeatResponse | Problem)[] = [];
    try {
      await store.guardRenewal(async (renewal) => {
        const head = await renewal.lockCounter();
        for (const { beat } of batch) answers.push(await respondTo(renewal, head, beat));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    batch.forEach(({ resolve, reject }, index) => {
      const answer = answers[index];
      if (answer === undefined || answer instanceof Problem) reject(answer);
      else resolve(answer);
    });
  }

  async function processQueue(): Promise<void> {
    if (running) return;
    running = true;
    while (queue.length > 0) {
      const batch = queue.slice(0, MAX_HEARTBEATS_PER_TRANSACTION);
      queue = queue.slice(MAX_HEARTBEATS_PER_TRANSACTION);
      await runBatch(batch);
    }
    running = false;
  }

  return {
    renewLease: (beat) =>
      new Promise((resolve, reject) => {
        queue.push({ beat, resolve, reject });
        void processQueue();
      }),
    async waitForRevocations({ id, workspaceId }, after) {
      // One wait a guard: its next one ends the last.
      waiting.get(id)?.wake();
      let cancel = () => {};
      const woken = new Promise<void>((resolve) => {
        const waitingGuard: WaitingGuard = {
          id,
          workspaceId,
          wake() {
            if (waiting.get(id) === waitingGuard) waiting.delete(id);
            cancel();
            resolve();
          },
        };
        waiting.set(id, waitingGuard);
        cancel = schedule(LONG_POLL_MS, waitingGuard.wake);
        // Looked at after it waits, so that nothing falls between.
        readFeedPage(store, workspaceId, after, 1).then(
          ({ revocations, whole }) => (stopped || !whole || revocations.length > 0) && waitingGuard.wake(),
          waitingGuard.wake,
        );
      });
      await woken;
      return readFeedPage(store, workspaceId, after, MAX_REVOCATIONS_PER_PAGE);
    },
    async findRecord(workspaceId, digest) {
      const found = await read(digest);
      return found?.workspaceId === workspaceId ? found : null;
    },
    onRevocation({ workspaceId }) {
      for (const one of waiting.values()) if (one.workspaceId === workspaceId) one.wake();
    },
    releaseLease: (id) => store.releaseLease(id),
    stop() {
      stopped = true;
      for (const one of waiting.values()) one.wake();
    },
  };
}
