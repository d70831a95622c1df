import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/**
 * The format of encrypted backups, described in `docs/operations.md`: a header, followed by chunks that are encrypted
 * with AES-256-GCM. The nonce of a chunk is its number and a flag for the last chunk. This is the STREAM construction
 * of "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance" (Hoang, Reyhanitabar, Rogaway and Vizár,
 * CRYPTO 2015, section 7), with the nonces of the age format (C2SP age.md). Chunks cannot be removed, repeated,
 * reordered or taken from another backup.
 */
const MAGIC = Buffer.from('devpilot-backup1');
const SALT_BYTES = 32;
const HEADER_BYTES = MAGIC.length + SALT_BYTES;
/** Number of bytes in a chunk before it is encrypted; the last chunk may be shorter. */
export const CHUNK_BYTES = 65_536;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;
const CIPHER = 'aes-256-gcm';

/** The key of a workspace, and the backup whose bytes are encrypted. */
export interface BackupSecret {
  readonly key: Uint8Array;
  readonly workspaceId: string;
  readonly backupId: string;
}

/** The bytes are incomplete, or were not encrypted with this key for this backup. */
export class DecryptionFailure extends Error {
  constructor() {
    super('The stored data of the backup is damaged or incomplete, or it is the data of another backup.');
    this.name = 'DecryptionFailure';
  }
}

interface ChunkKey {
  readonly key: Buffer;
  readonly associatedData: Buffer;
}

/** Derives one key per backup, so that the counter of each backup can start at zero. */
function deriveChunkKey({ key, workspaceId, backupId }: BackupSecret, header: Buffer): ChunkKey {
  const salt = header.subarray(MAGIC.length);
  return {
    key: Buffer.from(hkdfSync('sha256', key, salt, 'devpilot backup', KEY_BYTES)),
    associatedData: Buffer.concat([header, Buffer.from(`${workspaceId}\0${backupId}`)]),
  };
}

/**
 * Returns a nonce: the counter in 11 bytes (big-endian), of which Node.js can write only the last six, and one byte
 * that is 1 for the last chunk.
 */
function nonceOf(counter: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(counter, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

function encryptChunk({ key, associatedData }: ChunkKey, plain: Uint8Array, counter: number, isLast: boolean): Buffer {
  const cipher = createCipheriv(CIPHER, key, nonceOf(counter, isLast));
  cipher.setAAD(associatedData);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decryptChunk({ key, associatedData }: ChunkKey, bytes: Buffer, counter: number, isLast: boolean): Buffer {
  if (bytes.length < TAG_BYTES) throw new DecryptionFailure();
  const decipher = createDecipheriv(CIPHER, key, nonceOf(counter, isLast), { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData);
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const plain = decipher.update(bytes.subarray(0, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    throw new DecryptionFailure();
  }
  return plain;
}

/** Yields pieces of `size` bytes; only the last piece may be smaller or empty. */
async function* splitIntoPieces(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<{ piece: Buffer; isLast: boolean }> {
  let buffer = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const bytes of source) {
    for (let offset = 0; offset < bytes.length; ) {
      // A full piece is yielded only when there is another byte, because otherwise it is the last piece.
      if (filled === size) {
        yield { piece: buffer, isLast: false };
        buffer = Buffer.allocUnsafe(size);
        filled = 0;
      }
      const count = Math.min(size - filled, bytes.length - offset);
      buffer.set(bytes.subarray(offset, offset + count), filled);
      filled += count;
      offset += count;
    }
  }
  yield { piece: buffer.subarray(0, filled), isLast: true };
}

/** Encrypts a stream, with one chunk at a time in memory. */
export async function* encryptBackup(
  source: AsyncIterable<Uint8Array>,
  secret: BackupSecret,
): AsyncGenerator<Uint8Array> {
  const header = Buffer.concat([MAGIC, randomBytes(SALT_BYTES)]);
  const chunkKey = deriveChunkKey(secret, header);
  yield header;
  let counter = 0;
  for await (const { piece, isLast } of splitIntoPieces(source, CHUNK_BYTES))
    yield encryptChunk(chunkKey, piece, counter++, isLast);
}

async function readHeader(
  iterator: AsyncIterator<Uint8Array>,
): Promise<{ readonly header: Buffer; readonly remaining: Buffer }> {
  let bytes: Buffer = Buffer.alloc(0);
  while (bytes.length < HEADER_BYTES) {
    const next = await iterator.next();
    if (next.done === true) throw new DecryptionFailure();
    bytes = Buffer.concat([bytes, next.value]);
  }
  const header = bytes.subarray(0, HEADER_BYTES);
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) throw new DecryptionFailure();
  return { header, remaining: bytes.subarray(HEADER_BYTES) };
}

/**
 * Decrypts a stream, with one chunk at a time in memory. Yields only authenticated bytes, and throws
 * `DecryptionFailure` if any bytes are missing or altered.
 */
export async function* decryptBackup(
  source: AsyncIterable<Uint8Array>,
  secret: BackupSecret,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const { header, remaining } = await readHeader(iterator);
    const chunkKey = deriveChunkKey(secret, header);
    async function* body(): AsyncGenerator<Uint8Array> {
      yield remaining;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    }
    let counter = 0;
    for await (const { piece, isLast } of splitIntoPieces(body(), CHUNK_BYTES + TAG_BYTES))
      yield decryptChunk(chunkKey, piece, counter++, isLast);
  } finally {
    // Closes the file or response from which the bytes are read.
    await iterator.return?.();
  }
}
