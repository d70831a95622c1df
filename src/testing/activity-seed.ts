import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { DAY } from '../contract/limits.ts';
import {
  ACTIVITY_GROUPS,
  type ActivityGroup,
  INTERVAL_NAMES,
  INTERVALS,
  type Interval,
} from '../contract/platform-vocabulary.ts';
import type { ReceivedEvent } from '../platform/activity/cloud-events.ts';
import {
  addToSketch,
  decodeSketch,
  encodeSketch,
  estimateCount,
  hashSubject,
} from '../platform/activity/distinct-count-sketch.ts';

const TYPE_COUNT = 12;
const SOURCE_COUNT = 6;

/** Events that are spread evenly over a number of days. */
export interface SeedPeriod {
  readonly eventCount: number;
  readonly days: number;
  readonly subjectCount: number;
  /** End of the last day, in epoch milliseconds. */
  readonly to: number;
}

/** Returns one of `subjectCount` subjects, always the same one for the same event number. */
function pseudoRandomSubject(number: number, subjectCount: number): string {
  let mixed = Math.imul(number ^ (number >>> 16), 0x45d9f3b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return `customer-${((mixed ^ (mixed >>> 16)) >>> 0) % subjectCount}`;
}

/**
 * Returns an event of a period by its number, starting at 0. Its type, source and subject do not depend on the number
 * of events.
 */
export function createSeedEvent(period: SeedPeriod, number: number): ReceivedEvent {
  const { eventCount, days, subjectCount, to } = period;
  return {
    id: `event-${number}`,
    source: `/service/${number % SOURCE_COUNT}`,
    type: `order.event.${number % TYPE_COUNT}`,
    subject: pseudoRandomSubject(number, subjectCount),
    at: to - days * DAY + Math.floor((number / eventCount) * days * DAY),
    data: `{"total":${number}}`,
  };
}

interface KeyCount {
  count: number;
  /** Hashes of the subjects of the events. */
  readonly hashes: Set<number>;
}

/**
 * Counts events, which must be added in order of time, per interval and key. Writes the counts of an interval when the
 * next interval starts; `write` writes the counts of the last interval.
 */
function createRollupCounter(insert: StatementSync, workspaceId: string, grain: Interval, dimension: ActivityGroup) {
  const keyCounts = new Map<string, KeyCount>();
  let intervalStart = 0;
  function write(): void {
    for (const key of [...keyCounts.keys()].sort()) {
      const { count, hashes } = keyCounts.get(key) as KeyCount;
      const sketch = dimension === 'subject' ? null : addToSketch(decodeSketch(null), hashes);
      const subjects = sketch === null ? 1 : estimateCount(sketch);
      const encodedSketch = sketch === null ? null : encodeSketch(sketch);
      insert.run(workspaceId, grain, dimension, intervalStart, key, count, subjects, encodedSketch);
    }
    keyCounts.clear();
  }
  return {
    add(event: ReceivedEvent, hash: number): void {
      const eventIntervalStart = event.at - (event.at % INTERVALS[grain]);
      if (eventIntervalStart !== intervalStart) write();
      intervalStart = eventIntervalStart;
      const key = event[dimension] ?? '';
      let keyCount = keyCounts.get(key);
      if (keyCount === undefined) {
        keyCount = { count: 0, hashes: new Set() };
        keyCounts.set(key, keyCount);
      }
      keyCount.count++;
      if (dimension !== 'subject') keyCount.hashes.add(hash);
    },
    write,
  };
}

/**
 * Writes the events of periods, given by workspace ID, and the events' roll-ups into the SQLite database file of a
 * stopped server. `activity-seed.test.ts` checks that ingesting the events would store the same rows. Ingesting takes
 * many times as long, because it commits every batch and updates the indexes of the events for every row.
 */
export function seedActivity(path: string, periods: Readonly<Record<string, SeedPeriod>>): void {
  const database = new DatabaseSync(path);
  database.exec('pragma synchronous = off; pragma journal_mode = off; pragma cache_size = -1000000');
  const indexes = database
    .prepare(
      "select name, sql from sqlite_master where type = 'index' and tbl_name = 'activity_event' and sql is not null",
    )
    .all() as { name: string; sql: string }[];
  database.exec('begin');
  for (const { name } of indexes) database.exec(`drop index ${name}`);
  const insert = database.prepare('insert into activity_event values (?, ?, ?, ?, ?, ?, ?, ?, ?, null)');
  const insertCount = database.prepare('insert into activity_rollup values (?, ?, ?, ?, ?, ?, ?, ?)');
  const hashes = new Map<string, number>();
  for (const [workspaceId, period] of Object.entries(periods)) {
    const counters = INTERVAL_NAMES.flatMap((grain) =>
      ACTIVITY_GROUPS.map((dimension) => createRollupCounter(insertCount, workspaceId, grain, dimension)),
    );
    for (let number = 0; number < period.eventCount; number++) {
      const event = createSeedEvent(period, number);
      const { source, id, type, subject, at: time, data } = event;
      insert.run(workspaceId, source, id, number + 1, type, subject, time, data, period.to);
      const hash = hashes.get(subject ?? '') ?? hashSubject(subject ?? '');
      hashes.set(subject ?? '', hash);
      for (const counter of counters) counter.add(event, hash);
    }
    for (const counter of counters) counter.write();
    database.prepare('insert into activity_head values (?, ?)').run(workspaceId, period.eventCount);
  }
  for (const { sql } of indexes) database.exec(sql);
  database.exec('commit; pragma journal_mode = wal');
  database.close();
}
