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

const TYPES = 12;
const SOURCES = 6;

/** Describes events that are spread evenly over a number of days. */
export interface SeedPeriod {
  readonly events: number;
  readonly days: number;
  readonly subjects: number;
  /** End of the last day, in epoch milliseconds. */
  readonly to: number;
}

/** Returns a pseudo-random subject for an event number. */
function subjectOf(number: number, subjects: number): string {
  let mixed = Math.imul(number ^ (number >>> 16), 0x45d9f3b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return `customer-${((mixed ^ (mixed >>> 16)) >>> 0) % subjects}`;
}

/**
 * Returns an event of a period by its number, starting at 0. Its type, source and subject do not depend on the number
 * of events.
 */
export function seedEventOf({ events, days, subjects, to }: SeedPeriod, number: number): ReceivedEvent {
  return {
    id: `event-${number}`,
    source: `/service/${number % SOURCES}`,
    type: `thing.happened.${number % TYPES}`,
    subject: subjectOf(number, subjects),
    at: to - days * DAY + Math.floor((number / events) * days * DAY),
    data: `{"total":${number}}`,
  };
}

interface Cell {
  count: number;
  readonly hashes: Set<number>;
}

/** Counts the events of one time interval at a time, and writes its counts when the next interval starts. */
function createRollupCounter(insert: StatementSync, workspaceId: string, grain: Interval, dimension: ActivityGroup) {
  const cells = new Map<string, Cell>();
  let step = 0;
  function write(): void {
    for (const key of [...cells.keys()].sort()) {
      const { count, hashes } = cells.get(key) as Cell;
      const bySubject = dimension === 'subject';
      const sketch = bySubject ? null : addToSketch(decodeSketch(null), hashes);
      const subjects = sketch === null ? 1 : estimateCount(sketch);
      insert.run(workspaceId, grain, dimension, step, key, count, subjects, sketch && encodeSketch(sketch));
    }
    cells.clear();
  }
  return {
    add(event: ReceivedEvent, hash: number): void {
      const stepStart = event.at - (event.at % INTERVALS[grain]);
      if (stepStart !== step) write();
      step = stepStart;
      const key = event[dimension] ?? '';
      let cell = cells.get(key);
      if (cell === undefined) cells.set(key, (cell = { count: 0, hashes: new Set() }));
      cell.count++;
      if (dimension !== 'subject') cell.hashes.add(hash);
    },
    write,
  };
}

/**
 * Writes the same rows into the file of a stopped server as ingesting the events would (a test compares them), in a
 * fraction of the time: without a commit per batch, and with indexes created at the end.
 */
export function seedActivity(path: string, months: Readonly<Record<string, SeedPeriod>>): void {
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
  for (const [workspaceId, month] of Object.entries(months)) {
    const counts = INTERVAL_NAMES.flatMap((grain) =>
      ACTIVITY_GROUPS.map((dimension) => createRollupCounter(insertCount, workspaceId, grain, dimension)),
    );
    for (let number = 0; number < month.events; number++) {
      const event = seedEventOf(month, number);
      const { source, id, type, subject, at: time, data } = event;
      insert.run(workspaceId, source, id, number + 1, type, subject, time, data, month.to);
      const hash = hashes.get(subject ?? '') ?? hashSubject(subject ?? '');
      hashes.set(subject ?? '', hash);
      for (const count of counts) count.add(event, hash);
    }
    for (const count of counts) count.write();
    database.prepare('insert into activity_head values (?, ?)').run(workspaceId, month.events);
  }
  for (const { sql } of indexes) database.exec(sql);
  database.exec('commit; pragma journal_mode = wal');
  database.close();
}
