import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { createFairShareLimiter } from '../../contract/fair-share-limiter.ts';
import { toIsoString } from '../../contract/instant.ts';
import { SECOND } from '../../contract/limits.ts';
import type { LogLine } from '../../contract/logs.ts';
import { Problem } from '../../contract/problem.ts';
import { redactSecrets } from '../../contract/redact.ts';
import type { OutputLine } from '../../runner/run.ts';
import { appendLines, closeLog, findLog, insertLog, mergeChunks, readChunks } from '../../store/logs.ts';
import { quotaExceeded, tryConsumeQuota } from '../../store/quotas.ts';
import type { LogChunkTable, LogTable } from '../../store/schema.ts';
import type { Store, Trx } from '../../store/store.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Lines are written at this interval, or once this many characters are buffered; milliseconds and characters. */
const FLUSH_INTERVAL_MS = 250;
const MAX_CHUNK_CHARACTERS = 65_536;
/** Size of the chunks that a closed log is merged into, characters. */
const MERGED_CHUNK_CHARACTERS = 524_288;
const MIN_CHUNKS_TO_MERGE = 8;
/** Maximum size of one log in characters, including an overhead per line. */
const MAX_LOG_CHARACTERS = 16 * 1_048_576;
/** Poll interval for lines written by other nodes (ms). */
const POLL_INTERVAL_MS = 300;
const CHUNKS_PER_READ = 8;
/** Pause before a failed write is retried, milliseconds, and number of retries at the end of a log. */
const RETRY_DELAY_MS = SECOND;
const MAX_FINAL_RETRIES = 5;
/** Followers that may wait on one node, over all workspaces. */
const MAX_FOLLOWERS = 500;

/** A log that is being written. */
export interface LogWriter {
  /** Adds a line of a step's output; it is stored soon. */
  write(line: OutputLine, step: string | null, serverId: string | null): void;
  /** Adds a line of Devpilot itself. */
  writeSystemLine(text: string, step?: string | null, serverId?: string | null): void;
  /** Resolves when all lines are stored, or cannot be because the log is closed. */
  flush(): Promise<void>;
  /** Flushes, waiting for a store that is unavailable for a moment, and merges chunks. */
  end(): Promise<void>;
}

export interface LogReadOptions {
  /** Number of lines to skip. */
  readonly from: number;
  /** Whether to wait for more lines. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

export interface Logs {
  /** Opens a log, in the transaction that creates its owner, whose id it has. */
  open(trx: Trx, workspaceId: string, logId: string): Promise<void>;
  /** Adds a line in a transaction of the caller. */
  appendSystemLine(trx: Trx, workspaceId: string, logId: string, text: string): Promise<void>;
  /** Closes a log, in the transaction that ends its owner. */
  close(trx: Trx, workspaceId: string, logId: string): Promise<void>;
  writer(workspaceId: string, logId: string): LogWriter;
  /**
   * Yields the lines after the first `from`, as NDJSON in pieces. With `follow`, waits for more until the log is
   * closed, on whichever node it is written. Ends when the signal aborts. Throws `unavailable` for too many readers.
   */
  read(workspaceId: string, logId: string, options: LogReadOptions): AsyncGenerator<string>;
  /** Ends all waiting readers. */
  stop(): void;
}

const toNdjsonLine = (line: LogLine): string => `${JSON.stringify(line)}\n`;

/** Returns the lines of a chunk starting at a line number. */
async function readChunkText(chunk: LogChunkTable, from: number): Promise<string> {
  const text = (await decompress(chunk.data)).toString('utf8');
  if (from <= chunk.first_line) return text;
  let start = 0;
  for (let remaining = from - chunk.first_line; remaining > 0; remaining--) start = text.indexOf('\n', start) + 1;
  return text.slice(start);
}

