import { toIsoString } from '../../contract/instant.ts';
import { SECOND } from '../../contract/limits.ts';
import type { LogLine } from '../../contract/logs.ts';
import { redactSecrets } from '../../contract/redact.ts';
import type { OutputLine } from '../../runner/run.ts';
import { appendLines } from '../../store/logs.ts';
import { quotaExceeded, tryConsumeQuota } from '../../store/quotas.ts';
import type { LogTable } from '../../store/schema/logs.ts';
import type { Store, Trx } from '../../store/store.ts';
import { compress, mergeLog, toNdjsonLine } from './log-chunks.ts';
import { createUnfinishedLines } from './unfinished-lines.ts';

/** Lines are stored after this time, or when they fill a chunk. */
const FLUSH_INTERVAL_MS = 250;
const MAX_CHUNK_CHARACTERS = 65_536;
/** Maximum size of one log, including the JSON around each line. */
const MAX_LOG_CHARACTERS = 16 * 1_048_576;
const LOG_FULL_MESSAGE = { stream: 'system', text: 'This log is full; further output is not stored.' } as const;
/** Delay before a failed write is retried. */
const RETRY_DELAY_MS = SECOND;
/** Maximum number of retries at the end of a log. */
const MAX_FINAL_RETRIES = 5;

export interface LogContext {
  readonly store: Store;
  readonly clock: () => number;
  readonly onError: (error: unknown) => void;
}

/** A log that is being written. */
export interface LogWriter {
  /** Adds a line of a step's output, which is stored with the next chunk. */
  write(line: OutputLine, step: string | null, serverId: string | null): void;
  /**
   * Shows an unfinished line to followers until the step finishes the line. An unfinished line is not part of the log.
   */
  showUnfinished(line: OutputLine, step: string | null, serverId: string | null): void;
  /** Adds a line from Devpilot itself. */
  writeSystemLine(text: string, step?: string | null, serverId?: string | null): void;
  /**
   * Resolves when one attempt to store the buffered lines has ended. After a failure they stay buffered for the next
   * attempt. Lines are dropped if the log is closed.
   */
  flush(): Promise<void>;
  /** Flushes, with retries if the store is temporarily unavailable, and merges chunks. */
  end(): Promise<void>;
}

/**
 * Stores a chunk and returns the log. If the quota of the workspace is used up, stores a message about the quota
 * instead and returns undefined. Also returns undefined if the log is closed.
 */
async function storeChunk(
  trx: Trx,
  now: number,
  workspaceId: string,
  logId: string,
  chunk: Parameters<typeof appendLines>[3],
): Promise<LogTable | undefined> {
  if (chunk.lines === 0 || (await tryConsumeQuota(trx, 'logs', workspaceId, now, chunk.size))) {
    return appendLines(trx, workspaceId, logId, chunk);
  }
  const text = `${quotaExceeded('logs', now).message} Further output is not stored.`;
  const line = toNdjsonLine({ at: toIsoString(now), stream: 'system', step: null, serverId: null, text });
  await appendLines(trx, workspaceId, logId, { lines: 1, size: line.length, data: await compress(line) });
  return undefined;
}

/** Creates the writer of one log. `onStored` is called after each stored chunk. */
export function createLogWriter(
  context: LogContext,
  workspaceId: string,
  logId: string,
  onStored: () => void,
): LogWriter {
  const { store, clock, onError } = context;
  let text = '';
  let lineCount = 0;
  let storedCharacters = 0;
  /** Whether further lines are dropped: the log has its maximum size or is closed, or the quota is used up. */
  let dropsLines = false;
  let isFailing = false;
  const unfinishedLines = createUnfinishedLines();
  let storedUnfinishedJson: string | null = null;
  let timer: NodeJS.Timeout | undefined;
  let lastWrite = Promise.resolve();

  async function writeChunk(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const unfinishedJson = unfinishedLines.toJson();
    if (lineCount === 0 && (unfinishedJson === storedUnfinishedJson || dropsLines)) return;
    const chunkText = text;
    const chunkLines = lineCount;
    text = '';
    lineCount = 0;
    const data = await compress(chunkText);
    const chunk = { lines: chunkLines, size: chunkText.length, data, partial: unfinishedJson };
    const log = await store
      .transaction((trx) => storeChunk(trx, clock(), workspaceId, logId, chunk))
      .catch((error: unknown) => {
        // The store may be temporarily unavailable, so the lines remain buffered for a retry.
        isFailing = true;
        text = chunkText + text;
        lineCount += chunkLines;
        timer ??= setTimeout(flush, RETRY_DELAY_MS);
        throw error;
      });
    isFailing = false;
    storedUnfinishedJson = unfinishedJson;
    if (log === undefined) dropsLines = true;
    else storedCharacters = log.size;
    onStored();
  }

  function flush(): Promise<void> {
    // Chunks are written one at a time, so that lines remain in order.
    lastWrite = lastWrite.then(writeChunk).catch(onError);
    return lastWrite;
  }

  function add(line: LogLine): void {
    if (dropsLines) return;
    const isTooLong = storedCharacters + text.length > MAX_LOG_CHARACTERS;
    if (isTooLong) dropsLines = true;
    text += toNdjsonLine(isTooLong ? { ...line, ...LOG_FULL_MESSAGE } : line);
    lineCount += 1;
    if (text.length >= MAX_CHUNK_CHARACTERS && !isFailing) void flush();
    else timer ??= setTimeout(flush, FLUSH_INTERVAL_MS);
  }

  return {
    write({ at, stream, text: message }, step, serverId) {
      const line = { at: toIsoString(at), stream, step, serverId, text: message };
      unfinishedLines.removeVersionOf(line);
      add(line);
    },
    showUnfinished({ at, stream, text: message }, step, serverId) {
      if (dropsLines) return;
      unfinishedLines.set({ at: toIsoString(at), stream, step, serverId, text: message });
      timer ??= setTimeout(flush, FLUSH_INTERVAL_MS);
    },
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
      await mergeLog(store, workspaceId, logId).catch(onError);
    },
  };
}
