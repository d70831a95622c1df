import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncPath } from '../store/data-directory.ts';
import { ensureInstallation, findInstallation, setSecretCheck } from '../store/installation.ts';
import type { InstallationTable } from '../store/schema.ts';
import { createSeal, type Seal } from '../store/seal.ts';
import { readSealedRows, SEALED_COLUMNS } from '../store/sealed-columns.ts';
import { StartRefusedError } from '../store/start-refused-error.ts';
import type { Queryable, Store, Trx } from '../store/store.ts';
import { SECRET_BYTES } from './settings.ts';

/** A secret, and the name of the setting or file that contains it. */
export interface NamedSecret {
  readonly secret: Buffer;
  readonly name: string;
}

/** The text whose encryption, the check value, shows which secret the store was encrypted with. */
const SECRET_CHECK_TEXT = 'The secret of this installation.';
/** Returns the associated data that binds the encrypted check value to the store. */
const checkAssociatedData = ({ store_id }: Pick<InstallationTable, 'store_id'>): string => `installation ${store_id}`;

/** Writes a secret atomically to a file of mode 0600, so that a crash leaves no partial file. */
export function writeSecretFile(path: string, secret: string): void {
  const file = openSync(`${path}.tmp`, 'w', 0o600);
  writeSync(file, `${secret}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.tmp`, path);
  syncPath(dirname(path));
}

export const generateInstallationSecret = (): string => randomBytes(48).toString('base64url');

/** Reads a secret from a file. Throws `StartRefusedError` if the file cannot be read or is too short. */
export function readSecretFile(path: string): NamedSecret {
  let secret: Buffer;
  try {
    secret = Buffer.from(readFileSync(path, 'utf8').trim());
  } catch (error) {
    throw new StartRefusedError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'}).`);
  }
  if (secret.length < SECRET_BYTES) {
    const remedy = 'Restore the secret of this installation, for example from a backup.';
    throw new StartRefusedError(
      `${path} is not a secret: it has ${secret.length} bytes and must have at least ${SECRET_BYTES}. ${remedy}`,
    );
  }
  return { secret, name: path };
}

const LOST_SECRET_HINT = 'If the secret is permanently lost, run: devpilot store accept --lost-secret';

/**
 * Returns the possible secrets of an installation that generates its own secret: the secret in `path` and, after an
 * interrupted rotation, the next secret. Generates the first secret; throws `StartRefusedError` instead if a store
 * already exists.
 */
export function readOrCreateSecrets(path: string, storePath: string | null): readonly [NamedSecret, ...NamedSecret[]] {
  if (!existsSync(path)) {
    if (storePath !== null) {
      const missing = `DEVPILOT_SECRET is not set and ${path} is missing, but ${storePath} was encrypted with a secret.`;
      throw new StartRefusedError(
        `${missing} Set that secret, or restore the secret file from a backup. ${LOST_SECRET_HINT}`,
      );
    }
    writeSecretFile(path, generateInstallationSecret());
  }
  const nextPath = `${path}.new`;
  return existsSync(nextPath) ? [readSecretFile(path), readSecretFile(nextPath)] : [readSecretFile(path)];
}

function opensSecretCheck(seal: Seal, row: Pick<InstallationTable, 'store_id' | 'secret_check'>): boolean {
  try {
    return row.secret_check !== null && seal.open(row.secret_check, checkAssociatedData(row)) === SECRET_CHECK_TEXT;
  } catch {
    return false;
  }
}

/**
 * For a store without a check value: returns whether nothing is encrypted yet, or a value of a sample can be decrypted.
 */
async function opensSealedValues(db: Queryable, seal: Seal): Promise<boolean> {
  let sampleSize = 0;
  for (const column of SEALED_COLUMNS) {
    for await (const rows of readSealedRows(db, column)) {
      if (rows.some((row) => seal.hasKeyFor(String(row[column.column])))) return true;
      sampleSize += rows.length;
      // The first rows of each column are a sufficient sample.
      break;
    }
  }
  return sampleSize === 0;
}

const wrongSecretError = (name: string): StartRefusedError =>
  new StartRefusedError(
    `${name} is not the secret that this store was encrypted with. Set the original secret, or restore a backup together with its secret. ${LOST_SECRET_HINT}`,
  );

/** Throws `StartRefusedError` if a store is known to be encrypted with another secret. Writes nothing. */
export async function assertMatchingSecret(db: Queryable, { secret, name }: NamedSecret): Promise<void> {
  const row = await findInstallation(db);
  const seal = createSeal([secret]);
  const isMatching = row?.secret_check == null ? await opensSealedValues(db, seal) : opensSecretCheck(seal, row);
  if (!isMatching) throw wrongSecretError(name);
}

/** Records this secret as the secret of the store; with `onlyFirst`, only if no secret is recorded yet. */
export async function writeSecretCheck(trx: Trx, secret: Buffer, { onlyFirst = false } = {}): Promise<void> {
  const row = await ensureInstallation(trx);
  await setSecretCheck(trx, createSeal([secret]).seal(SECRET_CHECK_TEXT, checkAssociatedData(row)), onlyFirst);
}

/**
 * Returns the secret with which the store was encrypted. A store without a check value gets one if its encrypted values
 * can be decrypted. Throws `StartRefusedError` if none of the secrets matches, so that values are never encrypted with
 * two secrets.
 */
export async function requireMatchingSecret(
  store: Store,
  secrets: readonly [NamedSecret, ...NamedSecret[]],
): Promise<NamedSecret> {
  const row = await findInstallation(store.read);
  if (row?.secret_check == null) {
    for (const { secret } of secrets) {
      if (!(await opensSealedValues(store.read, createSeal([secret])))) continue;
      await store.transaction((trx) => writeSecretCheck(trx, secret, { onlyFirst: true }));
      break;
    }
  }
  // Read again, because another node may just have written a check value for another secret.
  const installation = await findInstallation(store.read);
  const matchingSecret = secrets.find(
    ({ secret }) => installation !== undefined && opensSecretCheck(createSeal([secret]), installation),
  );
  if (matchingSecret === undefined) throw wrongSecretError(secrets[0].name);
  return matchingSecret;
}
