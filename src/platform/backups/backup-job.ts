import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { constants, createZstdCompress } from 'node:zlib';
import { raiseNotice } from '../../audit/notices.ts';
import { recordAuditEvent, systemRequestContext } from '../../audit/request-context.ts';
import { ID_PREFIXES } from '../../contract/id.ts';
import { UNFINISHED_STATUSES } from '../../contract/platform-vocabulary.ts';
import { JobFailure, type JobKind, type RunningJob } from '../../jobs/jobs.ts';
import { OutputTruncated, run, type Step } from '../../runner/run.ts';
import { shellCommand } from '../../runner/shell-command.ts';
import { createConnectionPool } from '../../runner/ssh-connection.ts';
import { insertStoredObject, setUpload } from '../../store/backups.ts';
import { findNoticeBySubject, resolveNotices } from '../../store/notices.ts';
import { findResource } from '../../store/resources.ts';
import type { BackupTable } from '../../store/schema/backups.ts';
import { findWorkItem, updateWorkItem } from '../../store/work-items.ts';
import type { PlatformContext } from '../context.ts';
import { type AppTarget, createLastLines, outcomeFailure, resolveAppTarget } from './app-target.ts';
import { currentBackupKey } from './backup-keys.ts';
import { backupSettingsOf } from './backup-record.ts';
import { BACKUP_JOB_KIND } from './backups.ts';
import { encryptBackup } from './encryption.ts';
import { applyRetention } from './scheduled-backups.ts';
import { StorageFailure } from './storage.ts';
import { sweepObject } from './sweep.ts';

/** tar's warnings about files that changed while it read them. The archive contains their old or their new state. */
const TAR_WARNING =
  /: (?:file changed as we read it|File removed before we read it|socket ignored)$|^tar: Exiting with failure status/;

/** Returns the step that archives and compresses `shared/` on the server, or that runs the app's backup command. */
function backupStep(target: AppTarget, kind: string): Step {
  const { command, interpreter } = backupSettingsOf(target.app);
  if (kind === 'command' && command !== null) {
    return {
      command: shellCommand(command, interpreter),
      cwd: target.app.directory,
      environment: target.environment,
      mask: target.mask,
    };
  }
  if (target.app.directory === null) throw new JobFailure('The app no longer has a directory.');
  const tar = { argv: ['tar', '-czf', '-', '.'] } as const;
  return { command: tar, cwd: `${target.app.directory}/shared`, environment: { LC_ALL: 'C' } };
}

/** Counts and hashes the bytes of a stream. `measure` throws `StorageFailure` for more than `limit` bytes. */
function createHashingCounter(limit: number) {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    async *measure(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes > limit) {
          throw new StorageFailure(
            `The backup is larger than ${Math.floor(limit / 1_048_576)} MB (DEVPILOT_BACKUP_MAX_MB).`,
          );
        }
        hash.update(chunk);
        yield chunk;
      }
    },
    result: () => ({ size_bytes: bytes, sha256: hash.digest('hex') }),
  };
}

