import { createHash } from 'node:crypto';
import type { CopiedRow, CopySource, CopyTarget } from './copy-adapters.ts';
import { MIGRATION_NAMES } from './migrate.ts';
import { listTables } from './tables.ts';

/** A table's contents: the number of rows and a digest that does not depend on their order. */
interface TableDigest {
  readonly rows: number;
  readonly digest: string;
}

/** The digests of the copied tables, by table name. */
export type CopiedTables = ReadonlyMap<string, TableDigest>;

/** A refused copy, backup, restore or rotation of the secret. The message says why. */
export class CopyRefusedError extends Error {}

/**
 * Throws `CopyRefusedError` if the migrations of the source differ from this version's migrations, because its tables
 * could have a different meaning.
 */
export function refuseOtherVersion(source: CopySource): void {
  const missing = MIGRATION_NAMES.filter((name) => !source.migrations.includes(name));
  const newer = source.migrations.filter((name) => !MIGRATION_NAMES.includes(name));
  if (newer.length > 0)
    throw new CopyRefusedError('The source was written by a newer version. Copy it with that version.');
  if (missing.length > 0) {
    throw new CopyRefusedError('The source was written by an older version. Run `devpilot migrate` on it first.');
  }
}

/** Throws `CopyRefusedError` if the target contains anything but rows inserted by migrations. */
export async function refuseNonEmpty(target: CopyTarget): Promise<void> {
  for (const { name, seeded } of listTables()) {
    if (seeded) continue;
    const rows = await target.count(name);
    if (rows > 0)
      throw new CopyRefusedError(
        `The target is not empty: its table ${name} has ${rows} ${rows === 1 ? 'row' : 'rows'}.`,
      );
  }
}

function serializeRow(row: CopiedRow): string {
  const columns = Object.keys(row).sort();
  return JSON.stringify(
    columns.map((column) => {
      const value = row[column] ?? null;
      return value instanceof Uint8Array ? ['bytes', Buffer.from(value).toString('hex')] : value;
    }),
  );
}

function createDigest(): { add(rows: readonly CopiedRow[]): void; result(): TableDigest } {
  const sum = Buffer.alloc(32);
  let count = 0;
  return {
    add(rows) {
      count += rows.length;
      for (const row of rows) {
        const hash = createHash('sha256').update(serializeRow(row)).digest();
        // A sum, because with XOR two identical rows would cancel each other out.
        for (let index = 0, carry = 0; index < 32; index++) {
          const total = (sum[index] ?? 0) + (hash[index] ?? 0) + carry;
          sum[index] = total & 0xff;
          carry = total >> 8;
        }
      }
    },
    result: () => ({ rows: count, digest: sum.toString('hex') }),
  };
}

/** Called while a table is read, with the number of rows read so far and the total number of rows. */
export type OnProgress = (table: string, rows: number, total: number) => void;

/**
 * Copies every row into an empty target in one transaction; after a failure, the target is still empty. Returns the row
 * count and digest of each table. Throws `CopyRefusedError`.
 */
export async function copyRows(source: CopySource, target: CopyTarget, onProgress: OnProgress): Promise<CopiedTables> {
  refuseOtherVersion(source);
  await refuseNonEmpty(target);
  const copied = new Map<string, TableDigest>();
  for (const { name, seeded, transient } of listTables()) {
    if (transient) continue;
    if (seeded) await target.clear(name);
    const total = await source.count(name);
    const digest = createDigest();
    for await (const sourceRows of source.rows(name)) {
      // A copy is complete even if its source is marked as not cleanly closed.
      const rows = name === 'installation' ? sourceRows.map((row) => ({ ...row, clean: 1 })) : sourceRows;
      await target.insert(name, rows);
      digest.add(rows);
      onProgress(name, digest.result().rows, total);
    }
    copied.set(name, digest.result());
  }
  await target.commit();
  return copied;
}

/** Reads the target back and returns the names of the tables that differ from the copied ones. */
export async function findDifferingTables(
  copied: CopiedTables,
  store: CopySource,
  onProgress: OnProgress,
): Promise<string[]> {
  const differing: string[] = [];
  for (const [name, expected] of copied) {
    const digest = createDigest();
    for await (const rows of store.rows(name)) {
      digest.add(rows);
      onProgress(name, digest.result().rows, expected.rows);
    }
    const actual = digest.result();
    if (actual.rows !== expected.rows || actual.digest !== expected.digest) differing.push(name);
  }
  return differing;
}
