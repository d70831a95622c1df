import { type CredentialRecord, idIn } from './record.ts';

/** Uses of one credential that are not stored yet. Times are in epoch milliseconds. */
export interface PendingUses {
  readonly credentialId: string;
  readonly count: number;
  readonly lastUsedAt: number;
  readonly addresses: readonly AddressUse[];
}

/** First and last use from one address, in epoch milliseconds. */
interface AddressUse {
  readonly address: string;
  readonly first: number;
  last: number;
}

/** Addresses stored per credential: the web UI shows the last twenty. */
export const MAX_ADDRESSES_PER_CREDENTIAL = 20;
const INITIAL_CAPACITY = 256;

/** Uses counted between two flushes. */
export interface UsageCounters {
  count(record: CredentialRecord, address: string, now: number): void;
  /**
   * Removes and returns the uses of up to `maxCredentials` credentials. One whose row or name changed appears twice.
   */
  drain(maxCredentials: number): PendingUses[];
  /** Number of credentials not drained yet. */
  size(): number;
  /** Number of uses not drained yet. */
  uses(): number;
  /** Time of the first use in epoch milliseconds, 0 if there is none. */
  firstUseAt(): number;
}

function copyInto<Numbers extends Int32Array | Uint32Array | Float64Array>(from: Numbers, into: Numbers): Numbers {
  into.set(from);
  return into;
}

/** Maps a row of the record cache to its slot in the current counters. An entry may be stale: `count` checks it. */
export interface CounterSlots {
  get(row: number): number;
  set(row: number, slot: number): void;
}

/**
 * Counters in typed arrays, one slot per credential and one array per field, so that counting a use writes a few
 * numbers and, except for a second address, allocates nothing. The benchmarks `decision`, `flush` and `memory` show it.
 * If they no longer did, this could be a `Map` of `PendingUses` by credential id, and `CounterSlots` and
 * `CredentialRecord.row` could be deleted. `counterSlots` is passed from one set of counters to the next without being
 * cleared; an entry is valid only if its slot refers back to the row (sparse sets, Briggs and Torczon 1993).
 */
export function createUsageCounters(counterSlots: CounterSlots): UsageCounters {
  const labels: string[] = [];
  let rows = new Int32Array(INITIAL_CAPACITY);
  let counts = new Uint32Array(INITIAL_CAPACITY);
  let firsts = new Float64Array(INITIAL_CAPACITY);
  let lasts = new Float64Array(INITIAL_CAPACITY);
  /** Index in `addressNames` of the address of the first use, which is nearly always the only one. */
  let addresses = new Uint32Array(INITIAL_CAPACITY);
  const addressNames: string[] = [];
  const addressNumbers = new Map<string, number>();
  /** Slots of credentials whose record is not cached, by label. */
  const slotsWithoutRow = new Map<string, number>();
  const otherAddresses = new Map<number, AddressUse[]>();
  let latestAddress = '';
  let latestNumber = -1;
  let drainedCount = 0;

  function addressNumberOf(address: string): number {
    if (address === latestAddress && latestNumber !== -1) return latestNumber;
    let known = addressNumbers.get(address);
    if (known === undefined) {
      known = addressNames.push(address) - 1;
      addressNumbers.set(address, known);
    }
    latestAddress = address;
    latestNumber = known;
    return known;
  }

  function grow(): void {
    const capacity = counts.length * 2;
    rows = copyInto(rows, new Int32Array(capacity));
    counts = copyInto(counts, new Uint32Array(capacity));
    firsts = copyInto(firsts, new Float64Array(capacity));
    lasts = copyInto(lasts, new Float64Array(capacity));
    addresses = copyInto(addresses, new Uint32Array(capacity));
  }

  function add({ label, row }: CredentialRecord, address: string, now: number): void {
    const slot = labels.push(label) - 1;
    if (slot === counts.length) grow();
    if (row < 0) slotsWithoutRow.set(label, slot);
    else counterSlots.set(row, slot);
    rows[slot] = row;
    counts[slot] = 1;
    firsts[slot] = now;
    lasts[slot] = now;
    addresses[slot] = addressNumberOf(address);
  }

  /** Addresses beyond `MAX_ADDRESSES_PER_CREDENTIAL` are dropped; their uses still count. */
  function countOtherAddress(slot: number, address: string, now: number): void {
    const others = otherAddresses.get(slot) ?? [];
    const seen = others.find((other) => other.address === address);
    if (seen !== undefined) seen.last = now;
    else if (others.length + 1 < MAX_ADDRESSES_PER_CREDENTIAL) others.push({ address, first: now, last: now });
    otherAddresses.set(slot, others);
  }

  function usesInSlot(slot: number): PendingUses[] {
    const label = labels[slot];
    if (label === undefined) return [];
    const others = otherAddresses.get(slot) ?? [];
    const last = lasts[slot] ?? 0;
    const here = { address: addressNames[addresses[slot] ?? 0] ?? '', first: firsts[slot] ?? 0, last };
    const lastUsedAt = others.reduce((newest, other) => Math.max(newest, other.last), last);
    return [{ credentialId: idIn(label), count: counts[slot] ?? 0, lastUsedAt, addresses: [here, ...others] }];
  }

  return {
    count(record, address, now) {
      const { label, row } = record;
      const slot = row < 0 ? (slotsWithoutRow.get(label) ?? -1) : counterSlots.get(row);
      if (rows[slot] !== row || labels[slot] !== label) return add(record, address, now);
      counts[slot] = (counts[slot] ?? 0) + 1;
      if (addresses[slot] === addressNumberOf(address)) lasts[slot] = now;
      else countOtherAddress(slot, address, now);
    },
    drain(maxCredentials) {
      const from = drainedCount;
      drainedCount = Math.min(labels.length, from + maxCredentials);
      return Array.from({ length: drainedCount - from }, (_, index) => usesInSlot(from + index)).flat();
    },
    size: () => labels.length - drainedCount,
    uses: () => counts.subarray(drainedCount, labels.length).reduce((sum, count) => sum + count, 0),
    firstUseAt: () => firsts[0] ?? 0,
  };
}
