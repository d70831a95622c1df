import { createFairShareLimiter } from '../contract/fair-share-limiter.ts';
import { SECOND } from '../contract/limits.ts';
import { redactSecrets } from '../contract/redact.ts';
import {
  claimJob,
  countJobs,
  hasClaimableJob,
  lockLostJob,
  lockOwnedJob,
  renewLeases,
  updateJob,
} from '../store/jobs.ts';
import type { JobTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import {
  type AbortReason,
  createJobQueue,
  JobAborted,
  type JobEnd,
  JobFailure,
  type JobKind,
  type JobQueue,
  type RunningJob,
  type Suspension,
  toJob,
} from './jobs.ts';

export interface JobWorkerOptions {
  readonly store: Store;
  readonly clock: () => number;
  /** Identifies this process; new on every start. */
  readonly nodeId: string;
  readonly onError: (error: unknown) => void;
  /** Called for each job that ended on this node. */
  readonly onJobEnd?: (kind: string, status: JobEnd['status']) => void;
  /** Milliseconds. Only tests override the defaults. */
  readonly leaseMs?: number;
  readonly heartbeatMs?: number;
}

/** Longer than `HEARTBEAT_TIMEOUT_SECONDS` of the runner, so that no step still runs when another node takes over. */
const DEFAULT_LEASE_MS = 15 * SECOND;
const DEFAULT_HEARTBEAT_MS = SECOND;
/** Maximum jobs of one node over all workspaces; one workspace alone gets half of them. */
const MAX_CONCURRENT_JOBS = 64;
/** A job whose node was lost this often is failed instead of taken over again. */
const MAX_LOSSES = 3;
/** When this process stops, running jobs get this long to finish, and then this long to clean up. */
const STOP_GRACE_MS = SECOND;
const CLEANUP_TIMEOUT_MS = 3 * SECOND;

const MESSAGES = {
  lost: 'The node that ran this was lost.',
  stopped: 'Devpilot was stopped while this was running.',
  unknown: 'Internal error. See the server log.',
} as const;

interface HeldJob {
  readonly row: JobTable;
  readonly abortController: AbortController;
  readonly fenceController: AbortController;
  finished: Promise<void>;
}

/** The queue, and the worker that runs its jobs on this node. */
export interface JobWorker extends JobQueue {
  start(): void;
  /** Stops claiming jobs, lets running ones finish briefly, then releases them: resumable jobs to other nodes. */
  stop(): Promise<void>;
  /** Returns the number of jobs running on this node. */
  running(): number;
  /** Counts the waiting and running jobs on all nodes; `dueSince` is when the longest-waiting due job became due. */
  counts(): Promise<{ waiting: number; running: number; dueSince: number | null }>;
}

/** Returns the message for users of a failure. */
function failureMessage(error: unknown): string {
  if (error instanceof JobFailure) return redactSecrets(error.message);
  return MESSAGES.unknown;
}

/**
 * Claims jobs from the queue and runs each on one node at a time. Heartbeats prove that a node is alive; a node that
 * cannot send them gives up its jobs before its lease expires, and only then does another node take them over.
 */
export function createJobWorker(options: JobWorkerOptions): JobWorker {
  const { store, clock, nodeId: owner, onError } = options;
  const leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
  const heartbeatMs = options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS;
  const kinds = new Map<string, JobKind>();
  const held = new Map<string, HeldJob>();
  const limiter = createFairShareLimiter(MAX_CONCURRENT_JOBS);
  const isHeld = (row: JobTable) => row.owner === owner && held.has(row.id);
  const queue = createJobQueue(clock, (name) => kinds.get(name));
  let lastHeartbeatMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let fenceTimer: NodeJS.Timeout | undefined;
  let ticking: Promise<void> | null = null;
  let tickAgain = false;
  let stopping = false;
  let stopped: Promise<void> | null = null;

  function abort(job: HeldJob, abortReason: AbortReason, message: string): void {
    const reason = new JobAborted(abortReason, message);
    if (abortReason === 'lost' || abortReason === 'stopped') job.fenceController.abort(reason);
    job.abortController.abort(reason);
  }

  /** Aborts all jobs before the lease expires, because other nodes may take them over from then on. */
  function fence(): void {
    if (store.engine === 'sqlite' || performance.now() - lastHeartbeatMs < leaseMs * 0.8) return;
    for (const job of held.values()) abort(job, 'lost', 'This node has lost contact with the database.');
  }

  /** Ends a job and updates its kind's rows in one transaction; does nothing if this node has lost the job. */
  async function finishJob(row: JobTable, end: JobEnd): Promise<void> {
    const wasOwned = await store.transaction(async (trx) => {
      if ((await lockOwnedJob(trx, row, owner)) === undefined) return false;
      const { status, error, endedAt } = end;
      await updateJob(trx, row, { status, error, finished_at: endedAt, owner: null, lease_until: null }, 'left');
      await kinds.get(row.kind)?.finalize(trx, toJob(row), end);
      return true;
    });
    if (wasOwned) options.onJobEnd?.(row.kind, end.status);
  }

  async function requeue(
    row: JobTable,
    runAt: number,
    lanes: 'freed' | 'alone',
    failures = row.failures,
  ): Promise<void> {
    await store.transaction(async (trx) => {
      if ((await lockOwnedJob(trx, row, owner)) === undefined) return;
      const set = { status: 'waiting', owner: null, lease_until: null, run_at: runAt, failures };
      await updateJob(trx, row, set, lanes);
    });
  }

  /**
   * Suspends a job. `resume` locks the job too, so it either sees the job suspended or `shouldWait` sees its change.
   */
  async function suspend(row: JobTable, suspension: Suspension): Promise<void> {
    await store.transaction(async (trx) => {
      const current = await lockOwnedJob(trx, row, owner);
      if (current === undefined) return;
      const shouldWait = current.cancel === null && (await suspension.shouldWait(trx));
      const runAt = shouldWait ? suspension.until : clock();
      await updateJob(trx, row, { status: 'waiting', owner: null, lease_until: null, run_at: runAt }, 'alone');
    });
  }

  /** Applies the outcome of `run`. */
  async function applyResult(
    kind: JobKind,
    job: HeldJob,
    result: Suspension | undefined,
    failure: unknown,
  ): Promise<void> {
    const { row } = job;
    const reason: unknown = job.abortController.signal.reason;
    const aborted = reason instanceof JobAborted ? reason : null;
    if (failure === undefined) {
      if (aborted?.reason === 'lost') return;
      if (result === undefined) return finishJob(row, { status: 'completed', error: null, endedAt: clock() });
      return suspend(row, result);
    }
    if (aborted === null) {
      if (!(failure instanceof JobFailure)) onError(failure);
      if (row.failures < row.retries) {
        const delayMs = row.retry_after * 2 ** row.failures;
        return requeue(row, clock() + delayMs, 'freed', row.failures + 1);
      }
      return finishJob(row, { status: 'failed', error: failureMessage(failure), endedAt: clock() });
    }
    if (aborted.reason === 'lost') return;
    if (aborted.reason === 'stopped' && kind.resumable) return requeue(row, clock(), 'alone');
    const status = aborted.reason === 'cancelled' ? 'cancelled' : 'failed';
    // Includes the message of a failed cleanup.
    const error = failure instanceof JobFailure ? `${aborted.message} ${failureMessage(failure)}` : aborted.message;
    return finishJob(row, { status, error, endedAt: clock() });
  }

  async function runJob(kind: JobKind, job: HeldJob): Promise<void> {
    const { row } = job;
    const timeLimitTimer =
      row.time_limit === null
        ? undefined
        : setTimeout(
            () =>
              abort(job, 'time_limit', `It took longer than ${Math.round((row.time_limit ?? 0) / SECOND)} seconds.`),
            row.time_limit,
          );
    const running: RunningJob = {
      ...toJob(row),
      signal: job.abortController.signal,
      fenceSignal: job.fenceController.signal,
      transaction: (work) =>
        store.transaction(async (trx) => {
          if ((await lockOwnedJob(trx, row, owner)) === undefined) throw new JobAborted('lost', MESSAGES.lost);
          return work(trx);
        }),
    };
    let result: Suspension | undefined;
    let failure: unknown;
    try {
      result = await kind.run(running);
    } catch (error) {
      failure = error ?? new Error('It failed without an error.');
    }
    clearTimeout(timeLimitTimer);
    // The store may be briefly unavailable; the lease bounds how long that can be tolerated.
    for (let attemptsLeft = 5; ; attemptsLeft--) {
      try {
        await applyResult(kind, job, result, failure);
        return;
      } catch (error) {
        onError(error);
        if (attemptsLeft === 0 || job.fenceController.signal.aborted) return;
        await new Promise((resolve) => setTimeout(resolve, heartbeatMs));
      }
    }
  }

  function startJob(row: JobTable): void {
    const kind = kinds.get(row.kind);
    const release = kind === undefined ? null : limiter.acquire(row.workspace_id);
    if (kind === undefined || release === null) return;
    const job: HeldJob = {
      row,
      abortController: new AbortController(),
      fenceController: new AbortController(),
      finished: Promise.resolve(),
    };
    held.set(row.id, job);
    if (row.cancel !== null) abort(job, 'cancelled', row.cancel);
    job.finished = runJob(kind, job)
      .catch(onError)
      .finally(() => {
        held.delete(row.id);
        release();
        wake();
      });
  }

  /** Renews the leases of this node's jobs, and aborts those that were lost or cancelled. */
  async function sendHeartbeat(): Promise<void> {
    const startedAtMs = performance.now();
    if (held.size === 0) {
      lastHeartbeatMs = startedAtMs;
      return;
    }
    const before = [...held.values()];
    const ids = before.filter((job) => !job.fenceController.signal.aborted).map((job) => job.row.id);
    const rows = await store.transaction((trx) => renewLeases(trx, owner, ids, leaseMs, clock()));
    lastHeartbeatMs = startedAtMs;
    const mine = new Map(rows.map((row) => [row.id, row]));
    for (const job of before) {
      const row = mine.get(job.row.id);
      if (row === undefined || row.attempt !== job.row.attempt) abort(job, 'lost', MESSAGES.lost);
      else if (row.cancel !== null && !job.abortController.signal.aborted) abort(job, 'cancelled', row.cancel);
    }
  }

  /** Takes over, or fails, one job of a lost node. Returns whether there was one. */
  async function takeOverLostJob(): Promise<boolean> {
    const endedJob = await store.transaction(async (trx) => {
      const row = await lockLostJob(trx, [...kinds.keys()], isHeld, clock());
      if (row === undefined) return null;
      const kind = kinds.get(row.kind);
      const losses = row.losses + 1;
      if (kind?.resumable === true && losses < MAX_LOSSES) {
        const set = { status: 'waiting', owner: null, lease_until: null, losses, run_at: clock() };
        await updateJob(trx, row, set, 'alone');
        return { kind: null };
      }
      const now = clock();
      const set = { status: 'failed', error: MESSAGES.lost, finished_at: now, owner: null, lease_until: null, losses };
      await updateJob(trx, row, set, 'left');
      await kind?.finalize(trx, toJob(row), { status: 'failed', error: MESSAGES.lost, endedAt: now });
      return { kind: row.kind };
    });
    if (endedJob === null) return false;
    if (endedJob.kind !== null) options.onJobEnd?.(endedJob.kind, 'failed');
    return true;
  }

  async function claimJobs(): Promise<void> {
    const claimOptions = () => ({ kinds: [...kinds.keys()], fullWorkspaces: limiter.keysAtLimit() });
    if (held.size >= MAX_CONCURRENT_JOBS || !(await hasClaimableJob(store.read, claimOptions(), isHeld, clock())))
      return;
    while (await takeOverLostJob());
    while (!stopping && held.size < MAX_CONCURRENT_JOBS) {
      const row = await store.transaction((trx) => claimJob(trx, claimOptions(), owner, leaseMs, clock()));
      if (row === undefined) return;
      startJob(row);
    }
  }

  async function tick(): Promise<void> {
    await sendHeartbeat();
    if (!stopping) await claimJobs();
  }

  /** Runs one heartbeat at a time; a wake-up during one causes another. */
  function wake(): void {
    if (timer === undefined) return;
    if (ticking !== null) {
      tickAgain = true;
      return;
    }
    ticking = tick()
      .catch(onError)
      .finally(() => {
        ticking = null;
        if (!tickAgain) return;
        tickAgain = false;
        wake();
      });
  }

  async function stopWork(): Promise<void> {
    stopping = true;
    const all = [...held.values()];
    const allFinished = Promise.all(all.map((job) => job.finished));
    const waitUpTo = (durationMs: number) =>
      Promise.race([allFinished, new Promise((resolve) => setTimeout(resolve, durationMs))]);
    if (all.length > 0) await waitUpTo(STOP_GRACE_MS);
    for (const job of held.values()) abort(job, 'stopped', MESSAGES.stopped);
    if (held.size > 0) await waitUpTo(CLEANUP_TIMEOUT_MS);
    clearInterval(timer);
    clearInterval(fenceTimer);
    timer = undefined;
    await ticking;
  }

  return {
    ...queue,
    register(kind) {
      kinds.set(kind.name, kind);
    },
    wake,
    start() {
      lastHeartbeatMs = performance.now();
      timer = setInterval(wake, heartbeatMs);
      fenceTimer = setInterval(fence, Math.min(heartbeatMs, 500));
      wake();
    },
    stop: () => (stopped ??= stopWork()),
    running: () => held.size,
    counts: () => countJobs(store.read, clock()),
  };
}
