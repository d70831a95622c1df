import { createFairShareLimiter } from '../../contract/fair-share-limiter.ts';
import { toIsoString } from '../../contract/instant.ts';
import type { LogLine } from '../../contract/logs.ts';
import { Problem } from '../../contract/problem.ts';
import { redactSecrets } from '../../contract/redact.ts';
import { appendLines, closeLog, findLog, insertLog, readChunks, reopenLog } from '../../store/logs.ts';
import type { Trx } from '../../store/store.ts';
import { compress, readChunkText, toNdjsonLine } from './log-chunks.ts';
import { createLogWaiters } from './log-waiters.ts';
import { createLogWriter, type LogContext, type LogWriter } from './log-writer.ts';

const CHUNKS_PER_READ = 8;
/** Maximum number of followers on one node, for all workspaces together. */
const MAX_FOLLOWERS = 500;

export interface LogReadOptions {
  /** Number of lines to skip. */
  readonly from: number;
  /** Whether to wait for more lines. */
  readonly follow: boolean;
  /** Whether a follower also receives unfinished lines. */
  readonly includeUnfinished?: boolean;
  readonly signal: AbortSignal;
}

export interface Logs {
  /** Opens a log in the transaction that creates its owner, such as a deployment. The log has the ID of the owner. */
  open(trx: Trx, workspaceId: string, logId: string): Promise<void>;
  /** Adds a line in the caller's transaction. */
  appendSystemLine(trx: Trx, workspaceId: string, logId: string, text: string): Promise<void>;
  /** Closes a log, in the transaction that ends its owner. */
  close(trx: Trx, workspaceId: string, logId: string): Promise<void>;
  /** Opens a closed log again, in the transaction that restarts its owner. */
  reopen(trx: Trx, workspaceId: string, logId: string): Promise<void>;
  writer(workspaceId: string, logId: string): LogWriter;
  /**
   * Yields the lines after the first `from` lines as NDJSON, several at a time. With `follow`, waits for more lines
   * from any node until the log is closed. Ends when the signal is aborted. Throws `unavailable` if there are too many
   * followers.
   */
  read(workspaceId: string, logId: string, options: LogReadOptions): AsyncGenerator<string>;
  /** Ends all readers on this node. */
  stop(): void;
}

/** Creates the logs of jobs. Lines are stored in compressed chunks, which every node can read. */
export function createLogs(context: LogContext): Logs {
  const { store, clock } = context;
  const waiters = createLogWaiters();
  const followerLimiter = createFairShareLimiter(MAX_FOLLOWERS);
  let isStopped = false;

  async function* read(
    workspaceId: string,
    logId: string,
    { from, follow, includeUnfinished = false, signal }: LogReadOptions,
  ): AsyncGenerator<string> {
    let nextLine = from;
    let shownUnfinishedJson: string | null = null;
    for (;;) {
      // The log is read before the chunks, so that the chunks include everything written before it was closed.
      const log = await findLog(store.read, workspaceId, logId);
      const chunks =
        log === undefined ? [] : await readChunks(store.read, workspaceId, logId, nextLine, CHUNKS_PER_READ);
      for (const chunk of chunks) {
        if (signal.aborted || isStopped) return;
        const text = await readChunkText(chunk, nextLine);
        nextLine = chunk.first_line + chunk.lines;
        yield text;
      }
      if (signal.aborted || isStopped) return;
      if (chunks.length > 0) continue;
      if (!follow || log === undefined || log.closed_at !== null) return;
      // The log was read before the chunks, so the finished versions of these lines have not been yielded yet.
      if (includeUnfinished && log.partial !== shownUnfinishedJson) {
        shownUnfinishedJson = log.partial;
        if (shownUnfinishedJson !== null)
          yield (JSON.parse(shownUnfinishedJson) as LogLine[]).map(toNdjsonLine).join('');
      }
      await waiters.wait(logId, signal);
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
    async reopen(trx, workspaceId, logId) {
      if (!(await reopenLog(trx, workspaceId, logId))) await insertLog(trx, workspaceId, logId, clock());
    },
    writer: (workspaceId, logId) => createLogWriter(context, workspaceId, logId, () => waiters.wake(logId)),
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
      waiters.wakeAll();
    },
  };
}
