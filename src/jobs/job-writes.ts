import { lockLostJob, lockOwnedJob, updateJob } from '../store/jobs.ts';
import type { JobTable } from '../store/schema/jobs.ts';
import type { Store } from '../store/store.ts';
import type { JobTransition } from './job-transition.ts';
import { type JobEnd, type JobKind, LOST_MESSAGE, type Suspension, toJob } from './jobs.ts';

/** A job that has lost its node this many times fails instead of being taken over again. */
const MAX_LOSSES = 3;
/** The columns of a job that no node runs. */
const RELEASED = { owner: null, lease_until: null };

/** The node that writes (`owner`), its store, and the kinds of jobs that it runs. */
export interface JobWriter {
  readonly store: Store;
  readonly clock: () => number;
  readonly owner: string;
  readonly kinds: ReadonlyMap<string, JobKind>;
  readonly onJobEnd?: ((kind: string, status: JobEnd['status']) => void) | undefined;
}

/** Ends a job and updates its kind's rows in one transaction; does nothing if this node has lost the job. */
async function finishJob(writer: JobWriter, row: JobTable, end: JobEnd): Promise<void> {
  const { store, owner, kinds } = writer;
  const wasOwned = await store.transaction(async (trx) => {
    if ((await lockOwnedJob(trx, row, owner)) === undefined) return false;
    const { status, error, endedAt } = end;
    await updateJob(trx, row, { status, error, finished_at: endedAt, ...RELEASED }, 'leave');
    await kinds.get(row.kind)?.finalize(trx, toJob(row), end);
    return true;
  });
  if (wasOwned) writer.onJobEnd?.(row.kind, end.status);
}

/**
 * Suspends a job. `resume` locks the same row: if it comes first, `shouldWait` sees the change for which the job was
 * resumed; otherwise `resume` finds the job suspended.
 */
async function suspendJob({ store, clock, owner }: JobWriter, row: JobTable, suspension: Suspension): Promise<void> {
  await store.transaction(async (trx) => {
    const current = await lockOwnedJob(trx, row, owner);
    if (current === undefined) return;
    const shouldWait = current.cancel === null && (await suspension.shouldWait(trx));
    const runAt = shouldWait ? suspension.until : clock();
    await updateJob(trx, row, { status: 'waiting', run_at: runAt, ...RELEASED }, 'keep-exclusive');
  });
}

/** Writes the next state of a job; does nothing if this node has lost it. */
export async function applyTransition(writer: JobWriter, row: JobTable, transition: JobTransition): Promise<void> {
  const { store, clock, owner } = writer;
  switch (transition.type) {
    case 'abandon':
      return;
    case 'finish': {
      const { status, error } = transition;
      return finishJob(writer, row, { status, error, endedAt: clock() });
    }
    case 'suspend':
      return suspendJob(writer, row, transition.suspension);
    case 'requeue': {
      const { delayMs, lanes, failures } = transition;
      const columns = { status: 'waiting', run_at: clock() + delayMs, failures, ...RELEASED };
      await store.transaction(async (trx) => {
        if ((await lockOwnedJob(trx, row, owner)) !== undefined) await updateJob(trx, row, columns, lanes);
      });
    }
  }
}

/**
 * Returns a claimed job that did not start to the queue. It keeps its exclusive lanes, because an earlier attempt may
 * already have held them.
 */
export async function releaseJob(writer: JobWriter, row: JobTable): Promise<void> {
  await applyTransition(writer, row, { type: 'requeue', delayMs: 0, lanes: 'keep-exclusive', failures: row.failures });
}

/** Queues one job of a lost node again, or fails it. Returns whether there was such a job. */
export async function takeOverLostJob(writer: JobWriter, isHeld: (row: JobTable) => boolean): Promise<boolean> {
  const { store, clock, kinds } = writer;
  const outcome = await store.transaction(async (trx) => {
    const row = await lockLostJob(trx, [...kinds.keys()], isHeld, clock());
    if (row === undefined) return null;
    const kind = kinds.get(row.kind);
    const losses = row.losses + 1;
    const now = clock();
    if (kind?.resumable === true && losses < MAX_LOSSES) {
      await updateJob(trx, row, { status: 'waiting', losses, run_at: now, ...RELEASED }, 'keep-exclusive');
      return { failedKind: null };
    }
    const error = LOST_MESSAGE;
    await updateJob(trx, row, { status: 'failed', error, finished_at: now, losses, ...RELEASED }, 'leave');
    await kind?.finalize(trx, toJob(row), { status: 'failed', error, endedAt: now });
    return { failedKind: row.kind };
  });
  if (outcome === null) return false;
  if (outcome.failedKind !== null) writer.onJobEnd?.(outcome.failedKind, 'failed');
  return true;
}
