import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { LogLine } from '../contract/log-line.ts';
import { Problem } from '../contract/problem.ts';
import { redactSecrets } from '../contract/redact.ts';
import { createShares } from '../contract/shares.ts';
import { SECOND } from '../contract/words.ts';
import { appendLines, closeLog, findLog, insertLog, mergeChunks, readChunks } from '../store/logs.ts';
import { quotaExceeded, trySpendQuota } from '../store/quotas.ts';
import type { LogChunkTable, LogTable } from '../store/schema.ts';
import type { Store, Trx } from '../store/store.ts';
import { instant } from './context.ts';
import type { OutputLine } from './runner/run.ts';

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/** What waits is written so often, or as soon as it is so large; milliseconds and characters. */
const WRITE_EVERY = 250;
const CHUNK = 65_536;
/** Chunks of a log that is over are put together to this. */
const MERGED = 524_288;
const MERGE_FROM = 8;
/** Characters that one log keeps, with what each line costs beside its text. */
const LONGEST = 16 * 1_048_576;
/** What is said on another node is looked for so often. */
const LOOK_EVERY = 300;
const CHUNKS_AT_ONCE = 8;
/** Lines that could not be stored are tried again; milliseconds, and how often at a log's end. */
const AGAIN_AFTER = SECOND;
const TRIES = 5;
/** Readers of one node that wait for more, over all workspaces. */
const FOLLOWERS = 500;

/** A log that is being written. */
export interface LogWriter {
  /** Takes a line of a step's output; it is stored soon. */
  write(line: OutputLine, step: string | null, serverId: string | null): void;
  /** Says something of our own. */
  say(text: string, step?: string | null, serverId?: string | null): void;
  /** Resolves when all that was written is stored, or can't be because the log is closed. */
  flush(): Promise<void>;
  /** Flushes, waiting for a store that is away for a moment, and puts what was stored in pieces together. */
  end(): Promise<void>;
}

