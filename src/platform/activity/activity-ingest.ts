import { setImmediate } from 'node:timers/promises';
import { ACTIVITY_GROUPS, INTERVAL_NAMES, INTERVALS } from '../../contract/platform-vocabulary.ts';
import {
  addToRollups,
  insertActivity,
  type Rollup,
  readSketches,
  reserveActivitySequence,
} from '../../store/activity.ts';
import type { Store, Trx } from '../../store/store.ts';
import { createSenderQuota, type SenderItem } from '../sender-quota.ts';
import { createWriteBatcher } from '../write-batcher.ts';
import type { ReceivedEvent } from './cloud-events.ts';
import { addToSketch, decodeSketch, encodeSketch, estimateCount, hashSubject } from './distinct-count-sketch.ts';

/** Number of new events and of duplicates in a batch. */
export interface IngestResult {
  readonly accepted: number;
  readonly duplicates: number;
}

export interface ActivityIngest {
  /**
   * Stores a batch and updates the roll-ups atomically; an event whose source and id already exist is counted as a
   * duplicate and not stored. The events are durable when the promise resolves. Throws `unavailable` if too many
   * events are queued, `quota_exceeded` if `sender`, a person or credential, has sent too many events or too much data.
   */
  ingest(
    workspaceId: string,
    events: readonly ReceivedEvent[],
    receivedAt: number,
    sender: string,
  ): Promise<IngestResult>;
}

interface Batch extends SenderItem {
  readonly events: readonly ReceivedEvent[];
}

/** Maximum number of events per transaction, unless one batch alone is larger. */
const MAX_EVENTS_PER_WRITE = 4_000;
const MAX_QUEUED_EVENTS = 50_000;

interface RollupDelta {
  readonly rollup: Pick<Rollup, 'grain' | 'dimension' | 'at' | 'key'>;
  count: number;
  readonly hashes: Set<number>;
}

const rollupKey = (rollup: RollupDelta['rollup']) =>
  `${rollup.grain}\0${rollup.dimension}\0${rollup.at}\0${rollup.key}`;

/** Events counted per turn of the event loop, so that authorization requests are not delayed. */
const EVENTS_PER_SLICE = 500;

/** Counts events per interval and group. */
async function aggregateEvents(events: readonly ReceivedEvent[]): Promise<Map<string, RollupDelta>> {
  const deltas = new Map<string, RollupDelta>();
  const hashes = new Map<string, number>();
  for (const [index, event] of events.entries()) {
    if (index > 0 && index % EVENTS_PER_SLICE === 0) await setImmediate();
    let subjectHash: number | null = null;
    if (event.subject !== null) {
      subjectHash = hashes.get(event.subject) ?? hashSubject(event.subject);
      hashes.set(event.subject, subjectHash);
    }
    for (const grain of INTERVAL_NAMES) {
      const bucketStart = Math.floor(event.at / INTERVALS[grain]) * INTERVALS[grain];
      for (const dimension of ACTIVITY_GROUPS) {
        const rollup = { grain, dimension, at: bucketStart, key: event[dimension] ?? '' };
        const key = rollupKey(rollup);
        let delta = deltas.get(key);
        if (delta === undefined) deltas.set(key, (delta = { rollup, count: 0, hashes: new Set() }));
        delta.count++;
        if (subjectHash !== null) delta.hashes.add(subjectHash);
      }
    }
  }
  return deltas;
}

/** Adds new events to the roll-ups of their workspace, in the transaction that stores them. */
async function updateRollups(
  trx: Trx,
  engine: Store['engine'],
  workspaceId: string,
  events: readonly ReceivedEvent[],
): Promise<void> {
  const deltas = await aggregateEvents(events);
  // A group of the dimension `subject` has at most one subject, so it needs no sketch.
  const sketchedDeltas = [...deltas.values()].filter(
    ({ rollup, hashes }) => rollup.dimension !== 'subject' && hashes.size > 0,
  );
  const storedSketches = await readSketches(
    trx,
    engine,
    workspaceId,
    [...deltas.values()].filter(({ rollup }) => rollup.dimension !== 'subject').map(({ rollup }) => rollup),
  );
  const sketchByKey = new Map(storedSketches.map((storedSketch) => [rollupKey(storedSketch), storedSketch.sketch]));
  const sketchedDeltaSet = new Set(sketchedDeltas);
  const rollups = [...deltas].map(([key, delta]): Rollup => {
    const { rollup, count, hashes } = delta;
    if (rollup.dimension === 'subject') return { ...rollup, count, subjects: rollup.key === '' ? 0 : 1, sketch: null };
    const storedSketch = sketchByKey.get(key) ?? null;
    const sketch = decodeSketch(storedSketch);
    const updatedSketch = sketchedDeltaSet.has(delta) ? addToSketch(sketch, hashes) : sketch;
    const encodedSketch = sketchedDeltaSet.has(delta) ? encodeSketch(updatedSketch) : storedSketch;
    return { ...rollup, count, subjects: estimateCount(updatedSketch), sketch: encodedSketch };
  });
  await addToRollups(trx, engine, workspaceId, rollups);
}

