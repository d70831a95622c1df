import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { CHUNK_BYTES, DecryptionFailure, decryptBackup, encryptBackup } from './encryption.ts';

const secret = { key: randomBytes(32), workspaceId: 'ws_1', backupId: 'bak_1' };
const HEADER_BYTES = 48;
const TAG_BYTES = 16;
const STORED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}
const collect = async (source: AsyncIterable<Uint8Array>) => Buffer.concat(await Array.fromAsync(source));
const encrypt = (plain: Buffer) => collect(encryptBackup(inPieces(plain, 50_000), secret));
const decrypt = (stored: Buffer, backupSecret = secret, size = 70_001) =>
  collect(decryptBackup(inPieces(stored, size), backupSecret));

test('decryption returns the encrypted bytes, for any length and any size of the pieces that are read', async () => {
  for (const length of [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]) {
    const plain = randomBytes(length);
    const stored = await encrypt(plain);
    assert.equal(stored.length, HEADER_BYTES + length + TAG_BYTES * Math.max(1, Math.ceil(length / CHUNK_BYTES)));
    for (const size of [1000, 70_001, stored.length])
      assert.ok((await decrypt(stored, secret, size)).equals(plain), `${length} in pieces of ${size}`);
  }
  const [first, second] = [await encrypt(Buffer.from('same')), await encrypt(Buffer.from('same'))];
  assert.notDeepEqual(first, second);
});

test('damaged, truncated, reordered and mixed chunks are detected, and only authenticated bytes are returned', async () => {
  const plain = randomBytes(3 * CHUNK_BYTES + 5);
  const stored = await encrypt(plain);
  const otherBackup = await encrypt(plain);
  const chunk = (index: number, backup = stored) =>
    backup.subarray(HEADER_BYTES + index * STORED_CHUNK_BYTES, HEADER_BYTES + (index + 1) * STORED_CHUNK_BYTES);
  const header = stored.subarray(0, HEADER_BYTES);
  const withFlippedBit = (offset: number) => {
    const copy = Buffer.from(stored);
    copy[offset] = (copy[offset] ?? 0) ^ 1;
    return copy;
  };
  const forged: Readonly<Record<string, Buffer>> = {
    empty: Buffer.alloc(0),
    'half a header': stored.subarray(0, 20),
    'a header only': header,
    'another magic': withFlippedBit(3),
    'another salt': withFlippedBit(20),
    'a bit of the first chunk': withFlippedBit(HEADER_BYTES),
    'a bit of the last tag': withFlippedBit(stored.length - 1),
    'without its last byte': stored.subarray(0, -1),
    'without its last chunk': Buffer.concat([header, chunk(0), chunk(1), chunk(2)]),
    'without its first chunk': Buffer.concat([header, chunk(1), chunk(2), chunk(3)]),
    'a chunk twice': Buffer.concat([header, chunk(0), chunk(0), chunk(1), chunk(2), chunk(3)]),
    'chunks in another order': Buffer.concat([header, chunk(1), chunk(0), chunk(2), chunk(3)]),
    'bytes after the end': Buffer.concat([stored, Buffer.alloc(40)]),
    'a chunk of another backup': Buffer.concat([header, chunk(0), chunk(1, otherBackup), chunk(2), chunk(3)]),
    'the plain text': plain,
  };
  for (const [name, bytes] of Object.entries(forged)) {
    const received: Uint8Array[] = [];
    await assert.rejects(
      async () => {
        for await (const piece of decryptBackup(inPieces(bytes, 70_001), secret)) received.push(piece);
      },
      DecryptionFailure,
      name,
    );
    const returned = Buffer.concat(received);
    assert.ok(returned.equals(plain.subarray(0, returned.length)) && returned.length < plain.length, name);
  }
});

test('decryption fails with another key, workspace or backup', async () => {
  const stored = await encrypt(Buffer.from('rows'));
  for (const change of [{ key: randomBytes(32) }, { workspaceId: 'ws_2' }, { backupId: 'bak_2' }])
    await assert.rejects(decrypt(stored, { ...secret, ...change }), DecryptionFailure);
});

test('a reader that stops early closes the source', async () => {
  let isClosed = false;
  async function* source(): AsyncGenerator<Buffer> {
    try {
      yield* inPieces(await encrypt(randomBytes(4 * CHUNK_BYTES)), 10_000);
    } finally {
      isClosed = true;
    }
  }
  for await (const piece of decryptBackup(source(), secret)) {
    assert.equal(piece.length, CHUNK_BYTES);
    break;
  }
  assert.equal(isClosed, true);
});
