import { redactSecrets } from '../../contract/redact.ts';
import { createShares } from '../../contract/shares.ts';
import { SECOND } from '../../contract/words.ts';
import { countJobs, hasWork, lockLostJob, lockOwned, renewLeases, takeJob, updateJob } from '../../store/jobs.ts';
import type { JobTable } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import {
  type AbortCause,
  createQueue,
  factsOf,
  JobAborted,
  type JobEnd,
  JobFailure,
  type JobKind,
  type Jobs,
  type Parked,
  type RunningJob,
} from './jobs.ts';

export interface JobOptions {
  readonly store: Store;
  readonly clock: () => number;
  /** This process: new at every start. */
  readonly nodeId: string;
  readonly onError: (error: unknown) => void;
  /** Told of each job that ended here. */
  readonly onEnd?: (kind: string, status: JobEnd['status']) => void;
  /** Milliseconds. The defaults are for everything but tests. */
  readonly lease?: number;
  readonly beat?: number;
}

/** Longer than a server waits for a sign of life (runner), so that nothing runs twice when a lease runs out. */
const LEASE = 15 * SECOND;
const BEAT = SECOND;
/** Jobs that one node has at a time, over all workspaces; one workspace alone has half of them. */
const AT_ONCE = 64;
/** A job that takes so many nodes down with it is not given to another. */
const LOSSES = 3;
/** Jobs under way are given so long to end by themselves when this process stops, then so long to clean up. */
const STOP_GRACE = SECOND;
const STOP_WITHIN = 3 * SECOND;

const WORDS = {
  lost: 'The node that ran this is gone.',
  stopped: 'Devpilot was stopped while this ran.',
  unknown: 'Something went wrong here. The log of the server says what.',
} as const;

interface Held {
  readonly row: JobTable;
  readonly abort: AbortController;
  readonly gone: AbortController;
  over: Promise<void>;
}

/** The queue and this node's hands. */
export interface JobWorker extends Jobs {
  start(): void;
  /** Takes nothing new, gives what runs a moment, then gives it back: resumable jobs to other nodes. */
  stop(): Promise<void>;
  /** Jobs that run on this node. */
  running(): number;
  /** Jobs that wait and that run, over all nodes. */
  figures(): Promise<{ waiting: number; running: number; dueSince: number | null }>;
}

/** What a failure is told as. */
function wordsFor(error: unknown): string {
  if (error instanceof JobFailure) return redactSecrets(error.message);
  return WORDS.unknown;
}

/**
 * Takes jobs out of the queue and runs them, each on one node at a time. A node proves by beats that it
 * is there; one that can't beat gives its jobs up before its lease runs out, and only then another takes
 * them over.
 */
