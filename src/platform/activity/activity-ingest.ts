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

/** The number of new events and of duplicates in a batch. */
export interface IngestResult {
  readonly accepted: number;
  readonly duplicates: number;
}

export interface ActivityIngest {
  /**
   * Stores a batch and updates the roll-ups atomically; an event whose source and ID already exist is counted as a
   * duplicate and not stored. The events are durable when the promise resolves. Throws `unavailable` if too many
   * events are queued, `quota_exceeded` if `sender`, a principal, has sent too many events or too much data.
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

/** Maximum number of events per transaction. The batch of a request is always smaller. */
const MAX_EVENTS_PER_WRITE = 4_000;
const MAX_QUEUED_EVENTS = 50_000;

/** The increase of one roll-up: its number of new events, and the hashes of their subjects. */
interface RollupIncrease {
  readonly rollup: Pick<Rollup, 'grain' | 'dimension' | 'at' | 'key'>;
  count: number;
  readonly subjectHashes: Set<number>;
}

const rollupId = (rollup: RollupIncrease['rollup']) =>
  `${rollup.grain}\0${rollup.dimension}\0${rollup.at}\0${rollup.key}`;

/**
 * Whether the distinct subjects of a roll-up are counted with a sketch. A roll-up of the group `subject` has only one.
 */
const hasSketch = (rollup: RollupIncrease['rollup']) => rollup.dimension !== 'subject';

/** Events counted per turn of the event loop, so that authorization requests are not delayed. */
const EVENTS_PER_SLICE = 500;

/**
 * Counts events per roll-up. A roll-up is for one interval (a minute, hour or day) and one value of one group, such as
 * one `type`. Returns the increases by `rollupId`.
 */
async function aggregateEvents(events: readonly ReceivedEvent[]): Promise<Map<string, RollupIncrease>> {
  const increases = new Map<string, RollupIncrease>();
  const hashes = new Map<string, number>();
  for (const [index, event] of events.entries()) {
    if (index > 0 && index % EVENTS_PER_SLICE === 0) await setImmediate();
    let subjectHash: number | null = null;
    if (event.subject !== null) {
      subjectHash = hashes.get(event.subject) ?? hashSubject(event.subject);
      hashes.set(event.subject, subjectHash);
    }
    for (const interval of INTERVAL_NAMES) {
      const intervalStart = Math.floor(event.at / INTERVALS[interval]) * INTERVALS[interval];
      for (const group of ACTIVITY_GROUPS) {
        const rollup = { grain: interval, dimension: group, at: intervalStart, key: event[group] ?? '' };
        const id = rollupId(rollup);
        const increase = increases.get(id) ?? { rollup, count: 0, subjectHashes: new Set<number>() };
        increases.set(id, increase);
        increase.count++;
        if (subjectHash !== null) increase.subjectHashes.add(subjectHash);
      }
    }
  }
  return increases;
}

/** Adds new events to the roll-ups of their workspace, in the transaction that stores them. */
async function updateRollups(
  trx: Trx,
  engine: Store['engine'],
  workspaceId: string,
  events: readonly ReceivedEvent[],
): Promise<void> {
  const increases = await aggregateEvents(events);
  const rollupsWithSketch = [...increases.values()].map(({ rollup }) => rollup).filter(hasSketch);
  const storedSketches = await readSketches(trx, engine, workspaceId, rollupsWithSketch);
  const sketchById = new Map(storedSketches.map(({ sketch, ...rollup }) => [rollupId(rollup), sketch]));
  const rollups = [...increases].map(([id, { rollup, count, subjectHashes }]): Rollup => {
    if (!hasSketch(rollup)) return { ...rollup, count, subjects: rollup.key === '' ? 0 : 1, sketch: null };
    const storedSketch = sketchById.get(id) ?? null;
    const before = decodeSketch(storedSketch);
    if (subjectHashes.size === 0) return { ...rollup, count, subjects: estimateCount(before), sketch: storedSketch };
    const after = addToSketch(before, subjectHashes);
    return { ...rollup, count, subjects: estimateCount(after), sketch: encodeSketch(after) };
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
  // Batches of one write are received at almost the same time.
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

/**
 * Creates an `ActivityIngest` that stores many small batches in one transaction, which needs only one fsync and one
 * update of the roll-ups.
 */
export function createActivityIngest(store: Store): ActivityIngest {
  const quotas = { events: createSenderQuota('activityEvents'), data: createSenderQuota('activityData') };

  function write(batches: readonly Batch[]): Promise<Map<Batch, IngestResult>> {
    // Sorted, so that all nodes lock in the same order and cannot deadlock.
    const workspaces = [...new Set(batches.map((batch) => batch.workspaceId))].sort();
    return store.transaction(async (trx) => {
      await quotas.events.consume(trx, batches, (batch) => batch.events.length);
      await quotas.data.consume(trx, batches, ({ events }) =>
        events.reduce((size, { data, attributes }) => size + (data?.length ?? 0) + (attributes?.length ?? 0), 0),
      );
      const resultByBatch = new Map<Batch, IngestResult>();
      for (const workspaceId of workspaces) {
        const workspaceBatches = batches.filter((batch) => batch.workspaceId === workspaceId);
        const results = await storeBatches(trx, store.engine, workspaceId, workspaceBatches);
        for (const [index, batch] of workspaceBatches.entries())
          resultByBatch.set(batch, results[index] ?? { accepted: 0, duplicates: 0 });
      }
      return resultByBatch;
    });
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
        // The error does not say which of the quotas was exceeded; the next request is refused in either case.
        for (const quota of Object.values(quotas)) quota.recordExceeded(batch, error);
        throw error;
      }
    },
  };
}
