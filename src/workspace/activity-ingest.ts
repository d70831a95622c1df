import { setImmediate } from 'node:timers/promises';
import { ACTIVITY_GROUPS, INTERVAL_WORDS, INTERVALS } from '../contract/words.ts';
import { addToRollups, advanceActivity, insertActivity, type Rollup, readSketches } from '../store/activity.ts';
import type { Store, Trx } from '../store/store.ts';
import type { ActivityEvent } from './cloud-events.ts';
import { createGathering } from './gathering.ts';
import { createSenderQuota, type Sent } from './sender-quota.ts';
import { addToSketch, countOfSketch, hashOfSubject, readSketch, writeSketch } from './sketch.ts';

/** What became of a batch: how many of its events were new, and how many were there before. */
export interface Taken {
  readonly accepted: number;
  readonly duplicates: number;
}

export interface Ingest {
  /**
   * Stores a batch with its roll-ups, all or none; an event with the source and id of one that is there
   * is counted and left out. On disk when it resolves. Throws `unavailable` when too many wait, `quota_exceeded` where `sender`, a
   * person or a credential, has sent too many.
   */
  take(workspaceId: string, events: readonly ActivityEvent[], receivedAt: number, sender: string): Promise<Taken>;
}

interface Batch extends Sent {
  readonly events: readonly ActivityEvent[];
}

/** Events that one transaction takes, unless one batch alone is larger. */
const TOGETHER = 4_000;
const WAITING = 50_000;

interface Fold {
  readonly rollup: Pick<Rollup, 'grain' | 'dimension' | 'at' | 'key'>;
  count: number;
  readonly hashes: Set<number>;
}

const keyOf = (one: Fold['rollup']) => `${one.grain}\0${one.dimension}\0${one.at}\0${one.key}`;

/** Events that are counted in one turn of the thread, so that judgements get in between. */
const AT_ONCE = 500;

/** Counts events by every interval and group. */
async function foldEvents(events: readonly ActivityEvent[]): Promise<Map<string, Fold>> {
  const folds = new Map<string, Fold>();
  const hashes = new Map<string, number>();
  for (const [index, event] of events.entries()) {
    if (index > 0 && index % AT_ONCE === 0) await setImmediate();
    let subjectHash: number | null = null;
    if (event.subject !== null) {
      subjectHash = hashes.get(event.subject) ?? hashOfSubject(event.subject);
      hashes.set(event.subject, subjectHash);
    }
    for (const grain of INTERVAL_WORDS) {
      const at = Math.floor(event.at / INTERVALS[grain]) * INTERVALS[grain];
      for (const dimension of ACTIVITY_GROUPS) {
        const rollup = { grain, dimension, at, key: event[dimension] ?? '' };
        const key = keyOf(rollup);
        let fold = folds.get(key);
        if (fold === undefined) folds.set(key, (fold = { rollup, count: 0, hashes: new Set() }));
        fold.count++;
        if (subjectHash !== null) fold.hashes.add(subjectHash);
      }
    }
  }
  return folds;
}

/** Adds new events to the roll-ups of their workspace, in the transaction that stores them. */
async function rollUp(
  trx: Trx,
  engine: Store['engine'],
  workspaceId: string,
  events: readonly ActivityEvent[],
): Promise<void> {
  const folds = await foldEvents(events);
  // By subject there is one subject, or none: nothing to sketch.
  const sketched = [...folds.values()].filter(
    ({ rollup, hashes }) => rollup.dimension !== 'subject' && hashes.size > 0,
  );
  const kept = await readSketches(
    trx,
    engine,
    workspaceId,
    [...folds.values()].filter(({ rollup }) => rollup.dimension !== 'subject').map(({ rollup }) => rollup),
  );
  const before = new Map(kept.map((one) => [keyOf(one), one.sketch]));
  const touched = new Set(sketched);
  const rollups = [...folds].map(([key, fold]): Rollup => {
    const { rollup, count, hashes } = fold;
    if (rollup.dimension === 'subject') return { ...rollup, count, subjects: rollup.key === '' ? 0 : 1, sketch: null };
    const text = before.get(key) ?? null;
    const sketch = readSketch(text);
    const after = touched.has(fold) ? addToSketch(sketch, hashes) : sketch;
    const written = touched.has(fold) ? writeSketch(after) : text;
    return { ...rollup, count, subjects: countOfSketch(after), sketch: written };
  });
  await addToRollups(trx, engine, workspaceId, rollups);
}

/** Stores batches of one workspace; returns what became of each. */
async function storeBatches(
  trx: Trx,
  engine: Store['engine'],
  workspaceId: string,
  batches: readonly Batch[],
): Promise<Taken[]> {
  const events = batches.flatMap((batch) => batch.events);
  if (events.length === 0) return batches.map(() => ({ accepted: 0, duplicates: 0 }));
  const first = (await advanceActivity(trx, workspaceId, events.length)) - events.length + 1;
  const numbered = events.map((event, index) => ({ ...event, sequence: first + index }));
  const receivedAt = batches[0]?.receivedAt ?? 0;
  const fresh = await insertActivity(trx, engine, workspaceId, receivedAt, numbered);
  const added = numbered.filter(({ sequence }) => fresh.has(sequence));
  if (added.length > 0) await rollUp(trx, engine, workspaceId, added);
  let next = first;
  return batches.map((batch) => {
    let accepted = 0;
    for (const _ of batch.events) if (fresh.has(next++)) accepted++;
    return { accepted, duplicates: batch.events.length - accepted };
  });
}

/** Many small batches share an fsync and their roll-ups. */
export function createIngest(store: Store): Ingest {
  const quotas = { events: createSenderQuota('activityEvents'), data: createSenderQuota('activityData') };

  function writeAll(workspaces: readonly string[], batches: readonly Batch[]): Promise<Map<Batch, Taken>> {
    return store.transaction(async (trx) => {
      await quotas.events.use(trx, batches, (batch) => batch.events.length);
      await quotas.data.use(trx, batches, ({ events }) =>
        events.reduce((size, { data }) => size + (data?.length ?? 0), 0),
      );
      const all = new Map<Batch, Taken>();
      for (const workspaceId of workspaces) {
        const own = batches.filter((batch) => batch.workspaceId === workspaceId);
        const results = await storeBatches(trx, store.engine, workspaceId, own);
        for (const [at, batch] of own.entries()) all.set(batch, results[at] ?? { accepted: 0, duplicates: 0 });
      }
      return all;
    });
  }

  function write(batches: readonly Batch[]): Promise<Map<Batch, Taken>> {
    // In one order everywhere, so that two nodes never wait for each other.
    const workspaces = [...new Set(batches.map((batch) => batch.workspaceId))].sort();
    return writeAll(workspaces, batches);
  }
  const gather = createGathering({
    together: TOGETHER,
    waiting: WAITING,
    sizeOf: (batch: Batch) => batch.events.length,
    workspaceOf: (batch: Batch) => batch.workspaceId,
    write,
  });
  return {
    async take(workspaceId, events, receivedAt, sender) {
      const batch = { workspaceId, events, receivedAt, sender };
      for (const quota of Object.values(quotas)) quota.check(batch);
      try {
        return await gather(batch);
      } catch (error) {
        for (const quota of Object.values(quotas)) quota.note(batch, error);
        throw error;
      }
    },
  };
}
