import type { Permission, Scope } from '../contract/vocabulary.ts';
import { type CredentialRecord, idIn } from './record.ts';
import { exercisedRightNamesOf, type RightsMask } from './rights.ts';

/** Uses of one credential that are not stored yet. Times are in epoch milliseconds. */
export interface PendingUses {
  readonly credentialId: string;
  readonly count: number;
  readonly lastUsedAt: number;
  readonly addresses: readonly AddressUse[];
  readonly rights: readonly RightUse[];
}

/** Uses that exercised one scope or permission, for one app or, if null, for no particular app. */
export interface RightUse {
  readonly right: Scope | Permission;
  readonly app: string | null;
  count: number;
}

/** The properties, besides the credential, by which a use is counted. Each combination has a number. */
interface UseContext {
  readonly address: string;
  readonly exercised: RightsMask;
  readonly app: string | null;
}

/** Uses of one credential, except the uses with the rights and the app of its first use. */
interface OtherRights {
  useCount: number;
  readonly byApp: Map<string | null, Map<RightsMask, number>>;
}

/** First and last use from one address, in epoch milliseconds. */
interface AddressUse {
  readonly address: string;
  readonly first: number;
  last: number;
}

/**
 * Maximum number of addresses recorded per credential between two flushes. The API returns at most this number, the
 * newest ones.
 */
export const MAX_ADDRESSES_PER_CREDENTIAL = 20;
/**
 * Maximum number of apps counted per credential between two flushes. Rights exercised for further apps are counted
 * without the app.
 */
export const MAX_APPS_PER_CREDENTIAL = 20;
/**
 * With more contexts than this between two flushes, uses are counted without their app. Clients choose the names of
 * apps and could otherwise exhaust the memory.
 */
export const MAX_CONTEXTS_WITH_APP = 10_000;
const INITIAL_CAPACITY = 256;

