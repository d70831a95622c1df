import { SECOND } from '../contract/limits.ts';
import { claimJob, countJobs, hasClaimableJob, renewLeases } from '../store/jobs.ts';
import type { JobTable } from '../store/schema/jobs.ts';
import type { Store } from '../store/store.ts';
import type { HeldJob } from './held-job.ts';
import { createHeldJobs } from './held-jobs.ts';
import { releaseJob, takeOverLostJob } from './job-writes.ts';
import { createJobQueue, type JobEnd, type JobKind, type JobQueue, LOST_MESSAGE } from './jobs.ts';
import { createSerialTask } from './serial-task.ts';
import { waitAtMost } from './wait-at-most.ts';

export interface JobWorkerOptions {
  readonly store: Store;
  readonly clock: () => number;
  /** Identifies this process; new on every start. */
  readonly nodeId: string;
  /** Called for an unexpected error of a job, and for an error of the queue, such as an unavailable database. */
  readonly onError: (error: unknown) => void;
  /** Called for each job that ended on this node. */
  readonly onJobEnd?: (kind: string, status: JobEnd['status']) => void;
  /** Milliseconds. Only tests override the defaults. */
  readonly leaseMs?: number;
  readonly heartbeatMs?: number;
}

/**
 * Longer than `HEARTBEAT_TIMEOUT_SECONDS` of `src/runner`, so that no step of a lost node still runs when another node
 * takes over its job.
 */
const DEFAULT_LEASE_MS = 15 * SECOND;
const DEFAULT_HEARTBEAT_MS = SECOND;
/** How long running jobs can take to finish when this process stops, before they are aborted. */
const STOP_GRACE_MS = SECOND;
/** How long aborted jobs can take to end before this process stops without them. */
const ABORT_GRACE_MS = 3 * SECOND;
const STOPPED_MESSAGE = 'Devpilot was stopped while this was running.';

/** The queue, and the worker that runs its jobs on this node. */
export interface JobWorker extends JobQueue {
  start(): void;
  /**
   * Stops claiming jobs, gives running jobs a short time to finish, and then aborts them. Aborted jobs that are
   * resumable are queued again.
   */
  stop(): Promise<void>;
  /** Returns the number of jobs running on this node. */
  running(): number;
  /** Counts the waiting and running jobs on all nodes; `dueSince` is when the longest-waiting due job became due. */
  counts(): Promise<{ waiting: number; running: number; dueSince: number | null }>;
}

/**
 * - `created`: `start` was not called yet.
 * - `working`: sends heartbeats and claims jobs.
 * - `stopping`: sends heartbeats while its jobs end, and claims no more jobs.
 * - `stopped`: does nothing.
 */
type WorkerState = 'created' | 'working' | 'stopping' | 'stopped';

/**
 * Claims jobs from the queue, and ensures that only one node at a time runs a job. Heartbeats prove that a node is
 * alive; a node that cannot send them aborts its jobs before their leases expire, and other nodes take the jobs over
 * only after that.
 */
export function createJobWorker(options: JobWorkerOptions): JobWorker {
  const { store, clock, nodeId: owner, onError, leaseMs = DEFAULT_LEASE_MS } = options;
  const { heartbeatMs = DEFAULT_HEARTBEAT_MS } = options;
  const kinds = new Map<string, JobKind>();
  const writer = { store, clock, owner, kinds, onJobEnd: options.onJobEnd };
  const held = createHeldJobs(writer, heartbeatMs, onError, wake);
  const timers: NodeJS.Timeout[] = [];
  let state: WorkerState = 'created';
  let lastHeartbeatMs = performance.now();
  let stopped: Promise<void> | null = null;

  const ticks = createSerialTask(async () => {
    if (state === 'stopped') return;
    await sendHeartbeat();
    if (state === 'working') await claimJobs();
  }, onError);
  function wake(): void {
    if (state === 'working' || state === 'stopping') ticks.request();
  }

  /**
   * If no heartbeat was sent for a while, aborts all jobs shortly before their leases expire and other nodes can take
   * them over. Not needed on SQLite, which has only one node.
   */
  function fence(): void {
    if (store.engine === 'sqlite' || performance.now() - lastHeartbeatMs < leaseMs * 0.8) return;
    held.abortAll('lost', 'This node has lost contact with the database.');
  }

  /** Renews the leases of this node's jobs, and aborts the jobs that were lost or cancelled. */
  async function sendHeartbeat(): Promise<void> {
    const startedAtMs = performance.now();
    const jobs = held.list();
    if (jobs.length > 0) {
      const ids = jobs.filter((job) => !job.isFenced()).map((job) => job.row.id);
      const rows = await store.transaction((trx) => renewLeases(trx, owner, ids, leaseMs, clock()));
      abortLostAndCancelled(jobs, rows);
    }
    lastHeartbeatMs = startedAtMs;
  }

  async function claimJobs(): Promise<void> {
    const claimOptions = () => ({ kinds: [...kinds.keys()], excludedWorkspaceIds: held.workspaceIdsAtLimit() });
    if (held.isFull() || !(await hasClaimableJob(store.read, claimOptions(), held.has, clock()))) return;
    while (await takeOverLostJob(writer, held.has));
    while (state === 'working' && !held.isFull()) {
      const row = await store.transaction((trx) => claimJob(trx, claimOptions(), owner, leaseMs, clock()));
      if (row === undefined) return;
      if (state === 'working') held.start(row);
      else await releaseJob(writer, row);
    }
  }

  async function stopWork(): Promise<void> {
    if (state === 'working') state = 'stopping';
    const stoppedAtMs = performance.now();
    // If a claim is in progress, its job is not started but released.
    await waitAtMost(STOP_GRACE_MS, ticks.currentRun());
    await held.waitForEnd(Math.max(0, STOP_GRACE_MS - (performance.now() - stoppedAtMs)));
    held.abortAll('stopped', STOPPED_MESSAGE);
    await held.waitForEnd(ABORT_GRACE_MS);
    for (const timer of timers) clearInterval(timer);
    state = 'stopped';
    await ticks.currentRun();
  }

  return {
    ...createJobQueue(clock, (name) => kinds.get(name)),
    register(kind) {
      kinds.set(kind.name, kind);
    },
    wake,
    start() {
      state = 'working';
      lastHeartbeatMs = performance.now();
      timers.push(setInterval(wake, heartbeatMs), setInterval(fence, Math.min(heartbeatMs, 500)));
      wake();
    },
    stop: () => (stopped ??= stopWork()),
    running: () => held.list().length,
    counts: () => countJobs(store.read, clock()),
  };
}

/** Aborts the jobs that this node has lost or that were cancelled. `rows` are the jobs that this node still owns. */
function abortLostAndCancelled(
  jobs: readonly HeldJob[],
  rows: readonly Pick<JobTable, 'id' | 'attempt' | 'cancel'>[],
): void {
  const ownedRows = new Map(rows.map((row) => [row.id, row]));
  for (const job of jobs) {
    const row = ownedRows.get(job.row.id);
    if (row === undefined || row.attempt !== job.row.attempt) job.abort('lost', LOST_MESSAGE);
    else if (row.cancel !== null && !job.isAborted()) job.abort('cancelled', row.cancel);
  }
}
