import { Problem } from '../../contract/problem.ts';

const NEWLINE = 0x0a;

/**
 * Reads lines and bytes from a stream, without buffering the bytes that are skipped. The asynchronous methods throw the
 * errors of the stream, and `too_large` when the limit of the reader is exceeded.
 */
export interface ByteReader {
  /** Returns the bytes before the next newline or the end; null if there are more than `maxBytes`. */
  readLine(maxBytes: number): Promise<Buffer | null>;
  /** Like `readLine`, but does not consume the line. */
  peekLine(maxBytes: number): Promise<Buffer | null>;
  /** Throws `invalid_request` if the stream ends too early. */
  readBytes(count: number): Promise<Buffer>;
  /** Throws `invalid_request` if the stream ends too early. */
  skipBytes(count: number): Promise<void>;
  skipLine(): Promise<void>;
  /** Skips a newline if one is next. Returns whether it has skipped one. */
  skipNewline(): Promise<boolean>;
  isAtEnd(): Promise<boolean>;
  /** Whether the limit of the reader, or a limit of the stream itself, was exceeded. */
  isLimitExceeded(): boolean;
}

/** Creates a reader of at most `maxBytes`. */
export function createByteReader(source: AsyncIterable<Uint8Array>, maxBytes: number): ByteReader {
  const iterator = source[Symbol.asyncIterator]();
  /** Bytes that were received but not read yet. */
  let pending: Buffer = Buffer.alloc(0);
  let total = 0;
  let isLimitExceeded = false;

  /** Returns the next chunk; null at the end. */
  async function receive(): Promise<Buffer | null> {
    try {
      for (;;) {
        const { value, done } = await iterator.next();
        if (done === true) return null;
        total += value.length;
        if (total > maxBytes) throw new Problem('too_large');
        if (value.length > 0) return Buffer.from(value.buffer, value.byteOffset, value.length);
      }
    } catch (error) {
      isLimitExceeded = error instanceof Problem && error.code === 'too_large';
      throw error;
    }
  }

  /**
   * Receives chunks until `isEnough` returns true for the last chunk and the total pending length, or the stream ends.
   * The size of the buffer doubles, so that the work is linear even for small chunks.
   */
  async function fill(isEnough: (chunk: Buffer, length: number) => boolean): Promise<void> {
    let buffer = pending;
    for (let last = pending; !isEnough(last, pending.length); ) {
      const chunk = await receive();
      if (chunk === null) return;
      const length = pending.length + chunk.length;
      if (length > buffer.length) {
        const larger = Buffer.allocUnsafe(Math.max(length, 2 * buffer.length));
        pending.copy(larger);
        buffer = larger;
      }
      chunk.copy(buffer, pending.length);
      pending = buffer.subarray(0, length);
      last = chunk;
    }
  }

  function consume(count: number): Buffer {
    const bytes = pending.subarray(0, count);
    pending = pending.subarray(count);
    return bytes;
  }

  /** Returns the length of the next line and whether a newline ends it; null if it is longer than `max`. */
  async function findLine(max: number): Promise<{ length: number; hasNewline: boolean } | null> {
    await fill((chunk, length) => length > max || chunk.includes(NEWLINE));
    const end = pending.indexOf(NEWLINE);
    const length = end === -1 ? pending.length : end;
    return length > max ? null : { length, hasNewline: end !== -1 };
  }

  const reader: ByteReader = {
    async readLine(max) {
      const extent = await findLine(max);
      if (extent === null) return null;
      const line = consume(extent.length);
      if (extent.hasNewline) consume(1);
      return line;
    },
    async peekLine(max) {
      const extent = await findLine(max);
      return extent === null ? null : pending.subarray(0, extent.length);
    },
    async readBytes(count) {
      await fill((_chunk, length) => length >= count);
      if (pending.length < count) throw new Problem('invalid_request', 'The envelope ends in the middle of an item.');
      return consume(count);
    },
    async skipBytes(count) {
      for (let remaining = count; remaining > 0; ) {
        if (pending.length === 0) await fill((_chunk, length) => length > 0);
        if (pending.length === 0) throw new Problem('invalid_request', 'The envelope ends in the middle of an item.');
        remaining -= consume(Math.min(remaining, pending.length)).length;
      }
    },
    async skipLine() {
      for (;;) {
        const end = pending.indexOf(NEWLINE);
        if (end !== -1) {
          consume(end + 1);
          return;
        }
        pending = Buffer.alloc(0);
        await fill((_chunk, length) => length > 0);
        if (pending.length === 0) return;
      }
    },
    async skipNewline() {
      if (await reader.isAtEnd()) return false;
      if (pending[0] !== NEWLINE) return false;
      consume(1);
      return true;
    },
    async isAtEnd() {
      if (pending.length === 0) await fill((_chunk, length) => length > 0);
      return pending.length === 0;
    },
    isLimitExceeded: () => isLimitExceeded,
  };
  return reader;
}
