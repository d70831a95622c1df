import type { CredentialKind } from '../contract/vocabulary.ts';
import { type CredentialRecord, type Digest, idIn, nameIn, type WorkspaceMark } from './record.ts';
import type { RecordCache } from './registry.ts';
import type { CompiledRestrictions } from './restrictions.ts';

/** A row is 16 words of 32 bits, one cache line of the processor: eight for the digest, then the fields below. */
const WORDS_PER_ROW = 16;
const EXPIRES_WORD = 8;
const CREATED_WORD = 10;
const RIGHTS_WORD = 12;
const WORKSPACE_WORD = 13;
const FLAGS_WORD = 14;
const COUNTER_SLOT_WORD = 15;

const IS_KEY = 2;
const IS_ACTIVE = 4;
/** Set if the row has been used since eviction last considered it. */
const IS_RECENT = 8;
const HAS_PASSPHRASE = 16;
const HAS_RESTRICTIONS = 32;

const PAGE_BITS = 12;
const PAGE_ROWS = 1 << PAGE_BITS;
/** Maximum number of recently used rows that one eviction skips. It evicts the next one even if that was used. */
const MAX_SECOND_CHANCES = 64;

/** Sentinel for "no expiry". */
const NEVER_HIGH_WORD = -1;
const TWO_TO_32 = 2 ** 32;

const NO_WORDS = new Int32Array(0);

/** Returns word `index` of a digest, little-endian. */
function wordOf(digest: Digest, index: number): number {
  const from = index * 4;
  return (
    digest.charCodeAt(from) |
    (digest.charCodeAt(from + 1) << 8) |
    (digest.charCodeAt(from + 2) << 16) |
    (digest.charCodeAt(from + 3) << 24)
  );
}

const instantOf = (low: number, high: number): number => high * TWO_TO_32 + (low >>> 0);

function writeInstant(page: Int32Array, index: number, instant: number | null): void {
  page[index] = instant === null ? 0 : instant % TWO_TO_32;
  page[index + 1] = instant === null ? NEVER_HIGH_WORD : Math.floor(instant / TWO_TO_32);
}

/**
 * A copy of a row. Getters build the ID and the name, which a decision does not need, and the times, because a number
 * this large in a field would be an object on the heap. Do not spread a record: getters are not copied.
 */
class RowRecord implements CredentialRecord {
  readonly row: number;
  readonly label: string;
  readonly workspace: WorkspaceMark;
  readonly rights: number;
  readonly passphraseHash: string | null;
  readonly restrictions: CompiledRestrictions | null;
  private readonly flags: number;
  private readonly expires: number;
  private readonly expiresHigh: number;
  private readonly created: number;
  private readonly createdHigh: number;

  constructor(
    row: number,
    label: string,
    workspace: WorkspaceMark,
    passphraseHash: string | null,
    restrictions: CompiledRestrictions | null,
    page: Int32Array,
    start: number,
  ) {
    this.row = row;
    this.label = label;
    this.workspace = workspace;
    this.rights = page[start + RIGHTS_WORD] ?? 0;
    this.passphraseHash = passphraseHash;
    this.restrictions = restrictions;
    this.flags = page[start + FLAGS_WORD] ?? 0;
    this.expires = page[start + EXPIRES_WORD] ?? 0;
    this.expiresHigh = page[start + EXPIRES_WORD + 1] ?? NEVER_HIGH_WORD;
    this.created = page[start + CREATED_WORD] ?? 0;
    this.createdHigh = page[start + CREATED_WORD + 1] ?? 0;
  }

  get id(): string {
    return idIn(this.label);
  }

  get name(): string {
    return nameIn(this.label);
  }

  get kind(): CredentialKind {
    return (this.flags & IS_KEY) !== 0 ? 'api_key' : 'access_token';
  }

  get active(): boolean {
    return (this.flags & IS_ACTIVE) !== 0;
  }

  get expiresAt(): number | null {
    return this.expiresHigh === NEVER_HIGH_WORD ? null : instantOf(this.expires, this.expiresHigh);
  }

  get createdAt(): number {
    return instantOf(this.created, this.createdHigh);
  }
}