export function createJobs(options: JobOptions): JobWorker {
  const { store, clock, nodeId: owner, onError } = options;
  const lease = options.lease ?? LEASE;
  const beat = options.beat ?? BEAT;
  const kinds = new Map<string, JobKind>();
  const held = new Map<string, Held>();
  const shares = createShares(AT_ONCE);
  const isHeld = (row: JobTable) => row.owner === owner && held.has(row.id);
  const queue = createQueue(clock, (name) => kinds.get(name));
  let lastBeat = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let guard: NodeJS.Timeout | undefined;
  let ticking: Promise<void> | null = null;
  let again = false;
  let stopping = false;

  function abort(job: Held, why: AbortCause, message: string): void {
    const reason = new JobAborted(why, message);
    if (why === 'lost' || why === 'stopped') job.gone.abort(reason);
    job.abort.abort(reason);
  }

  /** What a running job holds alone may be taken over when the lease runs out: it is given up before. */
  function fence(): void {
    if (store.engine === 'sqlite' || performance.now() - lastBeat < lease * 0.8) return;
    for (const job of held.values()) abort(job, 'lost', 'This node has lost touch with the store.');
  }

  /** The row and what hangs on it, in one transaction; nothing where this node has lost it. */
  async function finish(row: JobTable, end: JobEnd): Promise<void> {
    const over = await store.transaction(async (trx) => {
      if ((await lockOwned(trx, row, owner)) === undefined) return false;
      const { status, error, at } = end;
      await updateJob(trx, row, { status, error, finished_at: at, owner: null, lease_until: null }, 'left');
      await kinds.get(row.kind)?.settle(trx, factsOf(row), end);
      return true;
    });
    if (over) options.onEnd?.(row.kind, end.status);
  }

  async function putBack(
    row: JobTable,
    runAt: number,
    lanes: 'freed' | 'alone',
    failures = row.failures,
  ): Promise<void> {
    await store.transaction(async (trx) => {
      if ((await lockOwned(trx, row, owner)) === undefined) return;
      const set = { status: 'waiting', owner: null, lease_until: null, run_at: runAt, failures };
      await updateJob(trx, row, set, lanes);
    });
  }

  /** Whoever ends the waiting locks the job too, so that either they see it parked or this sees what they did. */
  async function park(row: JobTable, parked: Parked): Promise<void> {
    await store.transaction(async (trx) => {
      const current = await lockOwned(trx, row, owner);
      if (current === undefined) return;
      const waits = current.cancel === null && (await parked.still(trx));
      const runAt = waits ? parked.until : clock();
      await updateJob(trx, row, { status: 'waiting', owner: null, lease_until: null, run_at: runAt }, 'alone');
    });
  }

  /** What becomes of a job whose `run` has ended. */
  async function conclude(kind: JobKind, job: Held, result: Parked | undefined, failure: unknown): Promise<void> {
    const { row } = job;
    const reason: unknown = job.abort.signal.reason;
    const aborted = reason instanceof JobAborted ? reason : null;
    if (failure === undefined) {
      if (aborted?.why === 'lost') return;
      if (result === undefined) return finish(row, { status: 'completed', error: null, at: clock() });
      return park(row, result);
    }
    if (aborted === null) {
      if (!(failure instanceof JobFailure)) onError(failure);
      if (row.failures < row.retries) {
        const wait = row.retry_after * 2 ** row.failures;
        return putBack(row, clock() + wait, 'freed', row.failures + 1);
      }
      return finish(row, { status: 'failed', error: wordsFor(failure), at: clock() });
    }
    if (aborted.why === 'lost') return;
    if (aborted.why === 'stopped' && kind.resumable) return putBack(row, clock(), 'alone');
    const status = aborted.why === 'cancelled' ? 'cancelled' : 'failed';
    // What it says when it could not clean up is told too.
    const error = failure instanceof JobFailure ? `${aborted.message} ${wordsFor(failure)}` : aborted.message;
    return finish(row, { status, error, at: clock() });
  }

  async function perform(kind: JobKind, job: Held): Promise<void> {
    const { row } = job;
    const late =
      row.time_limit === null
        ? undefined
        : setTimeout(
            () =>
              abort(job, 'time_limit', `It took longer than ${Math.round((row.time_limit ?? 0) / SECOND)} seconds.`),
            row.time_limit,
          );
    const running: RunningJob = {
      ...factsOf(row),
      signal: job.abort.signal,
      gone: job.gone.signal,
      write: (work) =>
        store.transaction(async (trx) => {
          if ((await lockOwned(trx, row, owner)) === undefined) throw new JobAborted('lost', WORDS.lost);
          return work(trx);
        }),
    };
    let result: Parked | undefined;
    let failure: unknown;
    try {
      result = await kind.run(running);
    } catch (error) {
      failure = error ?? new Error('It failed without a word.');
    }
    clearTimeout(late);
    // The store may be away for a moment; the lease says for how long that can be borne.
    for (let left = 5; ; left--) {
      try {
        await conclude(kind, job, result, failure);
        return;
      } catch (error) {
        onError(error);
        if (left === 0 || job.gone.signal.aborted) return;
        await new Promise((resolve) => setTimeout(resolve, beat));
      }
    }
  }

  function hold(row: JobTable): void {
    const kind = kinds.get(row.kind);
    const leave = kind === undefined ? null : shares.take(row.workspace_id);
    if (kind === undefined || leave === null) return;
    const job: Held = { row, abort: new AbortController(), gone: new AbortController(), over: Promise.resolve() };
    held.set(row.id, job);
    if (row.cancel !== null) abort(job, 'cancelled', row.cancel);
    job.over = perform(kind, job)
      .catch(onError)
      .finally(() => {
        held.delete(row.id);
        leave();
        wake();
      });
  }

  /** Proves that this node is there, and hears what is to end. */
  async function renew(): Promise<void> {
    const started = performance.now();
    if (held.size === 0) {
      lastBeat = started;
      return;
    }
    const before = [...held.values()];
    const ids = before.filter((job) => !job.gone.signal.aborted).map((job) => job.row.id);
    const rows = await store.transaction((trx) => renewLeases(trx, owner, ids, lease, clock()));
    lastBeat = started;
    const mine = new Map(rows.map((row) => [row.id, row]));
    for (const job of before) {
      const row = mine.get(job.row.id);
      if (row === undefined || row.attempt !== job.row.attempt) abort(job, 'lost', WORDS.lost);
      else if (row.cancel !== null && !job.abort.signal.aborted) abort(job, 'cancelled', row.cancel);
    }
  }

  /** Takes over, or ends, one job of a node that is gone. */
  async function takeOver(): Promise<boolean> {
    const ended = await store.transaction(async (trx) => {
      const row = await lockLostJob(trx, [...kinds.keys()], isHeld, clock());
      if (row === undefined) return null;
      const kind = kinds.get(row.kind);
      const losses = row.losses + 1;
      if (kind?.resumable === true && losses < LOSSES) {
        const set = { status: 'waiting', owner: null, lease_until: null, losses, run_at: clock() };
        await updateJob(trx, row, set, 'alone');
        return { kind: null };
      }
      const at = clock();
      const set = { status: 'failed', error: WORDS.lost, finished_at: at, owner: null, lease_until: null, losses };
      await updateJob(trx, row, set, 'left');
      await kind?.settle(trx, factsOf(row), { status: 'failed', error: WORDS.lost, at });
      return { kind: row.kind };
    });
    if (ended === null) return false;
    if (ended.kind !== null) options.onEnd?.(ended.kind, 'failed');
    return true;
  }

  async function look(): Promise<void> {
    const takes = () => ({ kinds: [...kinds.keys()], fullWorkspaces: shares.full() });
    if (held.size >= AT_ONCE || !(await hasWork(store.read, takes(), isHeld, clock()))) return;
    while (await takeOver());
    while (!stopping && held.size < AT_ONCE) {
      const row = await store.transaction((trx) => takeJob(trx, takes(), owner, lease, clock()));
      if (row === undefined) return;
      hold(row);
    }
  }

  async function tick(): Promise<void> {
    await renew();
    if (!stopping) await look();
  }

  /** One beat at a time; a wake-up during one is followed by another. */
  function wake(): void {
    if (timer === undefined) return;
    if (ticking !== null) {
      again = true;
      return;
    }
    ticking = tick()
      .catch(onError)
      .finally(() => {
        ticking = null;
        if (!again) return;
        again = false;
        wake();
      });
  }

  return {
    ...queue,
    register(kind) {
      kinds.set(kind.name, kind);
    },
    wake,
    start() {
      lastBeat = performance.now();
      timer = setInterval(wake, beat);
      guard = setInterval(fence, Math.min(beat, 500));
      wake();
    },
    async stop() {
      stopping = true;
      const all = [...held.values()];
      const over = Promise.all(all.map((job) => job.over));
      const within = (span: number) => Promise.race([over, new Promise((resolve) => setTimeout(resolve, span))]);
      if (all.length > 0) await within(STOP_GRACE);
      for (const job of held.values()) abort(job, 'stopped', WORDS.stopped);
      if (held.size > 0) await within(STOP_WITHIN);
      clearInterval(timer);
      clearInterval(guard);
      timer = undefined;
      await ticking;
    },
    running: () => held.size,
    figures: () => countJobs(store.read, clock()),
  };
}
