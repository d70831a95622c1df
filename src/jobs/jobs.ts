import { createId } from '../contract/id.ts';
import { insertJob, lockUnfinishedJob, updateJob } from '../store/jobs.ts';
import type { JobTable } from '../store/schema/jobs.ts';
import type { Trx } from '../store/store.ts';

/** A job as passed to its kind. */
export interface Job {
  readonly id: string;
  readonly workspaceId: string;
  readonly kind: string;
  /** The ID of the deployment, run or backup that it performs. */
  readonly resourceId: string;
  readonly payload: unknown;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** The error of a job whose node was lost, for users. */
export const LOST_MESSAGE = 'Stopped: the node that ran this was lost.';

/**
 * Why a job's signal was aborted. `lost`: another node may run the job, because this node's lease has expired or is
 * about to. `stopped`: this node is stopping.
 */
export type AbortReason = 'cancelled' | 'time_limit' | 'lost' | 'stopped';

/** The error with which a job's signals are aborted (`AbortSignal.reason`). */
export class JobAborted extends Error {
  readonly reason: AbortReason;
  constructor(reason: AbortReason, message: string) {
    super(message);
    this.name = 'JobAborted';
    this.reason = reason;
  }
}

/** Thrown by `run` to fail a job with a message for users. The messages of other errors are only logged. */
export class JobFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JobFailure';
  }
}

/** A job that this node is running. */
export interface RunningJob extends Job {
  /** Aborted with a `JobAborted` when the job must end. It may already be aborted at the start. */
  readonly signal: AbortSignal;
  /** Aborted when the job must stop immediately: another node may run it, or this node is stopping. */
  readonly fenceSignal: AbortSignal;
  /** Runs a transaction in which this node is guaranteed to own the job. Throws `JobAborted` if it no longer does. */
  transaction<T>(work: (trx: Trx) => Promise<T>): Promise<T>;
}

/** The outcome of a job. */
export interface JobEnd {
  readonly status: 'completed' | 'failed' | 'cancelled';
  /** A message for users; null if the job completed. */
  readonly error: string | null;
  /** Epoch milliseconds. */
  readonly endedAt: number;
}

/** Returned by `run` to be called again later. Until then, no node runs the job, but it keeps its exclusive lanes. */
export interface Suspension {
  /** When the job becomes due again unless it is resumed earlier; epoch milliseconds. */
  readonly until: number;
  /** Called in the transaction that suspends the job; if it returns false, the job is due immediately. */
  readonly shouldWait: (trx: Trx) => Promise<boolean>;
}

/** How the jobs of one kind, such as deployments, are performed. */
export interface JobKind {
  readonly name: string;
  /**
   * Whether a job runs again, possibly on another node, after its node was lost or stopped; otherwise it fails. A
   * resumable kind must determine for itself how far the interrupted attempt got.
   */
  readonly resumable: boolean;
  /**
   * Performs the job. If `run` resolves, the job is completed or suspended; if it throws, the job is retried or failed.
   * If it throws after the job's signal was aborted, the abort reason determines the status of the job. `run` can clean
   * up before it throws, until `fenceSignal` is aborted.
   */
  run(job: RunningJob): Promise<Suspension | undefined>;
  /** Updates the kind's own rows in the transaction that ends the job, which can run on any node. */
  finalize(trx: Trx, job: Job, end: JobEnd): Promise<void>;
}

export interface NewJob {
  readonly kind: string;
  readonly workspaceId: string;
  readonly resourceId: string;
  /** Stored as plain JSON, so it must not contain secrets. */
  readonly payload?: unknown;
  /**
   * At most `limit` jobs run at a time in each lane, such as `app:ID`. An exclusive lane (limit 1) runs the oldest
   * first.
   */
  readonly lanes?: readonly { readonly key: string; readonly limit: number }[];
  /** Earliest start; epoch milliseconds. */
  readonly runAt?: number;
  /** Maximum duration of one attempt; milliseconds. */
  readonly timeLimitMs?: number;
  /** How often a failed job is retried, with a delay that doubles each time; never if omitted. */
  readonly retries?: { readonly count: number; readonly firstDelayMs: number };
}

export function toJob(row: JobTable): Job {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    kind: row.kind,
    resourceId: row.resource_id,
    payload: JSON.parse(row.payload) as unknown,
    attempt: row.attempt,
    createdAt: row.created_at,
  };
}

/** The queue that all nodes share. */
export interface JobQueue {
  /** Registers a kind of job; must be called before `start`. */
  register(kind: JobKind): void;
  /** Adds a job to the queue in the caller's transaction and returns its ID. Call `wake` after the commit. */
  enqueue(trx: Trx, job: NewJob): Promise<string>;
  /**
   * Ends the job of a resource: in the caller's transaction if it has never started; otherwise a node ends it soon, so
   * that the job can clean up. Call `wake` after the commit. Returns false if the resource has no unfinished job.
   */
  cancel(trx: Trx, workspaceId: string, resourceId: string, reason: string): Promise<boolean>;
  /** Makes the job of a resource due if it is suspended or waits for a retry; otherwise returns false. */
  resume(trx: Trx, workspaceId: string, resourceId: string): Promise<boolean>;
  /** Looks for work now instead of at the next heartbeat. */
  wake(): void;
}

/** Returns the operations of `JobQueue` that run in a caller's transaction; `createJobWorker` adds the others. */
export function createJobQueue(clock: () => number, findKind: (name: string) => JobKind | undefined) {
  return {
    async enqueue(trx: Trx, job: NewJob): Promise<string> {
      const now = clock();
      const id = createId('job', now);
      const row: JobTable = {
        id,
        workspace_id: job.workspaceId,
        kind: job.kind,
        resource_id: job.resourceId,
        payload: JSON.stringify(job.payload ?? null),
        status: 'waiting',
        run_at: job.runAt ?? now,
        created_at: now,
        started_at: null,
        finished_at: null,
        time_limit: job.timeLimitMs ?? null,
        attempt: 0,
        failures: 0,
        retries: job.retries?.count ?? 0,
        retry_after: job.retries?.firstDelayMs ?? 0,
        losses: 0,
        owner: null,
        lease_until: null,
        cancel: null,
        error: null,
      };
      const lanes = (job.lanes ?? []).map(({ key, limit }) => ({
        job_id: id,
        workspace_id: job.workspaceId,
        lane: key,
        capacity: limit,
        created_at: now,
        held: 0,
      }));
      await insertJob(trx, row, lanes);
      return id;
    },

    async cancel(trx: Trx, workspaceId: string, resourceId: string, reason: string): Promise<boolean> {
      const row = await lockUnfinishedJob(trx, workspaceId, resourceId);
      if (row === undefined) return false;
      const now = clock();
      if (row.status === 'waiting' && row.attempt === 0) {
        await updateJob(trx, row, { status: 'cancelled', finished_at: now, cancel: reason, error: reason }, 'leave');
        await findKind(row.kind)?.finalize(trx, toJob(row), { status: 'cancelled', error: reason, endedAt: now });
      } else {
        // A job that has started cleans up after itself on a node.
        const due = row.status === 'waiting' ? { run_at: now } : {};
        await updateJob(trx, row, { cancel: row.cancel ?? reason, ...due }, 'keep');
      }
      return true;
    },

    async resume(trx: Trx, workspaceId: string, resourceId: string): Promise<boolean> {
      const row = await lockUnfinishedJob(trx, workspaceId, resourceId);
      if (row === undefined || row.status !== 'waiting' || row.attempt === 0) return false;
      await updateJob(trx, row, { run_at: clock() }, 'keep');
      return true;
    },
  };
}
