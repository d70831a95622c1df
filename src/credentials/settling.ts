import { Problem } from '../contract/problem.ts';
import type { Clocks, Schedule } from './lease.ts';
import type { LiveNode, Look, NodeStore, Numbered } from './node.ts';
import type { Receipt } from './store.ts';

/** Nobody's confirmation is waited for longer than this before looking again, milliseconds. */
const POLL = 25;
/** How long the store may be out of reach before whoever waits is told that nothing is known. */
const PATIENCE = 15_000;

interface Waiter {
  readonly revocation: Numbered;
  /** Whose guards it waits for; null for everybody's. */
  readonly workspaceId: string | null;
  readonly since: number;
  /** The most nodes with a lease that were seen while it waited. */
  nodes: number;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: unknown) => void;
}

export interface Settling {
  /**
   * Resolves when every server and every guard of the workspace (null: of any) with a lease has confirmed the
   * revocation. Rejects with `unavailable` when that cannot be found out in time, or the store has lost it.
   */
  settle(revocation: Numbered, workspaceId: string | null): Promise<Receipt>;
  /** Tells which history the store is in. */
  see(history: string): void;
  /** Looks now. */
  look(): void;
  stop(): void;
}

/**
 * Waits for the confirmations of others. All who wait share one look at the nodes, and only at a look
 * that began after they came: what was read before their commit proves nothing. A database that came back
 * older than it was does not know the last leases that were granted: a history that this process has not
 * seen for a whole bound may have such leases, and nobody is answered before they have run out.
 */
export function createSettling(options: {
  store: Pick<NodeStore, 'look'>;
  bound: number;
  /** Nobody can hold a lease that the first history seen does not know. */
  isNew: boolean;
  clocks: Pick<Clocks, 'monotonic'>;
  schedule: Schedule;
}): Settling {
  const { store, bound, isNew, clocks, schedule } = options;
  let history: string | null = null;
  /** When forgotten leases have run out, on the monotonic clock. */
  let certainAt = Number.POSITIVE_INFINITY;
  let waiting: Waiter[] = [];
  let looking = false;
  let again = false;
  let cancel = () => {};

  function unknown(cause?: unknown): Problem {
    const detail = 'It is done, but not every node has confirmed it yet. Try again to be told.';
    return new Problem('unavailable', detail, { retryAfter: 1, cause });
  }

  function see(seen: string): void {
    if (seen === history) return;
    certainAt = history === null && isNew ? clocks.monotonic() : clocks.monotonic() + bound;
    history = seen;
  }

  /** Answers those whose wait is over, and returns the others. */
  function answer(waiters: readonly Waiter[], { live: all, lost }: Look): Waiter[] {
    return waiters.filter((waiter) => {
      if (lost.includes(waiter.revocation.id)) {
        waiter.reject(new Problem('unavailable', 'The database came back without this change.', { retryAfter: 1 }));
        return false;
      }
      if (clocks.monotonic() < certainAt) return true;
      const live = all.filter((node) => concerns(node, waiter));
      waiter.nodes = Math.max(waiter.nodes, live.length);
      const confirmed = live.filter((node) => node.confirmed >= waiter.revocation.number).length;
      if (confirmed < live.length) return true;
      const ms = Math.round(clocks.monotonic() - waiter.since);
      waiter.resolve({ nodes: waiter.nodes, confirmed, ms });
      return false;
    });
  }

  /** Another workspace's guards hold nobody up here, however slow they are. */
  const concerns = (node: LiveNode, { workspaceId }: Waiter) =>
    node.workspaceId === null || workspaceId === null || node.workspaceId === workspaceId;

  function giveUp(waiters: readonly Waiter[], cause: unknown): Waiter[] {
    return waiters.filter((waiter) => {
      if (clocks.monotonic() - waiter.since < bound + PATIENCE) return true;
      waiter.reject(unknown(cause));
      return false;
    });
  }

  async function lookOnce(): Promise<void> {
    const mine = waiting;
    waiting = [];
    let rest: Waiter[];
    let pause = POLL;
    try {
      const workspaceIds = mine.map(({ workspaceId }) => workspaceId).filter((id) => id !== null);
      const seen = await store.look(
        workspaceIds.length < mine.length ? null : [...new Set(workspaceIds)],
        mine.map(({ revocation }) => revocation),
      );
      see(seen.history);
      rest = answer(mine, seen);
      const uncertain = certainAt - clocks.monotonic();
      pause = uncertain > 0 ? uncertain : Math.min(POLL, ...seen.live.map((node) => node.left + 1));
    } catch (error) {
      rest = giveUp(mine, error);
    }
    waiting = [...rest, ...waiting];
    if (waiting.length > 0) cancel = schedule(Math.max(1, pause), look);
  }

  function look(): void {
    if (looking) again = true;
    if (looking || waiting.length === 0) return;
    cancel();
    looking = true;
    void lookOnce().then(() => {
      looking = false;
      if (!again) return;
      again = false;
      look();
    });
  }

  return {
    see,
    settle(revocation, workspaceId) {
      return new Promise((resolve, reject) => {
        waiting.push({ revocation, workspaceId, since: clocks.monotonic(), nodes: 0, resolve, reject });
        look();
      });
    },
    look,
    stop() {
      cancel();
      for (const waiter of waiting) waiter.reject(unknown());
      waiting = [];
    },
  };
}