/**
 * A cache for servers, which stores records as rows of numbers outside the heap
 * (`docs/adr/0012-cached-rows-and-authorize-without-fastify.md`). As a million objects, records took three times the
 * memory, and every major garbage collection traversed them. If the results of the benchmarks `memory` and `decision`
 * were as good with `createObjectRecordCache`, servers could use that, and this file could be deleted. Rows are found
 * through a hash table with open addressing and linear probing (Knuth, The Art of Computer Programming, 6.4, algorithms
 * L and R).
 */
export function createRecordCache(capacity: number): RecordCache {
  /** A small cache has a smaller page, because there are never more rows than `capacity`. */
  const pageWords = Math.min(PAGE_ROWS, capacity) * WORDS_PER_ROW;
  let pages: Int32Array[] = [];
  const tableSize = 2 ** Math.ceil(Math.log2(capacity * 2));
  const mask = tableSize - 1;
  /**
   * Two words per slot: the row number + 1, or 0 if the slot is empty, and the second word of the digest, so that a row
   * is read only if it almost certainly matches. The first word of a digest serves as its hash, because SHA-256 is
   * uniform. The table has its full size from the start, because memory that was never written costs nothing and
   * growing the table would block the event loop.
   */
  let slots = new Int32Array(tableSize * 2);
  /** ID and name of each row in one string, because half the memory of two short strings would be their headers. */
  let labels: string[] = [];
  let passphraseHashes = new Map<number, string>();
  /** A sparse array and not a `Map`, because a look-up in a `Map` of ten thousand entries reads more memory. */
  let restrictionsOfRows: (CompiledRestrictions | undefined)[] = [];
  let workspaces: WorkspaceMark[] = [];
  let workspaceIndexes = new Map<WorkspaceMark, number>();
  let freeRows: number[] = [];
  let size = 0;
  /** The row at which the next eviction continues (CLOCK, Corbató 1968). */
  let hand = 0;

  const pageOf = (row: number): Int32Array => pages[row >>> PAGE_BITS] ?? NO_WORDS;
  const startOf = (row: number): number => (row & (PAGE_ROWS - 1)) * WORDS_PER_ROW;

  /** Returns the slot of a digest, or -1. */
  function slotOf(digest: Digest): number {
    const tag = wordOf(digest, 1);
    for (let index = wordOf(digest, 0) & mask; ; index = (index + 1) & mask) {
      const row = (slots[index * 2] ?? 0) - 1;
      if (row === -1) return -1;
      if (slots[index * 2 + 1] !== tag) continue;
      const page = pageOf(row);
      const start = startOf(row);
      let word = 0;
      while (word < 8 && page[start + word] === wordOf(digest, word)) word++;
      if (word === 8) return index;
    }
  }

  /** Puts a row into the first empty slot for its digest (algorithm L). */
  function link(row: number): void {
    const page = pageOf(row);
    const start = startOf(row);
    let index = (page[start] ?? 0) & mask;
    while (slots[index * 2] !== 0) index = (index + 1) & mask;
    slots[index * 2] = row + 1;
    slots[index * 2 + 1] = page[start + 1] ?? 0;
  }

  /** Empties a slot, and moves later entries forward that could not be found past the gap (algorithm R). */
  function unlink(slot: number): void {
    let hole = slot;
    for (let index = (hole + 1) & mask; slots[index * 2] !== 0; index = (index + 1) & mask) {
      const row = (slots[index * 2] ?? 0) - 1;
      const home = (pageOf(row)[startOf(row)] ?? 0) & mask;
      if (((index - home) & mask) < ((index - hole) & mask)) continue;
      slots[hole * 2] = row + 1;
      slots[hole * 2 + 1] = slots[index * 2 + 1] ?? 0;
      hole = index;
    }
    slots[hole * 2] = 0;
  }

  /** Removes the record in a slot of the hash table and frees its row. */
  function removeRecordAt(slot: number): void {
    const row = (slots[slot * 2] ?? 0) - 1;
    unlink(slot);
    labels[row] = '';
    passphraseHashes.delete(row);
    if (restrictionsOfRows[row] !== undefined) restrictionsOfRows[row] = undefined;
    freeRows.push(row);
    size--;
  }

  function digestOfRow(row: number): Digest {
    const page = pageOf(row);
    return String.fromCharCode(...new Uint8Array(page.buffer, page.byteOffset + startOf(row) * 4, 32));
  }

  /**
   * Evicts the first row, starting at `hand`, that was not used since eviction last considered it. The cache is full,
   * so every row contains a record.
   */
  function evictOne(): void {
    for (let chances = MAX_SECOND_CHANCES; ; hand = (hand + 1) % labels.length) {
      const page = pageOf(hand);
      const index = startOf(hand) + FLAGS_WORD;
      const flags = page[index] ?? 0;
      if ((flags & IS_RECENT) !== 0 && chances-- > 0) page[index] = flags & ~IS_RECENT;
      else break;
    }
    removeRecordAt(slotOf(digestOfRow(hand)));
  }

  function allocateRow(): number {
    const row = freeRows.pop() ?? labels.length;
    if (row >>> PAGE_BITS === pages.length) pages.push(new Int32Array(pageWords));
    return row;
  }

  function workspaceIndexOf(workspace: WorkspaceMark): number {
    let index = workspaceIndexes.get(workspace);
    if (index === undefined) workspaceIndexes.set(workspace, (index = workspaces.push(workspace) - 1));
    return index;
  }

  return {
    get(digest) {
      const slot = slotOf(digest);
      if (slot === -1) return null;
      const row = (slots[slot * 2] ?? 0) - 1;
      const page = pageOf(row);
      const start = startOf(row);
      const workspace = workspaces[page[start + WORKSPACE_WORD] ?? 0];
      if (workspace === undefined || workspace.revoked) return null;
      const flags = page[start + FLAGS_WORD] ?? 0;
      page[start + FLAGS_WORD] = flags | IS_RECENT;
      const passphraseHash = (flags & HAS_PASSPHRASE) !== 0 ? (passphraseHashes.get(row) ?? null) : null;
      const restrictions = (flags & HAS_RESTRICTIONS) !== 0 ? (restrictionsOfRows[row] ?? null) : null;
      return new RowRecord(row, labels[row] ?? '', workspace, passphraseHash, restrictions, page, start);
    },
    set(digest, record) {
      const previousSlot = slotOf(digest);
      if (previousSlot !== -1) removeRecordAt(previousSlot);
      else if (size >= capacity) evictOne();
      const row = allocateRow();
      const page = pageOf(row);
      const start = startOf(row);
      for (let word = 0; word < 8; word++) page[start + word] = wordOf(digest, word);
      writeInstant(page, start + EXPIRES_WORD, record.expiresAt);
      writeInstant(page, start + CREATED_WORD, record.createdAt);
      page[start + RIGHTS_WORD] = record.rights;
      page[start + WORKSPACE_WORD] = workspaceIndexOf(record.workspace);
      page[start + FLAGS_WORD] =
        (record.kind === 'api_key' ? IS_KEY : 0) |
        (record.active ? IS_ACTIVE : 0) |
        (record.passphraseHash === null ? 0 : HAS_PASSPHRASE) |
        (record.restrictions === null ? 0 : HAS_RESTRICTIONS);
      // Reading a character makes V8 flatten a concatenated string, which takes less memory.
      record.label.charCodeAt(0);
      labels[row] = record.label;
      if (record.passphraseHash !== null) passphraseHashes.set(row, record.passphraseHash);
      if (record.restrictions !== null) restrictionsOfRows[row] = record.restrictions;
      size++;
      link(row);
    },
    delete(digest) {
      const slot = slotOf(digest);
      if (slot !== -1) removeRecordAt(slot);
    },
    clear() {
      pages = [];
      slots = new Int32Array(tableSize * 2);
      labels = [];
      passphraseHashes = new Map();
      restrictionsOfRows = [];
      workspaces = [];
      workspaceIndexes = new Map();
      freeRows = [];
      size = 0;
      hand = 0;
    },
    size: () => size,
    counterSlots: {
      get: (row) => pageOf(row)[startOf(row) + COUNTER_SLOT_WORD] ?? 0,
      set(row, counterSlot) {
        pageOf(row)[startOf(row) + COUNTER_SLOT_WORD] = counterSlot;
      },
    },
  };
}
