import { lastAddressOf, parseAddress, parseAddressRange } from '../contract/address-ranges.ts';

export interface Rate {
  readonly requests: number;
  readonly seconds: number;
}

/** How full the token bucket of a rate is. */
export interface RateLevel {
  /**
   * How much is missing from a full bucket at `rateAt`. The unit is such that one request is `seconds` × 1,000; the
   * amount is then always an integer, so that nothing is lost to rounding.
   */
  readonly rateMissing: number;
  /** Epoch milliseconds. */
  readonly rateAt: number;
}

/** The token bucket of one credential on one node (`rate-limiter.ts`). */
export interface RateBucket {
  rate: Rate;
  level: RateLevel;
  /** Number of requests accepted but not yet sent to the store. */
  unsent: number;
  /** Number of requests sent to the store, which has not responded yet. */
  sent: number;
  /** Whether the limiter keeps the bucket, because the store may not have all of its requests. */
  isPending: boolean;
}

/**
 * The restrictions of a credential as stored: address ranges, IDs of projects and apps, a rate and a number of uses.
 */
export interface StoredRestrictions {
  readonly addresses: readonly string[];
  readonly projects: readonly string[];
  readonly apps: readonly string[];
  readonly rate: Rate | null;
  /** The level of the rate's bucket; absent if it is unknown. */
  readonly rateLevel?: RateLevel;
  readonly maxUses: number | null;
  /** Whether the credential has reached its maximum number of uses. */
  readonly spent?: boolean;
}

/** Disjoint ranges in ascending order; eight words per range: its first and its last address. */
type RangeTable = Uint32Array;

/** Restrictions in the form in which a decision needs them. */
export interface CompiledRestrictions {
  /** Null if the credential may be used from any address. */
  readonly addresses: { readonly 4: RangeTable; readonly 6: RangeTable } | null;
  /** IDs. Null if the credential is not restricted to projects or apps. */
  readonly resources: { readonly projects: ReadonlySet<string>; readonly apps: ReadonlySet<string> } | null;
  readonly rate: Rate | null;
  /** As stored when the record was read. */
  readonly rateLevel: RateLevel;
  /** The bucket in which this node counts requests; null before the first request. */
  rateBucket: RateBucket | null;
  readonly maxUses: number | null;
  /**
   * Whether this node knows that the maximum number of uses was reached; the store decides. Never reset, because an
   * edit that raises the maximum replaces the record.
   */
  spent: boolean;
  /** Requests before this time (epoch milliseconds) exceed the rate. Used only if there is a maximum number of uses. */
  rateEmptyUntil: number;
}

const FULL_BUCKET: RateLevel = { rateMissing: 0, rateAt: 0 };
const WORDS_PER_RANGE = 8;
const LAST_ADDRESS_OFFSET = 4;
/** Maximum number of compiled lists kept for sharing between credentials, such as the addresses of CI runners. */
const MAX_SHARED_LISTS = 500;

function compareWords(first: readonly number[], second: readonly number[]): number {
  const index = first.findIndex((word, position) => word !== second[position]);
  return index === -1 ? 0 : (first[index] ?? 0) - (second[index] ?? 0);
}

function tableOf(ranges: readonly string[], family: 4 | 6): RangeTable {
  const sorted = ranges
    .flatMap((text) => parseAddressRange(text) ?? [])
    .filter((range) => range.family === family)
    .map((range) => ({ first: [...range.words], last: lastAddressOf(range) }))
    .sort((a, b) => compareWords(a.first, b.first) || compareWords(b.last, a.last));
  // Two CIDR ranges overlap only if one contains the other.
  const disjoint: typeof sorted = [];
  for (const range of sorted) {
    const previous = disjoint.at(-1);
    if (previous === undefined || compareWords(previous.last, range.first) < 0) disjoint.push(range);
  }
  return Uint32Array.from(disjoint.flatMap(({ first, last }) => [...first, ...last]));
}

/**
 * Returns a function that compiles lists and returns the same compiled form for equal lists that were used recently.
 * Without it, ten thousand records with the same 64 ranges and 64 apps would take 100 MB, and each decision would read
 * different memory (`bench/decision.ts`).
 */
function createSharedCompiler<Compiled>(compile: (...lists: (readonly string[])[]) => Compiled) {
  const cache = new Map<string, Compiled>();
  return (...lists: (readonly string[])[]): Compiled => {
    const key = lists.map((list) => list.join(' ')).join('\n');
    const compiled = cache.get(key) ?? compile(...lists);
    cache.delete(key);
    cache.set(key, compiled);
    const [oldest] = cache.keys();
    if (cache.size > MAX_SHARED_LISTS && oldest !== undefined) cache.delete(oldest);
    return compiled;
  };
}

const compileAddresses = createSharedCompiler((addresses = []) => ({
  4: tableOf(addresses, 4),
  6: tableOf(addresses, 6),
}));
const compileResources = createSharedCompiler((projects = [], apps = []) => ({
  projects: new Set(projects) as ReadonlySet<string>,
  apps: new Set(apps) as ReadonlySet<string>,
}));

/** Returns the compiled form; null if nothing is restricted. */
export function compileRestrictions(stored: StoredRestrictions | null | undefined): CompiledRestrictions | null {
  if (stored === null || stored === undefined) return null;
  const { addresses, projects, apps, rate, maxUses, spent = false, rateLevel = FULL_BUCKET } = stored;
  const limitsResources = projects.length + apps.length > 0;
  if (addresses.length === 0 && !limitsResources && rate === null && maxUses === null) return null;
  return {
    addresses: addresses.length === 0 ? null : compileAddresses(addresses),
    resources: limitsResources ? compileResources(projects, apps) : null,
    rate,
    rateLevel,
    rateBucket: null,
    maxUses,
    spent,
    rateEmptyUntil: 0,
  };
}

/** Buffer for the client's address, reused by every call of `allowsAddress`. */
const addressWords = new Uint32Array(4);

/** Compares the address in `addressWords` with the address at `start` of a table. */
function compareWith(table: RangeTable, start: number): number {
  for (let word = 0; word < 4; word++) {
    const difference = (addressWords[word] ?? 0) - (table[start + word] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Returns whether the credential may be used from a client's address. Text that is not an address is in no range. The
 * binary search allocates nothing, because every request with such a credential runs it.
 */
export function allowsAddress({ addresses }: CompiledRestrictions, address: string): boolean {
  if (addresses === null) return true;
  const zone = address.indexOf('%');
  const family = parseAddress(zone === -1 ? address : address.slice(0, zone), addressWords);
  if (family === 0) return false;
  const table = addresses[family];
  let low = 0;
  let high = table.length / WORDS_PER_RANGE;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareWith(table, middle * WORDS_PER_RANGE) < 0) high = middle;
    else if (compareWith(table, middle * WORDS_PER_RANGE + LAST_ADDRESS_OFFSET) <= 0) return true;
    else low = middle + 1;
  }
  return false;
}
