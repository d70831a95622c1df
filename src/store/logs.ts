import { sql } from 'kysely';
import type { LogChunkTable, LogTable } from './schema/logs.ts';
import type { Queryable, Trx } from './store.ts';

export async function insertLog(trx: Trx, workspaceId: string, id: string, createdAt: number): Promise<void> {
  await trx
    .insertInto('log')
    .values({ id, workspace_id: workspaceId, lines: 0, size: 0, created_at: createdAt, closed_at: null, partial: null })
    .execute();
}

export async function findLog(db: Queryable, workspaceId: string, id: string): Promise<LogTable | undefined> {
  return db
    .selectFrom('log')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/**
 * Appends lines to an open log and, if `partial` is given, replaces its unfinished lines. Several nodes can append
 * at the same time. Returns the updated log, or undefined if the log is closed.
 */
export async function appendLines(
  trx: Trx,
  workspaceId: string,
  logId: string,
  chunk: { readonly lines: number; readonly size: number; readonly data: Uint8Array; readonly partial?: string | null },
): Promise<LogTable | undefined> {
  const log = await trx
    .updateTable('log')
    .set({
      lines: sql<number>`lines + ${chunk.lines}`,
      size: sql<number>`size + ${chunk.size}`,
      ...(chunk.partial !== undefined && { partial: chunk.partial }),
    })
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', logId)
    .where('closed_at', 'is', null)
    .returningAll()
    .executeTakeFirst();
  if (log === undefined || chunk.lines === 0) return log;
  await trx
    .insertInto('log_chunk')
    .values({
      log_id: logId,
      workspace_id: workspaceId,
      first_line: log.lines - chunk.lines,
      lines: chunk.lines,
      data: chunk.data,
    })
    .execute();
  return log;
}

/** Returns chunks in order, starting with the one that contains line `from`. */
export async function readChunks(
  db: Queryable,
  workspaceId: string,
  logId: string,
  from: number,
  limit: number,
): Promise<LogChunkTable[]> {
  return db
    .selectFrom('log_chunk')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('log_id', '=', logId)
    .where(sql<boolean>`first_line + lines > ${from}`)
    .orderBy('first_line')
    .limit(limit)
    .execute();
}

/** Closes a log and discards its unfinished lines. Nothing can be appended until it is opened again. */
export async function closeLog(trx: Trx, workspaceId: string, logId: string, closedAt: number): Promise<void> {
  await trx
    .updateTable('log')
    .set({ closed_at: closedAt, partial: null })
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', logId)
    .where('closed_at', 'is', null)
    .execute();
}

/** Opens a closed log again. Returns false if it was deleted. */
export async function reopenLog(trx: Trx, workspaceId: string, logId: string): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('log')
    .set({ closed_at: null })
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', logId)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

/** Replaces chunks with a single one that contains the same lines. */
export async function mergeChunks(trx: Trx, chunk: LogChunkTable): Promise<void> {
  await trx
    .deleteFrom('log_chunk')
    .where('workspace_id', '=', chunk.workspace_id)
    .where('log_id', '=', chunk.log_id)
    .where('first_line', '>=', chunk.first_line)
    .where('first_line', '<', chunk.first_line + chunk.lines)
    .execute();
  await trx.insertInto('log_chunk').values(chunk).execute();
}

/** Deletes logs that were closed before `before` (epoch milliseconds). */
export async function deleteOldLogs(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('log').where('closed_at', '<', before).execute();
}