/** Stores batches of one workspace; returns one result per batch. */
async function storeBatches(
  trx: Trx,
  engine: Store['engine'],
  workspaceId: string,
  batches: readonly Batch[],
): Promise<IngestResult[]> {
  const events = batches.flatMap((batch) => batch.events);
  if (events.length === 0) return batches.map(() => ({ accepted: 0, duplicates: 0 }));
  const firstSequence = (await reserveActivitySequence(trx, workspaceId, events.length)) - events.length + 1;
  const numbered = events.map((event, index) => ({
    ...event,
    attributes: event.attributes ?? null,
    sequence: firstSequence + index,
  }));
  const receivedAt = batches[0]?.receivedAt ?? 0;
  const addedSequences = await insertActivity(trx, engine, workspaceId, receivedAt, numbered);
  const addedEvents = numbered.filter(({ sequence }) => addedSequences.has(sequence));
  if (addedEvents.length > 0) await updateRollups(trx, engine, workspaceId, addedEvents);
  let nextSequence = firstSequence;
  return batches.map((batch) => {
    let accepted = 0;
    for (const _ of batch.events) if (addedSequences.has(nextSequence++)) accepted++;
    return { accepted, duplicates: batch.events.length - accepted };
  });
}

/** Many small batches share one transaction, and so one fsync and one update of the roll-ups. */
export function createActivityIngest(store: Store): ActivityIngest {
  const quotas = { events: createSenderQuota('activityEvents'), data: createSenderQuota('activityData') };

  function writeAll(workspaces: readonly string[], batches: readonly Batch[]): Promise<Map<Batch, IngestResult>> {
    return store.transaction(async (trx) => {
      await quotas.events.consume(trx, batches, (batch) => batch.events.length);
      await quotas.data.consume(trx, batches, ({ events }) =>
        events.reduce((size, { data, attributes }) => size + (data?.length ?? 0) + (attributes?.length ?? 0), 0),
      );
      const resultByBatch = new Map<Batch, IngestResult>();
      for (const workspaceId of workspaces) {
        const ownBatches = batches.filter((batch) => batch.workspaceId === workspaceId);
        const results = await storeBatches(trx, store.engine, workspaceId, ownBatches);
        for (const [index, batch] of ownBatches.entries())
          resultByBatch.set(batch, results[index] ?? { accepted: 0, duplicates: 0 });
      }
      return resultByBatch;
    });
  }

  function write(batches: readonly Batch[]): Promise<Map<Batch, IngestResult>> {
    // Sorted, so that all nodes lock in the same order and cannot deadlock.
    const workspaces = [...new Set(batches.map((batch) => batch.workspaceId))].sort();
    return writeAll(workspaces, batches);
  }
  const enqueue = createWriteBatcher({
    maxBatchSize: MAX_EVENTS_PER_WRITE,
    maxQueuedSize: MAX_QUEUED_EVENTS,
    sizeOf: (batch: Batch) => batch.events.length,
    workspaceOf: (batch: Batch) => batch.workspaceId,
    write,
  });
  return {
    async ingest(workspaceId, events, receivedAt, sender) {
      const batch = { workspaceId, events, receivedAt, sender };
      for (const quota of Object.values(quotas)) quota.check(batch);
      try {
        return await enqueue(batch);
      } catch (error) {
        for (const quota of Object.values(quotas)) quota.recordExceeded(batch, error);
        throw error;
      }
    },
  };
}