/** Creates, encrypts and stores a backup in one stream. Throws `JobFailure`. */
async function streamBackup(
  context: PlatformContext,
  job: RunningJob,
  row: BackupTable,
  target: AppTarget,
): Promise<void> {
  const { workspaceId, signal } = job;
  const [storage] = context.backupStorages.reachable;
  if (storage === undefined) throw new JobFailure('This node has no data directory and no bucket to store backups in.');
  const location = `${storage.name}${row.app_id}/${row.id}.${row.kind === 'directory' ? 'tar.gz' : 'zst'}.enc`;
  const key = await job.transaction(async (trx) => {
    const current = await currentBackupKey(trx, context, workspaceId);
    await insertStoredObject(trx, {
      id: row.id,
      workspace_id: workspaceId,
      place: location,
      upload: null,
      created_at: context.clock(),
      key_id: current.id,
    });
    return current.key;
  });
  const lastLines = createLastLines(TAR_WARNING);
  const description = row.kind === 'directory' ? 'tar' : 'The backup command';
  const output = new PassThrough();
  const step = backupStep(target, row.kind);
  // If the step never started, its output stream would never end.
  signal.throwIfAborted();
  const outcomePromise = run(target.runTarget, { ...step, stdout: output, onLine: lastLines.onLine }, signal);
  outcomePromise.catch((error) => output.destroy(error));
  const zstd = row.kind === 'directory' ? null : createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  // `pipe` does not forward errors in either direction.
  output.once('error', (error) => zstd?.destroy(error));
  zstd?.once('error', (error) => output.destroy(error));
  const compressed = zstd === null ? output : output.pipe(zstd);

  const counter = createHashingCounter(context.backupStorages.maxBackupBytes);
  /** Ends only when the step has succeeded or tar has only warned, so that an incomplete backup is never stored. */
  async function* completeOutput(): AsyncGenerator<Uint8Array> {
    yield* counter.measure(compressed);
    const outcome = await outcomePromise;
    signal.throwIfAborted();
    const hasOnlyWarnings = row.kind === 'directory' && outcome.exitCode === 1 && lastLines.hasOnlyWarnings();
    const failure = hasOnlyWarnings ? null : outcomeFailure(outcome, description, lastLines);
    if (failure !== null) throw failure;
    if (zstd?.bytesWritten === 0) throw new JobFailure('The backup command produced no output.');
  }
  const onUpload = (uploadId: string) => job.transaction((trx) => setUpload(trx, workspaceId, row.id, uploadId));
  try {
    await storage.write(
      location,
      encryptBackup(completeOutput(), { key, workspaceId, backupId: row.id }),
      onUpload,
      signal,
    );
    const measured = counter.result();
    await job.transaction(async (trx) => {
      await setUpload(trx, workspaceId, row.id, null);
      await updateWorkItem(trx, 'backup', workspaceId, row.id, ['processing'], measured);
    });
  } catch (error) {
    // Ends the step if it is still writing.
    output.destroy(error instanceof Error ? error : new Error('The backup was not stored.'));
    const outcome = await outcomePromise;
    // If another node has marked this job as failed, a sweep may have run before the object existed.
    if (job.fenceSignal.aborted) await storage.remove(location, null).catch(context.onError);
    else await sweepObject(context, workspaceId, row.id);
    if (error instanceof StorageFailure) throw new JobFailure(error.message);
    if (error instanceof OutputTruncated)
      throw outcomeFailure(outcome, description, lastLines) ?? new JobFailure(error.message);
    throw error;
  }
}

async function executeBackup(context: PlatformContext, job: RunningJob): Promise<undefined> {
  const { workspaceId, resourceId: id } = job;
  const row = await job.transaction(async (trx) => {
    const pending = await findWorkItem(trx, 'backup', workspaceId, id);
    if (pending === undefined) throw new JobFailure('The backup was deleted.');
    const now = context.clock();
    await updateWorkItem(trx, 'backup', workspaceId, id, ['pending'], {
      status: 'processing',
      started_at: now,
      updated_at: now,
    });
    return pending;
  });
  const connections = createConnectionPool();
  try {
    await streamBackup(context, job, row, await resolveAppTarget(context, connections, workspaceId, row.app_id));
  } finally {
    await connections.close();
  }
}

/** The job kind of backups. If its node is lost, the backup fails and its partial object is deleted. */
export function backupJobKind(context: PlatformContext): JobKind {
  return {
    name: BACKUP_JOB_KIND,
    resumable: false,
    run: (job) => executeBackup(context, job),
    async finalize(trx, { workspaceId, resourceId: id }, { status, error, endedAt }) {
      const row = await findWorkItem(trx, 'backup', workspaceId, id);
      const change = { status, error, finished_at: endedAt, updated_at: endedAt };
      if (row === undefined || !(await updateWorkItem(trx, 'backup', workspaceId, id, UNFINISHED_STATUSES, change)))
        return;
      const { size_bytes: sizeBytes, sha256 } = row;
      const app = await findResource(trx, 'app', workspaceId, row.app_id);
      const target = { kind: 'backup', id, name: app?.name ?? row.app_name } as const;
      await recordAuditEvent(trx, systemRequestContext(workspaceId), 'backup.finished', target, endedAt, {
        status,
        sizeBytes,
        sha256,
      });
      if (status === 'completed') {
        // Resolves the notice of a failed backup, whose occurrence is the ID of that backup, but not the notice of a
        // failed verification.
        const notice = await findNoticeBySubject(trx, workspaceId, row.app_id, 'backup.failed');
        if (notice?.occurrence.startsWith(ID_PREFIXES.backup) === true)
          await resolveNotices(trx, workspaceId, row.app_id, ['backup.failed']);
        await applyRetention(trx, context, workspaceId, row.app_id);
      }
      if (status !== 'failed') return;
      await raiseNotice(trx, {
        workspaceId,
        kind: 'backup.failed',
        at: endedAt,
        occurrence: id,
        subject: { kind: 'app', id: row.app_id, name: target.name },
        detail: { backupId: id, error },
      });
    },
  };
}
