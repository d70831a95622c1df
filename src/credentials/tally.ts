import { type CredentialRecord, idIn } from './record.ts';

/** Uses of one credential that are not in the store yet; instants in epoch milliseconds. */
export interface PendingUses {
  readonly credentialId: string;
  readonly count: number;
  readonly lastUsedAt: number;
  readonly addresses: readonly UsesFrom[];
}

/** First and last use from one address. */
interface UsesFrom {
  readonly address: string;
  readonly first: number;
  last: number;
}

/** The addresses kept per credential: the page shows the last twenty. */
export const ADDRESSES_KEPT = 20;
const FIRST_CAPACITY = 256;

/** What was counted between two flushes. */
export interface Tally {
  count(record: CredentialRecord, address: string, now: number): void;
  /** Takes the uses of the next credentials, `most` at a time; the same credential twice if its row or its name changed. */
  take(most: number): PendingUses[];
  /** Credentials not taken yet. */
  size(): number;
  /** Uses not taken yet. */
  uses(): number;
  /** When the first use was counted, 0 if none was. */
  since(): number;
}

function larger<Numbers extends Int32Array | Uint32Array | Float64Array>(from: Numbers, into: Numbers): Numbers {
  into.set(from);
  return into;
}

/** The place that each row of memory has in the tally of the moment, as far as that says the same. */
export interface Places {
  get(row: number): number;
  set(row: number, place: number): void;
}

/**
 * A tally with a place for each credential and a column for each fact, so that a use costs a few writes
 * of numbers and, but for a second address, allocates nothing. `places` goes from tally to tally without
 * being emptied: a place counts only if it names the row back (Briggs and Torczon 1993).
 */
export function createTally(places: Places): Tally {
  const labels: string[] = [];
  let rows = new Int32Array(FIRST_CAPACITY);
  let counts = new Uint32Array(FIRST_CAPACITY);
  let firsts = new Float64Array(FIRST_CAPACITY);
  let lasts = new Float64Array(FIRST_CAPACITY);
  /** Where in `names` the address of the first use stands; nearly always the only one. */
  let addresses = new Uint32Array(FIRST_CAPACITY);
  const names: string[] = [];
  const numbers = new Map<string, number>();
  /** Places of credentials whose record was not remembered. */
  const rowless = new Map<string, number>();
  const elsewhere = new Map<number, UsesFrom[]>();
  let latest = '';
  let latestNumber = -1;
  let taken = 0;

  function numberOf(address: string): number {
    if (address === latest && latestNumber !== -1) return latestNumber;
    let known = numbers.get(address);
    if (known === undefined) {
      known = names.push(address) - 1;
      numbers.set(address, known);
    }
    latest = address;
    latestNumber = known;
    return known;
  }

  function grow(): void {
    const capacity = counts.length * 2;
    rows = larger(rows, new Int32Array(capacity));
    counts = larger(counts, new Uint32Array(capacity));
    firsts = larger(firsts, new Float64Array(capacity));
    lasts = larger(lasts, new Float64Array(capacity));
    addresses = larger(addresses, new Uint32Array(capacity));
  }

  function add({ label, row }: CredentialRecord, address: string, now: number): void {
    const place = labels.push(label) - 1;
    if (place === counts.length) grow();
    if (row < 0) rowless.set(label, place);
    else places.set(row, place);
    rows[place] = row;
    counts[place] = 1;
    firsts[place] = now;
    lasts[place] = now;
    addresses[place] = numberOf(address);
  }

  /** A use from another address than the first; beyond the addresses kept only the count goes on. */
  function noteElsewhere(place: number, address: string, now: number): void {
    const others = elsewhere.get(place) ?? [];
    const seen = others.find((other) => other.address === address);
    if (seen !== undefined) seen.last = now;
    else if (others.length + 1 < ADDRESSES_KEPT) others.push({ address, first: now, last: now });
    elsewhere.set(place, others);
  }

  function usesAt(place: number): PendingUses[] {
    const label = labels[place];
    if (label === undefined) return [];
    const others = elsewhere.get(place) ?? [];
    const last = lasts[place] ?? 0;
    const here = { address: names[addresses[place] ?? 0] ?? '', first: firsts[place] ?? 0, last };
    const lastUsedAt = others.reduce((newest, other) => Math.max(newest, other.last), last);
    return [{ credentialId: idIn(label), count: counts[place] ?? 0, lastUsedAt, addresses: [here, ...others] }];
  }

  return {
    count(record, address, now) {
      const { label, row } = record;
      const place = row < 0 ? (rowless.get(label) ?? -1) : places.get(row);
      if (rows[place] !== row || labels[place] !== label) return add(record, address, now);
      counts[place] = (counts[place] ?? 0) + 1;
      if (addresses[place] === numberOf(address)) lasts[place] = now;
      else noteElsewhere(place, address, now);
    },
    take(most) {
      const from = taken;
      taken = Math.min(labels.length, from + most);
      return Array.from({ length: taken - from }, (_, at) => usesAt(from + at)).flat();
    },
    size: () => labels.length - taken,
    uses: () => counts.subarray(taken, labels.length).reduce((sum, count) => sum + count, 0),
    since: () => firsts[0] ?? 0,
  };
}
