import { setImmediate } from 'node:timers/promises';
import {
  clearSpans,
  findInSpans,
  insertSpan,
  lastActivity,
  readSpanKeys,
  readSpans,
  type Sought,
  spanOf,
} from '../store/activity-spans.ts';
import type { Store, Trx } from '../store/store.ts';
import { createSpanFilter, newBits, note, placesOf, type SpanFilter } from './span-filter.ts';

/** An event with the sequence number that it is to have. */
export interface Numbered {
  readonly source: string;
  readonly id: string;
  readonly sequence: number;
}

/**
 * Knows which events are there already, on the embedded store, whose key of them is by span: it looks
 * where an event may be, in nearly none of the spans before the last. One writer at a time may use it.
 */
export interface Seen {
  /** Makes ready for writes to these workspaces, before their transaction begins. */
  prepare(workspaceIds: readonly string[]): Promise<void>;
  /**
   * The sequence numbers of those that are there already in an earlier span, or twice among these; the key
   * of events refuses those of the same span. They are to be numbered in a row, from the next number on.
   */
  among(trx: Trx, workspaceId: string, events: readonly Numbered[]): Promise<Set<number>>;
  /** What is known of a workspace is read anew before the next write. */
  forget(workspaceId: string): void;
  /** Lets go of spans of which nothing is left. */
  tidy(workspaceId: string): Promise<void>;
}

interface Known {
  readonly filter: SpanFilter;
  /** The next sequence number, the span that it is in, and what is noted of that. */
  next: number;
  open: number;
  bits: Uint8Array;
  stale: boolean;
}

/** What is known of workspaces that are written to: 2 bytes an event. */
const BYTES_KEPT = 64 * 1_048_576;

const bytesOf = ({ filter, bits }: Known) => filter.bytes + bits.length;

/** Events that are looked at in one turn of the thread, so that judgements get in between. */
const AT_ONCE = 500;

const keyOf = (source: string, id: string) => `${source}\0${id}`;

export function createSeen(store: Store): Seen {
  /** The last used last. */
  const all = new Map<string, Known>();

  async function noteSpan(workspaceId: string, span: number): Promise<{ bits: Uint8Array; empty: boolean }> {
    const bits = newBits();
    let empty = true;
    for await (const { source, id } of readSpanKeys(store.read, workspaceId, span)) {
      note(bits, placesOf(keyOf(source, id)));
      empty = false;
    }
    return { bits, empty };
  }

  async function load(workspaceId: string): Promise<Known> {
    const next = (await lastActivity(store.read, workspaceId)) + 1;
    const open = spanOf(next);
    const filter = createSpanFilter();
    const there = new Set<number>();
    for await (const { span, bits } of readSpans(store.read, workspaceId)) {
      there.add(span);
      if (bits === null) continue;
      filter.add(span, bits);
      // A millisecond each: judgements get in between.
      await setImmediate();
    }
    // What was written by an earlier version or copied from another store; each by itself, so that others get in between.
    for (let span = 0; span < open; span++) {
      if (there.has(span)) continue;
      const { bits, empty } = await noteSpan(workspaceId, span);
      await store.transaction((trx) => insertSpan(trx, workspaceId, span, empty ? null : bits));
      if (!empty) filter.add(span, bits);
    }
    return { filter, next, open, bits: (await noteSpan(workspaceId, open)).bits, stale: false };
  }

  function letGo(except: ReadonlySet<string>): void {
    let bytes = 0;
    for (const known of all.values()) bytes += bytesOf(known);
    for (const [workspaceId, known] of all) {
      if (bytes <= BYTES_KEPT) return;
      if (except.has(workspaceId)) continue;
      bytes -= bytesOf(known);
      all.delete(workspaceId);
    }
  }

  function forget(workspaceId: string): void {
    const known = all.get(workspaceId);
    if (known !== undefined) known.stale = true;
  }

  return {
    forget,

    async prepare(workspaceIds) {
      for (const workspaceId of workspaceIds) {
        const known = all.get(workspaceId);
        const ready = known === undefined || known.stale ? await load(workspaceId) : known;
        all.delete(workspaceId);
        all.set(workspaceId, ready);
      }
      letGo(new Set(workspaceIds));
    },

    async among(trx, workspaceId, events) {
      const known = all.get(workspaceId);
      if (known === undefined || events[0]?.sequence !== known.next) {
        throw new Error('What is there of events is not known.');
      }
      const full: { span: number; bits: Uint8Array }[] = [];
      const again = new Set<number>();
      const here = new Set<string>();
      const sought: Sought[] = [];
      for (const [at, { source, id, sequence }] of events.entries()) {
        if (at > 0 && at % AT_ONCE === 0) await setImmediate();
        for (const span = spanOf(sequence); known.open < span; known.open++, known.bits = newBits()) {
          known.filter.add(known.open, known.bits);
          full.push({ span: known.open, bits: known.bits });
        }
        const key = keyOf(source, id);
        if (here.has(key)) {
          again.add(sequence);
          continue;
        }
        here.add(key);
        const places = placesOf(key);
        for (const span of known.filter.spansFor(places)) sought.push({ name: sequence, span, source, id });
        note(known.bits, places);
      }
      known.next += events.length;
      for (const { span, bits } of full) await insertSpan(trx, workspaceId, span, bits);
      if (sought.length > 0) for (const name of await findInSpans(trx, workspaceId, sought)) again.add(name);
      return again;
    },

    async tidy(workspaceId) {
      const cleared = await store.transaction((trx) => clearSpans(trx, workspaceId));
      if (cleared > 0) forget(workspaceId);
    },
  };
}
