import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import {
  brotliDecompress,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzip,
  inflate,
  zstdDecompress,
} from 'node:zlib';
import { Problem } from '../contract/problem.ts';

const DECOMPRESSORS = {
  gzip: { decompress: promisify(gunzip), createStream: createGunzip },
  deflate: { decompress: promisify(inflate), createStream: createInflate },
  br: { decompress: promisify(brotliDecompress), createStream: createBrotliDecompress },
  zstd: { decompress: promisify(zstdDecompress), createStream: createZstdDecompress },
} as const;
export type ContentEncoding = keyof typeof DECOMPRESSORS;

/**
 * Parses a Content-Encoding header. Returns null for an uncompressed body. Throws `unsupported_media_type` for an
 * unknown encoding or for several encodings.
 */
export function parseContentEncoding(header: string | undefined): ContentEncoding | null {
  const name = (header ?? '').trim().toLowerCase().replace(/^x-/, '');
  if (name === '' || name === 'identity') return null;
  if (Object.hasOwn(DECOMPRESSORS, name)) return name as ContentEncoding;
  throw new Problem('unsupported_media_type', 'Content-Encoding must be gzip, deflate, br or zstd.');
}

/** Returns the problem for a body that is not in its declared encoding. */
export const encodingProblem = (encoding: ContentEncoding) =>
  new Problem('invalid_request', `The body is not ${encoding}.`);

/** Returns a stream that decompresses outside the main thread, without a limit on its output. */
export const createDecompressStream = (encoding: ContentEncoding): Transform => DECOMPRESSORS[encoding].createStream();

/**
 * Decompresses a body outside the main thread; returns an uncompressed body unchanged. Throws `too_large` if the result
 * would be longer than `maxBytes`, `invalid_request`, `unsupported_media_type`.
 */
export async function decompressBody(body: Buffer, header: string | undefined, maxBytes: number): Promise<Buffer> {
  const encoding = parseContentEncoding(header);
  if (encoding === null) return body;
  try {
    return await DECOMPRESSORS[encoding].decompress(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw new Problem('too_large');
    throw encodingProblem(encoding);
  }
}
