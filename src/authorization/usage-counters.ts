import { type CredentialRecord, idIn } from './record.ts';

/** Uses of one credential that are not in the store yet; instants in epoch milliseconds. */
export interface PendingUses {
  readonly credentialId: string;
  readonly count: number;
  readonly lastUsedAt: number;
  readonly addresses: readonly AddressUse[];
}

/** First and last use from one address. */
interface AddressUse {
  readonly address: string;
  readonly first: number;
  last: number;
}

/** The addresses kept per credential: the page shows the last twenty. */
export const MAX_ADDRESSES_PER_CREDENTIAL = 20;
const INITIAL_CAPACITY = 256;

/** What was counted between two flushes. */
export interface UsageCounters {
  count(record: CredentialRecord, address: string, now: number): void;
  /** Takes the uses of the next credentials, `most` at a time; the same credential twice if its row or its name changed. */
  drain(maxCredentials: number): PendingUses[];
  /** Credentials not taken yet. */
  size(): number;
  /** Uses not taken yet. */
  uses(): number;
  /** When the first use was counted, 0 if none was. */
  firstUseAt(): number;
}

function copyInto<Numbers extends Int32Array | Uint32Array | Float64Array>(from: Numbers, into: Numbers): Numbers {
  into.set(from);
  return into;
}

/** The place that each row of memory has in the tally of the moment, as far as that says the same. */
export interface CounterSlots {
  get(row: number): number;
  set(row: number, slot: number): void;
}

/**
 * A tally with a place for each credential and a column for each fact, so that a use costs a few writes
 * of numbers and, but for a second address, allocates nothing. `places` goes from tally to tally without
 * being emptied: a place counts only if it names the row back (Briggs and Torczon 1993).
 */
export function createUsageCounters(counterSlots: CounterSlots): UsageCounters {
  const labels: string[] = [];
  let rows = new Int32Array(INITIAL_CAPACITY);
  let counts = new Uint32Array(INITIAL_CAPACITY);
  let firsts = new Float64Array(INITIAL_CAPACITY);
  let lasts = new Float64Array(INITIAL_CAPACITY);
  /** Where in `names` the address of the first use stands; nearly always the only one. */
  let addresses = new Uint32Array(INITIAL_CAPACITY);
  const addressNames: string[] = [];
  const addressNumbers = new Map<string, number>();
  /** Places of credentials whose record was not remembered. */
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

  /** A use from another address than the first; beyond the addresses kept only the count goes on. */
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
