import { createId } from '../contract/id.ts';
import { insertJob, lockUnfinishedJobOf, updateJob } from '../store/jobs.ts';
import type { JobTable } from '../store/schema.ts';
import type { Trx } from '../store/store.ts';

/** A job as its kind knows it. */
export interface Job {
  readonly id: string;
  readonly workspaceId: string;
  readonly kind: string;
  /** What it is about: the id of a deployment, a run, a backup. */
  readonly resourceId: string;
  readonly payload: unknown;
  /** 1 when it is taken for the first time. */
  readonly attempt: number;
  readonly createdAt: number;
}

/** Why a job's signal was aborted. */
export type AbortReason = 'cancelled' | 'time_limit' | 'lost' | 'stopped';

/** The reason of a job's signal. */
export class JobAborted extends Error {
  readonly reason: AbortReason;
  constructor(reason: AbortReason, message: string) {
    super(message);
    this.name = 'JobAborted';
    this.reason = reason;
  }
}

/** Thrown by `run` to end a job as failed, with a message for people. Other errors are told as "went wrong". */
export class JobFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JobFailure';
  }
}

/** A job in the hands of this node. */
export interface RunningJob extends Job {
  /** Aborted with a `JobAborted` when the job is to end. It may be aborted from the start. */
  readonly signal: AbortSignal;
  /** Aborted when nothing at all may be done any more: another node may have it, or this one stops. */
  readonly fenceSignal: AbortSignal;
  /** A transaction in which this node certainly still has the job. Throws `JobAborted` where it does not. */
  transaction<T>(work: (trx: Trx) => Promise<T>): Promise<T>;
}

/** How a job ended. */
export interface JobEnd {
  readonly status: 'completed' | 'failed' | 'cancelled';
  /** In words for people; null where it completed. */
  readonly error: string | null;
  readonly endedAt: number;
}

/** What `run` gives back to be run again later: the job waits, without a node, but stays alone in lanes for one. */
export interface Suspension {
  readonly until: number;
  /** Asked in the transaction that parks it: whether there is still something to wait for. */
  readonly shouldWait: (trx: Trx) => Promise<boolean>;
}

export interface JobKind {
  readonly name: string;
  /**
   * Whether another node runs it again when the one that had it is gone. Otherwise it has failed then.
   * A kind that is resumable finds out by itself how far it had come.
   */
  readonly resumable: boolean;
  /**
   * Does it. Resolving completes the job; what it throws fails it, unless its signal was aborted:
   * then it is cancelled, or failed for its time limit. It may clean up first, as long as `gone` allows.
   */
  run(job: RunningJob): Promise<Suspension | undefined>;
  /** Brings the kind's own rows in step, in the transaction that ends the job, whichever node that is. */
  finalize(trx: Trx, job: Job, end: JobEnd): Promise<void>;
}

export interface NewJob {
  readonly kind: string;
  readonly workspaceId: string;
  readonly resourceId: string;
  /** Kept as JSON. No secrets: it is stored plain. */
  readonly payload?: unknown;
  /**
   * At most `limit` jobs at a time in each lane, such as `app:ID`. In a lane for one, the older goes
   * first.
   */
  readonly lanes?: readonly { readonly key: string; readonly limit: number }[];
  /** Not before this instant; epoch milliseconds. */
  readonly runAt?: number;
  /** Milliseconds that one try may take. */
  readonly timeLimitMs?: number;
  /** How often it is tried again when it fails, each time after twice as long; never if not given. */
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
  /** Makes a kind known; before `start`. */
  register(kind: JobKind): void;
  /** Puts a job in the queue, in the caller's transaction. Call `wake` when that is through. Gives its id. */
  enqueue(trx: Trx, job: NewJob): Promise<string>;
  /**
   * Ends what is queued or runs about a resource, in the caller's transaction: at once where nothing has
   * begun, otherwise its node is told. Call `wake` when that is through. False where there is nothing.
   */
  cancel(trx: Trx, workspaceId: string, resourceId: string, reason: string): Promise<boolean>;
  /** Lets a parked job about a resource go on. False where there is none. */
  resume(trx: Trx, workspaceId: string, resourceId: string): Promise<boolean>;
  /** Looks for work now and not only at the next beat. */
  wake(): void;
}

/** What both `createJobWorker` and its worker do in a caller's transaction. */
export function createJobQueue(clock: () => number, kindOf: (name: string) => JobKind | undefined) {
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
      const row = await lockUnfinishedJobOf(trx, workspaceId, resourceId);
      if (row === undefined) return false;
      const now = clock();
      if (row.status === 'waiting' && row.attempt === 0) {
        await updateJob(trx, row, { status: 'cancelled', finished_at: now, cancel: reason, error: reason }, 'left');
        await kindOf(row.kind)?.finalize(trx, toJob(row), { status: 'cancelled', error: reason, endedAt: now });
      } else {
        // What has begun cleans up after itself, on a node.
        const wakeFields = row.status === 'waiting' ? { run_at: now } : {};
        await updateJob(trx, row, { cancel: row.cancel ?? reason, ...wakeFields }, 'kept');
      }
      return true;
    },

    async resume(trx: Trx, workspaceId: string, resourceId: string): Promise<boolean> {
      const row = await lockUnfinishedJobOf(trx, workspaceId, resourceId);
      if (row === undefined || row.status !== 'waiting' || row.attempt === 0) return false;
      await updateJob(trx, row, { run_at: clock() }, 'kept');
      return true;
    },
  };
}