/** Uses counted between two flushes. */
export interface UsageCounters {
  /** `exercised` is a mask from `exercisedMaskOf`; `app` is the ID or slug of the app that the request is about. */
  count(record: CredentialRecord, address: string, now: number, exercised: RightsMask, app: string | null): void;
  /**
   * Removes and returns the uses of up to `maxCredentials` credentials. A credential whose row or name changed since
   * the previous flush can appear more than once.
   */
  drain(maxCredentials: number): PendingUses[];
  /** Number of credentials not drained yet. */
  credentialCount(): number;
  /** Number of uses not drained yet. */
  useCount(): number;
  /** Time of the first use in epoch milliseconds, 0 if there was none. */
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
 * numbers and usually allocates nothing. If the results of the benchmarks `decision`, `flush` and `memory` were as good
 * with a `Map` of `PendingUses` by credential ID, that could replace the arrays, and `CounterSlots` and
 * `CredentialRecord.row` could be deleted. `counterSlots` is passed from one set of counters to the next without being
 * cleared. An entry is valid only if its slot refers back to the row (sparse sets, Briggs and Torczon 1993).
 */
export function createUsageCounters(counterSlots: CounterSlots): UsageCounters {
  const labels: string[] = [];
  let rows = new Int32Array(INITIAL_CAPACITY);
  let counts = new Uint32Array(INITIAL_CAPACITY);
  /** Times of the first and last use from the address of the first use. */
  let firsts = new Float64Array(INITIAL_CAPACITY);
  let lasts = new Float64Array(INITIAL_CAPACITY);
  /** Index in `contexts` of the first use. Nearly always, all uses of a credential have the same context. */
  let firstContexts = new Uint32Array(INITIAL_CAPACITY);
  const contexts: UseContext[] = [];
  /** By address and app, then by rights. */
  const contextNumbers = new Map<string, Map<RightsMask, number>>();
  /** Slots of credentials whose record is not cached, by label. */
  const slotsWithoutRow = new Map<string, number>();
  const otherAddresses = new Map<number, AddressUse[]>();
  const otherRights = new Map<number, OtherRights>();
  let latestContext: UseContext = { address: '', exercised: 0, app: null };
  let latestContextNumber = -1;
  let drainedCount = 0;

  function contextNumberOf(address: string, exercised: RightsMask, app: string | null): number {
    const { address: lastAddress, exercised: lastExercised, app: lastApp } = latestContext;
    if (address === lastAddress && exercised === lastExercised && app === lastApp && latestContextNumber !== -1)
      return latestContextNumber;
    const key = app === null ? address : `${address} ${app}`;
    let byRights = contextNumbers.get(key);
    let contextNumber = byRights?.get(exercised);
    if (contextNumber === undefined) {
      if (app !== null && contexts.length >= MAX_CONTEXTS_WITH_APP) return contextNumberOf(address, exercised, null);
      if (byRights === undefined) contextNumbers.set(key, (byRights = new Map()));
      contextNumber = contexts.push({ address, exercised, app }) - 1;
      byRights.set(exercised, contextNumber);
    }
    latestContext = contexts[contextNumber] ?? latestContext;
    latestContextNumber = contextNumber;
    return contextNumber;
  }

  function grow(): void {
    const capacity = counts.length * 2;
    rows = copyInto(rows, new Int32Array(capacity));
    counts = copyInto(counts, new Uint32Array(capacity));
    firsts = copyInto(firsts, new Float64Array(capacity));
    lasts = copyInto(lasts, new Float64Array(capacity));
    firstContexts = copyInto(firstContexts, new Uint32Array(capacity));
  }

  /** Returns the slot of a credential, or -1. */
  function slotOf({ label, row }: CredentialRecord): number {
    const slot = row < 0 ? (slotsWithoutRow.get(label) ?? -1) : counterSlots.get(row);
    return rows[slot] === row && labels[slot] === label ? slot : -1;
  }

  function addSlot({ label, row }: CredentialRecord, contextNumber: number, now: number): void {
    const slot = labels.push(label) - 1;
    if (slot === counts.length) grow();
    if (row < 0) slotsWithoutRow.set(label, slot);
    else counterSlots.set(row, slot);
    rows[slot] = row;
    counts[slot] = 1;
    firsts[slot] = now;
    lasts[slot] = now;
    firstContexts[slot] = contextNumber;
  }

  /** Addresses beyond `MAX_ADDRESSES_PER_CREDENTIAL` are dropped; their uses still count. */
  function countOtherAddress(slot: number, address: string, now: number): void {
    const others = otherAddresses.get(slot) ?? [];
    const known = others.find((other) => other.address === address);
    if (known !== undefined) known.last = now;
    else if (others.length + 1 < MAX_ADDRESSES_PER_CREDENTIAL) others.push({ address, first: now, last: now });
    otherAddresses.set(slot, others);
  }

  function countOtherRights(slot: number, exercised: RightsMask, app: string | null): void {
    const others = otherRights.get(slot) ?? { useCount: 0, byApp: new Map() };
    otherRights.set(slot, others);
    const isBelowLimit = others.byApp.has(app) || others.byApp.size + 1 < MAX_APPS_PER_CREDENTIAL;
    const countedApp = isBelowLimit ? app : null;
    const countsByMask = others.byApp.get(countedApp) ?? new Map<RightsMask, number>();
    others.byApp.set(countedApp, countsByMask);
    countsByMask.set(exercised, (countsByMask.get(exercised) ?? 0) + 1);
    others.useCount++;
  }

  function rightsInSlot(slot: number, { exercised, app }: UseContext): RightUse[] {
    const { useCount, byApp } = otherRights.get(slot) ?? { useCount: 0, byApp: new Map() };
    const rightUses: RightUse[] = [];
    const add = (mask: RightsMask, countedApp: string | null, count: number) => {
      for (const right of exercisedRightNamesOf(mask)) {
        const known = rightUses.find((rightUse) => rightUse.right === right && rightUse.app === countedApp);
        if (known === undefined) rightUses.push({ right, app: countedApp, count });
        else known.count += count;
      }
    };
    add(exercised, app, (counts[slot] ?? 0) - useCount);
    for (const [otherApp, countsByMask] of byApp) for (const [mask, count] of countsByMask) add(mask, otherApp, count);
    return rightUses;
  }

  function usesInSlot(slot: number): PendingUses[] {
    const label = labels[slot];
    const context = contexts[firstContexts[slot] ?? 0];
    if (label === undefined || context === undefined) return [];
    const others = otherAddresses.get(slot) ?? [];
    const last = lasts[slot] ?? 0;
    const firstAddress = { address: context.address, first: firsts[slot] ?? 0, last };
    const lastUsedAt = others.reduce((newest, other) => Math.max(newest, other.last), last);
    const addresses = [firstAddress, ...others];
    const rights = rightsInSlot(slot, context);
    return [{ credentialId: idIn(label), count: counts[slot] ?? 0, lastUsedAt, addresses, rights }];
  }

  return {
    count(record, address, now, exercised, app) {
      const slot = slotOf(record);
      const contextNumber = contextNumberOf(address, exercised, app);
      if (slot === -1) {
        addSlot(record, contextNumber, now);
        return;
      }
      counts[slot] = (counts[slot] ?? 0) + 1;
      const firstContextNumber = firstContexts[slot] ?? 0;
      if (firstContextNumber === contextNumber) {
        lasts[slot] = now;
        return;
      }
      const firstContext = contexts[firstContextNumber];
      if (firstContext?.address === address) lasts[slot] = now;
      else countOtherAddress(slot, address, now);
      if (firstContext?.exercised !== exercised || firstContext.app !== app) countOtherRights(slot, exercised, app);
    },
    drain(maxCredentials) {
      const from = drainedCount;
      drainedCount = Math.min(labels.length, from + maxCredentials);
      return Array.from({ length: drainedCount - from }, (_, index) => usesInSlot(from + index)).flat();
    },
    credentialCount: () => labels.length - drainedCount,
    useCount: () => counts.subarray(drainedCount, labels.length).reduce((sum, count) => sum + count, 0),
    firstUseAt: () => firsts[0] ?? 0,
  };
}
