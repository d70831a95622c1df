import type { CredentialKind } from '../contract/vocabulary.ts';
import { type CredentialRecord, type Digest, idIn, nameIn, type WorkspaceMark } from './record.ts';
import type { CounterSlots } from './usage-counters.ts';

/** A record that is in memory nowhere yet. */
export type UncachedRecord = Omit<CredentialRecord, 'row'>;

/** Records by digest, bounded. */
export interface RecordCache {
  /** The record of a digest, null if it is not here. Not one of a workspace that is gone. */
  get(digest: Digest): CredentialRecord | null;
  /** Keeps a record, in place of what its digest had; the least lately used goes where there is no room. */
  set(digest: Digest, record: UncachedRecord): void;
  delete(digest: Digest): void;
  clear(): void;
  size(): number;
  /** A number beside each row, for whoever counts by rows. */
  readonly counterSlots: CounterSlots;
}

/** A row is a cache line of 16 words: eight of the digest, then these. */
const WORDS_PER_ROW = 16;
const EXPIRES_WORD = 8;
const CREATED_WORD = 10;
const RIGHTS_WORD = 12;
const WORKSPACE_WORD = 13;
const FLAGS_WORD = 14;
const COUNTER_SLOT_WORD = 15;

const IN_USE = 1;
const IS_KEY = 2;
const IS_ACTIVE = 4;
/** Used since the eviction last came by. */
const IS_RECENT = 8;
const HAS_PASSPHRASE = 16;

const PAGE_BITS = 12;
const PAGE_ROWS = 1 << PAGE_BITS;
/** Rows the eviction passes over before it takes one that is in use. */
const MAX_SECOND_CHANCES = 64;

/** An instant that is none. */
const NEVER_HIGH_WORD = -1;
const TWO_TO_32 = 2 ** 32;

const NO_WORDS = new Int32Array(0);

/** Word `at` of a digest: four of its bytes, the first the lowest. */
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
 * A record as its row had it. Words and instants are put together for those who ask: a judgement needs
 * none of the words, and an instant kept in a field is an object of its own. Spreading one loses those.
 */
class RowRecord implements CredentialRecord {
  readonly row: number;
  readonly label: string;
  readonly workspace: WorkspaceMark;
  readonly rights: number;
  readonly passphraseHash: string | null;
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
    page: Int32Array,
    start: number,
  ) {
    this.row = row;
    this.label = label;
    this.workspace = workspace;
    this.rights = page[start + RIGHTS_WORD] ?? 0;
    this.passphraseHash = passphraseHash;
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
 * Keeps records as rows of numbers outside the heap, found through an open table with linear probing
 * (Knuth, The Art of Computer Programming 6.4, algorithms L and R): as a million objects they took three
 * times the room, and the collector walked them all. A record is put together when it is asked for.
 */
export function createRecordCache(capacity: number): RecordCache {
  /** There are never more rows than records. */
  const pageWords = Math.min(PAGE_ROWS, capacity) * WORDS_PER_ROW;
  let pages: Int32Array[] = [];
  const tableSize = 2 ** Math.ceil(Math.log2(capacity * 2));
  const mask = tableSize - 1;
  const newSlots = () => new Int32Array(tableSize * 2);
  /**
   * At each place row + 1, 0 where there is none, and then the digest's second word, so that a record is only looked at
   * if it is nearly certainly the one; of full size from the start, since what nobody wrote to costs nothing and
   * growing would stop everybody. A digest's place is its first word: SHA-256 spreads by itself.
   */
  let slots = newSlots();
  /** Id and name of each row in one string: half of what two would cost is their heads. */
  let labels: string[] = [];
  let passphraseHashes = new Map<number, string>();
  let workspaces: WorkspaceMark[] = [];
  let workspaceNumbers = new Map<WorkspaceMark, number>();
  let free: number[] = [];
  let size = 0;
  /** Where the eviction goes on (Corbató 1968). */
  let hand = 0;

  const pageOf = (row: number): Int32Array => pages[row >>> PAGE_BITS] ?? NO_WORDS;
  const startOf = (row: number): number => (row & (PAGE_ROWS - 1)) * WORDS_PER_ROW;

  /** The place of a digest in the table, -1 if it is not there. */
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

  function link(row: number): void {
    const page = pageOf(row);
    const start = startOf(row);
    let index = (page[start] ?? 0) & mask;
    while (slots[index * 2] !== 0) index = (index + 1) & mask;
    slots[index * 2] = row + 1;
    slots[index * 2 + 1] = page[start + 1] ?? 0;
  }

  /** Empties a place, and moves up those behind it that would not be found across the hole. */
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

  function removeSlot(slot: number): void {
    const row = (slots[slot * 2] ?? 0) - 1;
    unlink(slot);
    pageOf(row)[startOf(row) + FLAGS_WORD] = 0;
    labels[row] = '';
    passphraseHashes.delete(row);
    free.push(row);
    size--;
  }

  function digestOfRow(row: number): Digest {
    const page = pageOf(row);
    const bytes = new Uint8Array(page.buffer, page.byteOffset + startOf(row) * 4, 32);
    return String.fromCharCode(...bytes);
  }

  /** Second chance: the next under the hand goes, unless it was used since the hand last came by. */
  function evictOne(): void {
    for (let chances = MAX_SECOND_CHANCES; ; hand = (hand + 1) % labels.length) {
      const page = pageOf(hand);
      const index = startOf(hand) + FLAGS_WORD;
      const flags = page[index] ?? 0;
      if ((flags & IS_RECENT) !== 0 && chances-- > 0) page[index] = flags & ~IS_RECENT;
      else break;
    }
    removeSlot(slotOf(digestOfRow(hand)));
  }

  function allocateRow(): number {
    const row = free.pop() ?? labels.length;
    if (row >>> PAGE_BITS === pages.length) pages.push(new Int32Array(pageWords));
    return row;
  }

  function workspaceIndexOf(workspace: WorkspaceMark): number {
    let known = workspaceNumbers.get(workspace);
    if (known === undefined) workspaceNumbers.set(workspace, (known = workspaces.push(workspace) - 1));
    return known;
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
      return new RowRecord(row, labels[row] ?? '', workspace, passphraseHash, page, start);
    },
    set(digest, record) {
      const before = slotOf(digest);
      if (before !== -1) removeSlot(before);
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
        IN_USE |
        (record.kind === 'api_key' ? IS_KEY : 0) |
        (record.active ? IS_ACTIVE : 0) |
        (record.passphraseHash === null ? 0 : HAS_PASSPHRASE);
      // Reading a character makes one string of what are several with links until then.
      record.label.charCodeAt(0);
      labels[row] = record.label;
      if (record.passphraseHash !== null) passphraseHashes.set(row, record.passphraseHash);
      size++;
      link(row);
    },
    delete(digest) {
      const slot = slotOf(digest);
      if (slot !== -1) removeSlot(slot);
    },
    clear() {
      pages = [];
      slots = newSlots();
      labels = [];
      passphraseHashes = new Map();
      workspaces = [];
      workspaceNumbers = new Map();
      free = [];
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