/** Logs of jobs: lines in compressed chunks, written on one node and readable on any. */
export function createLogs(options: {
  readonly store: Store;
  readonly clock: () => number;
  readonly onError: (error: unknown) => void;
}): Logs {
  const { store, clock, onError } = options;
  /** Readers on this node that wait for a log, to be woken when it is written here. */
  const waitersByLog = new Map<string, Set<() => void>>();
  const followerLimiter = createFairShareLimiter(MAX_FOLLOWERS);
  let isStopped = false;

  function wake(logId: string): void {
    for (const wakeWaiter of waitersByLog.get(logId) ?? []) wakeWaiter();
  }

  function waitForLines(logId: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiters = waitersByLog.get(logId) ?? new Set();
      waitersByLog.set(logId, waiters);
      const wakeWaiter = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wakeWaiter);
        waiters.delete(wakeWaiter);
        if (waiters.size === 0) waitersByLog.delete(logId);
        resolve();
      };
      const timer = setTimeout(wakeWaiter, POLL_INTERVAL_MS);
      signal.addEventListener('abort', wakeWaiter, { once: true });
      waiters.add(wakeWaiter);
    });
  }

  async function merge(workspaceId: string, logId: string): Promise<void> {
    let from = 0;
    for (;;) {
      const chunks = await readChunks(store.read, workspaceId, logId, from, 64);
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

  /** Stores a chunk within the workspace's quota, and notes in each log once that it is used up. */
  async function storeChunk(
    trx: Trx,
    workspaceId: string,
    logId: string,
    chunk: { readonly lines: number; readonly size: number; readonly data: Uint8Array },
  ): Promise<LogTable | undefined> {
    const now = clock();
    if (await tryConsumeQuota(trx, 'logs', workspaceId, now, chunk.size)) {
      return appendLines(trx, workspaceId, logId, chunk);
    }
    const text = `${quotaExceeded('logs', now).message} Further output is not stored.`;
    const line = toNdjsonLine({ at: toIsoString(now), stream: 'system', step: null, serverId: null, text });
    await appendLines(trx, workspaceId, logId, { lines: 1, size: line.length, data: await compress(line) });
    return undefined;
  }

  function writer(workspaceId: string, logId: string): LogWriter {
    let text = '';
    let lineCount = 0;
    let storedCharacters = 0;
    let isFull = false;
    let isFailing = false;
    let timer: NodeJS.Timeout | undefined;
    let writing = Promise.resolve();

    async function writeChunk(): Promise<void> {
      clearTimeout(timer);
      timer = undefined;
      if (lineCount === 0) return;
      const chunk = { lines: lineCount, size: text.length, data: text };
      text = '';
      lineCount = 0;
      const data = await compress(chunk.data);
      const log = await store
        .transaction((trx) => storeChunk(trx, workspaceId, logId, { ...chunk, data }))
        .catch((error: unknown) => {
          // The store is unavailable for a moment: buffered lines wait for it.
          isFailing = true;
          text = chunk.data + text;
          lineCount += chunk.lines;
          timer ??= setTimeout(flush, RETRY_DELAY_MS);
          throw error;
        });
      isFailing = false;
      if (log === undefined) isFull = true;
      else storedCharacters = log.size;
      wake(logId);
    }
    function flush(): Promise<void> {
      // One after the other, so that lines stay in order.
      writing = writing.then(writeChunk).catch(onError);
      return writing;
    }
    function add(line: LogLine): void {
      if (isFull) return;
      if (storedCharacters + text.length > MAX_LOG_CHARACTERS) {
        isFull = true;
        line = { ...line, stream: 'system', text: 'This log is full; further output is not stored.' };
      }
      text += toNdjsonLine(line);
      lineCount += 1;
      if (text.length >= MAX_CHUNK_CHARACTERS && !isFailing) void flush();
      else timer ??= setTimeout(flush, FLUSH_INTERVAL_MS);
    }
    return {
      write: ({ at, stream, text: message }, step, serverId) =>
        add({ at: toIsoString(at), stream, step, serverId, text: message }),
      writeSystemLine: (message, step = null, serverId = null) =>
        add({ at: toIsoString(clock()), stream: 'system', step, serverId, text: redactSecrets(message) }),
      flush,
      async end() {
        await flush();
        for (let remaining = MAX_FINAL_RETRIES; lineCount > 0 && remaining > 0; remaining--) {
          await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
          await flush();
        }
        clearTimeout(timer);
        await merge(workspaceId, logId).catch(onError);
      },
    };
  }

  async function* read(
    workspaceId: string,
    logId: string,
    { from, follow, signal }: { readonly from: number; readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncGenerator<string> {
    let next = from;
    for (;;) {
      // Read before the chunks: they then include everything written before it was closed.
      const log = await findLog(store.read, workspaceId, logId);
      const chunks = log === undefined ? [] : await readChunks(store.read, workspaceId, logId, next, CHUNKS_PER_READ);
      for (const chunk of chunks) {
        if (signal.aborted || isStopped) return;
        const text = await readChunkText(chunk, next);
        next = chunk.first_line + chunk.lines;
        yield text;
      }
      if (signal.aborted || isStopped) return;
      if (chunks.length > 0) continue;
      if (!follow || log === undefined || log.closed_at !== null) return;
      await waitForLines(logId, signal);
    }
  }

  return {
    open: (trx, workspaceId, logId) => insertLog(trx, workspaceId, logId, clock()),
    async appendSystemLine(trx, workspaceId, logId, message) {
      const line = toNdjsonLine({
        at: toIsoString(clock()),
        stream: 'system',
        step: null,
        serverId: null,
        text: redactSecrets(message),
      });
      const data = await compress(line);
      await appendLines(trx, workspaceId, logId, { lines: 1, size: line.length, data });
    },
    close: (trx, workspaceId, logId) => closeLog(trx, workspaceId, logId, clock()),
    writer,
    async *read(workspaceId, logId, options) {
      if (!options.follow) {
        yield* read(workspaceId, logId, options);
        return;
      }
      const release = followerLimiter.acquire(workspaceId);
      if (release === null) {
        throw new Problem('unavailable', 'Too many clients of this workspace are following logs.', { retryAfter: 5 });
      }
      try {
        yield* read(workspaceId, logId, options);
      } finally {
        release();
      }
    },
    stop() {
      isStopped = true;
      for (const logId of [...waitersByLog.keys()]) wake(logId);
    },
  };
}
