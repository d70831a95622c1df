import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { LogLine } from '../../contract/logs.ts';
import { mergeChunks, readChunks } from '../../store/logs.ts';
import type { LogChunkTable } from '../../store/schema/logs.ts';
import type { Store } from '../../store/store.ts';

export const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Size at which a merged chunk is complete. */
const MERGED_CHUNK_CHARACTERS = 524_288;
const MIN_CHUNKS_TO_MERGE = 8;
const MAX_CHUNKS_TO_MERGE = 64;

export const toNdjsonLine = (line: LogLine): string => `${JSON.stringify(line)}\n`;

/** Returns the lines of a chunk, starting at line number `from` of the log. */
export async function readChunkText(chunk: LogChunkTable, from: number): Promise<string> {
  const text = (await decompress(chunk.data)).toString('utf8');
  if (from <= chunk.first_line) return text;
  let start = 0;
  for (let remaining = from - chunk.first_line; remaining > 0; remaining--) start = text.indexOf('\n', start) + 1;
  return text.slice(start);
}

/** Merges the small chunks of a log to which nothing more is written. */
export async function mergeLog(store: Store, workspaceId: string, logId: string): Promise<void> {
  let from = 0;
  for (;;) {
    const chunks = await readChunks(store.read, workspaceId, logId, from, MAX_CHUNKS_TO_MERGE);
    const [first] = chunks;
    if (first === undefined || chunks.length < MIN_CHUNKS_TO_MERGE) return;
    let text = '';
    let lineCount = 0;
    for (const chunk of chunks) {
      if (text !== '' && text.length > MERGED_CHUNK_CHARACTERS) break;
      text += await readChunkText(chunk, 0);
      lineCount += chunk.lines;
    }
    from = first.first_line + lineCount;
    const data = await compress(text);
    await store.transaction((trx) => mergeChunks(trx, { ...first, lines: lineCount, data }));
  }
}