export interface Logs {
  /** Begins a log, in the transaction that makes what it is of. Its id is that thing's. */
  open(trx: Trx, workspaceId: string, logId: string): Promise<void>;
  /** Says one thing in a transaction of the caller's. */
  say(trx: Trx, workspaceId: string, logId: string, text: string): Promise<void>;
  /** Ends a log, in the transaction that ends what it is of. */
  close(trx: Trx, workspaceId: string, logId: string): Promise<void>;
  writer(workspaceId: string, logId: string): LogWriter;
  /**
   * The lines after the first `from`, as NDJSON in pieces. With `follow` it waits for more until the log
   * is closed, wherever it is written. Ends when the signal does. Throws `unavailable` for too many readers.
   */
  read(
    workspaceId: string,
    logId: string,
    options: { readonly from: number; readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncGenerator<string>;
  /** Ends all readers that wait. */
  stop(): void;
}

const toJson = (line: LogLine): string => `${JSON.stringify(line)}\n`;

/** The lines of a chunk from one on. */
async function textOf(chunk: LogChunkTable, from: number): Promise<string> {
  const text = (await unpack(chunk.data)).toString('utf8');
  if (from <= chunk.first_line) return text;
  let start = 0;
  for (let left = from - chunk.first_line; left > 0; left--) start = text.indexOf('\n', start) + 1;
  return text.slice(start);
}

/** Logs of what runs: lines in compressed chunks, written on one node and read on any. */
export function createLogs(options: {
  readonly store: Store;
  readonly clock: () => number;
  readonly onError: (error: unknown) => void;
}): Logs {
  const { store, clock, onError } = options;
  /** Readers on this node that wait for a log, to be woken when it is written here. */
  const waiting = new Map<string, Set<() => void>>();
  const followers = createShares(FOLLOWERS);
  let stopped = false;

  function wake(logId: string): void {
    for (const go of waiting.get(logId) ?? []) go();
  }

  function pause(logId: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const all = waiting.get(logId) ?? new Set();
      waiting.set(logId, all);
      const go = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', go);
        all.delete(go);
        if (all.size === 0) waiting.delete(logId);
        resolve();
      };
      const timer = setTimeout(go, LOOK_EVERY);
      signal.addEventListener('abort', go, { once: true });
      all.add(go);
    });
  }

  async function merge(workspaceId: string, logId: string): Promise<void> {
    let from = 0;
    for (;;) {
      const chunks = await readChunks(store.read, workspaceId, logId, from, 64);
      const [first] = chunks;
      if (first === undefined || chunks.length < MERGE_FROM) return;
      let text = '';
      let lines = 0;
      for (const chunk of chunks) {
        if (text !== '' && text.length > MERGED) break;
        text += await textOf(chunk, 0);
        lines += chunk.lines;
      }
      from = first.first_line + lines;
      const data = await pack(text);
      await store.transaction((trx) => mergeChunks(trx, { ...first, lines, data }));
    }
  }

  /** Stores a chunk while the workspace's quota lasts, and says once in each log that it is used up. */
  async function storeChunk(
    trx: Trx,
    workspaceId: string,
    logId: string,
    chunk: { readonly lines: number; readonly size: number; readonly data: Uint8Array },
  ): Promise<LogTable | undefined> {
    const now = clock();
    if (await trySpendQuota(trx, 'logs', workspaceId, now, chunk.size)) {
      return appendLines(trx, workspaceId, logId, chunk);
    }
    const text = `${quotaExceeded('logs', now).message} What follows is not kept.`;
    const line = toJson({ at: instant(now), stream: 'system', step: null, serverId: null, text });
    await appendLines(trx, workspaceId, logId, { lines: 1, size: line.length, data: await pack(line) });
    return undefined;
  }

  function writer(workspaceId: string, logId: string): LogWriter {
    let text = '';
    let lines = 0;
    let stored = 0;
    let full = false;
    let failing = false;
    let timer: NodeJS.Timeout | undefined;
    let writing = Promise.resolve();

    async function store_(): Promise<void> {
      clearTimeout(timer);
      timer = undefined;
      if (lines === 0) return;
      const chunk = { lines, size: text.length, data: text };
      text = '';
      lines = 0;
      const data = await pack(chunk.data);
      const log = await store
        .transaction((trx) => storeChunk(trx, workspaceId, logId, { ...chunk, data }))
        .catch((error: unknown) => {
          // The store is away for a moment: what was to be written waits for it.
          failing = true;
          text = chunk.data + text;
          lines += chunk.lines;
          timer ??= setTimeout(flush, AGAIN_AFTER);
          throw error;
        });
      failing = false;
      if (log === undefined) full = true;
      else stored = log.size;
      wake(logId);
    }
    function flush(): Promise<void> {
      // One after the other, so that lines stay in their order.
      writing = writing.then(store_).catch(onError);
      return writing;
    }
    function add(line: LogLine): void {
      if (full) return;
      if (stored + text.length > LONGEST) {
        full = true;
        line = { ...line, stream: 'system', text: 'This log is full; what follows is not kept.' };
      }
      text += toJson(line);
      lines += 1;
      if (text.length >= CHUNK && !failing) void flush();
      else timer ??= setTimeout(flush, WRITE_EVERY);
    }
    return {
      write: ({ at, stream, text: said }, step, serverId) =>
        add({ at: instant(at), stream, step, serverId, text: said }),
      say: (said, step = null, serverId = null) =>
        add({ at: instant(clock()), stream: 'system', step, serverId, text: redactSecrets(said) }),
      flush,
      async end() {
        await flush();
        for (let left = TRIES; lines > 0 && left > 0; left--) {
          await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER));
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
      // Looked at before the chunks: what was written before it was closed is then among them.
      const log = await findLog(store.read, workspaceId, logId);
      const chunks = log === undefined ? [] : await readChunks(store.read, workspaceId, logId, next, CHUNKS_AT_ONCE);
      for (const chunk of chunks) {
        if (signal.aborted || stopped) return;
        const text = await textOf(chunk, next);
        next = chunk.first_line + chunk.lines;
        yield text;
      }
      if (signal.aborted || stopped) return;
      if (chunks.length > 0) continue;
      if (!follow || log === undefined || log.closed_at !== null) return;
      await pause(logId, signal);
    }
  }

  return {
    open: (trx, workspaceId, logId) => insertLog(trx, workspaceId, logId, clock()),
    async say(trx, workspaceId, logId, said) {
      const line = toJson({
        at: instant(clock()),
        stream: 'system',
        step: null,
        serverId: null,
        text: redactSecrets(said),
      });
      const data = await pack(line);
      await appendLines(trx, workspaceId, logId, { lines: 1, size: line.length, data });
    },
    close: (trx, workspaceId, logId) => closeLog(trx, workspaceId, logId, clock()),
    writer,
    async *read(workspaceId, logId, how) {
      if (!how.follow) {
        yield* read(workspaceId, logId, how);
        return;
      }
      const leave = followers.take(workspaceId);
      if (leave === null) {
        throw new Problem('unavailable', 'Too many of the workspace follow logs already.', { retryAfter: 5 });
      }
      try {
        yield* read(workspaceId, logId, how);
      } finally {
        leave();
      }
    },
    stop() {
      stopped = true;
      for (const logId of [...waiting.keys()]) wake(logId);
    },
  };
}
