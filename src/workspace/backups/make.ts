import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { constants, createZstdCompress } from 'node:zlib';
import { insertStoredObject, setUpload } from '../../store/backups.ts';
import { findResource } from '../../store/resources.ts';
import type { BackupTable } from '../../store/schema.ts';
import { changeWork, findWork } from '../../store/work.ts';
import { record, systemIn, type WorkspaceContext } from '../context.ts';
import { JobFailure, type JobKind, type RunningJob } from '../jobs/jobs.ts';
import { createConnections } from '../runner/connection.ts';
import { OutputCut, run, type Step } from '../runner/run.ts';
import { shellCommand } from '../runner/shell.ts';
import { applyRetention, BACKUP_KIND, planOf } from './backups.ts';
import { appSite, createLastWords, outcomeFailure, type Site } from './site.ts';
import { StorageFailure } from './storage.ts';
import { sweepObject } from './sweep.ts';

const UNDER_WAY = ['pending', 'processing'] as const;
/** What tar says of files that changed while it read them, of which it has one state or the other. */
const HARMLESS =
  /: (?:file changed as we read it|File removed before we read it|socket ignored)$|^tar: Exiting with failure status/;

/** Tar's archive of `shared/` itself, compressed where it is made; or what the app's own command writes. */
function stepOf(site: Site, kind: string): Step {
  const { command, interpreter } = planOf(site.app);
  if (kind === 'command' && command !== null) {
    return {
      command: shellCommand(command, interpreter),
      cwd: site.app.directory,
      environment: site.environment,
      secrets: site.secrets,
    };
  }
  if (site.app.directory === null) throw new JobFailure('The app has no directory any more.');
  const tar = { argv: ['tar', '-czf', '-', '.'] } as const;
  return { command: tar, cwd: `${site.app.directory}/shared`, environment: { LC_ALL: 'C' } };
}

/** Counts and hashes what goes by. Throws `StorageFailure` for more than `limit` bytes. */
function createGauge(limit: number) {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    async *measure(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes > limit) {
          throw new StorageFailure(`It is larger than ${Math.floor(limit / 1_048_576)} MB (DEVPILOT_BACKUP_MAX_MB).`);
        }
        hash.update(chunk);
        yield chunk;
      }
    },
    result: () => ({ size_bytes: bytes, sha256: hash.digest('hex') }),
  };
}

async function stream(context: WorkspaceContext, job: RunningJob, row: BackupTable, site: Site): Promise<void> {
  const { workspaceId, signal } = job;
  const [storage] = context.storages.all;
  if (storage === undefined) throw new JobFailure('This node has no data directory and no bucket to keep backups in.');
  const place = `${storage.name}${row.app_id}/${row.id}.${row.kind === 'directory' ? 'tar.gz' : 'zst'}`;
  await job.write((trx) =>
    insertStoredObject(trx, {
      id: row.id,
      workspace_id: workspaceId,
      place,
      upload: null,
      created_at: context.clock(),
    }),
  );
  const words = createLastWords(HARMLESS);
  const what = row.kind === 'directory' ? 'tar' : 'The backup command';
  const output = new PassThrough();
  const step = stepOf(site, row.kind);
  // Nothing would end the output of a step that is not begun.
  signal.throwIfAborted();
  const over = run(site.target, { ...step, stdout: output, onLine: words.onLine }, signal);
  over.catch((error) => output.destroy(error));
  const zstd = row.kind === 'directory' ? null : createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  // A pipe does not tell its end of what goes wrong at its beginning, nor the other way round.
  output.once('error', (error) => zstd?.destroy(error));
  zstd?.once('error', (error) => output.destroy(error));
  const compressed = zstd === null ? output : output.pipe(zstd);

  const gauge = createGauge(context.storages.limit);
  /** Ends only when it is known that what was written is all of it: an object appears for nothing less. */
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield* gauge.measure(compressed);
    const outcome = await over;
    signal.throwIfAborted();
    const changed = row.kind === 'directory' && outcome.exitCode === 1 && words.onlyHarmless();
    const failure = changed ? null : outcomeFailure(outcome, what, words);
    if (failure !== null) throw failure;
    if (zstd?.bytesWritten === 0) throw new JobFailure('The backup command wrote nothing.');
  }
  const onUpload = (upload: string) => job.write((trx) => setUpload(trx, workspaceId, row.id, upload));
  try {
    await storage.write(place, whole(), onUpload, signal);
    const done = gauge.result();
    await job.write(async (trx) => {
      await setUpload(trx, workspaceId, row.id, null);
      await changeWork(trx, 'backup', workspaceId, row.id, ['processing'], done);
    });
  } catch (error) {
    // Ends what still writes, wherever it runs.
    output.destroy(error instanceof Error ? error : new Error('The backup was not kept.'));
    const outcome = await over;
    // Whoever else has taken the job for failed may have swept already, before the object was there.
    if (job.gone.aborted) await storage.remove(place, null).catch(context.onError);
    else await sweepObject(context, workspaceId, row.id);
    if (error instanceof StorageFailure) throw new JobFailure(error.message);
    if (error instanceof OutputCut) throw outcomeFailure(outcome, what, words) ?? new JobFailure(error.message);
    throw error;
  }
}

async function perform(context: WorkspaceContext, job: RunningJob): Promise<undefined> {
  const { workspaceId, resourceId: id } = job;
  const row = await job.write(async (trx) => {
    const found = await findWork(trx, 'backup', workspaceId, id);
    if (found === undefined) throw new JobFailure('The backup was deleted.');
    const now = context.clock();
    await changeWork(trx, 'backup', workspaceId, id, ['pending'], {
      status: 'processing',
      started_at: now,
      updated_at: now,
    });
    return found;
  });
  const connections = createConnections();
  try {
    await stream(context, job, row, await appSite(context, connections, workspaceId, row.app_id));
  } finally {
    await connections.close();
  }
}

/** Making backups, as the queue knows it. One whose node is gone has failed, and what was written of it is swept. */
export function backupKind(context: WorkspaceContext): JobKind {
  return {
    name: BACKUP_KIND,
    resumable: false,
    run: (job) => perform(context, job),
    async settle(trx, { workspaceId, resourceId: id }, { status, error, at }) {
      const row = await findWork(trx, 'backup', workspaceId, id);
      const change = { status, error, finished_at: at, updated_at: at };
      if (row === undefined || !(await changeWork(trx, 'backup', workspaceId, id, UNDER_WAY, change))) return;
      const { size_bytes: sizeBytes, sha256 } = row;
      const app = await findResource(trx, 'app', workspaceId, row.app_id);
      const target = { kind: 'backup', id, name: app?.name ?? row.app_name } as const;
      await record(trx, systemIn(workspaceId), 'backup.finished', target, at, { status, sizeBytes, sha256 });
      if (status === 'completed') await applyRetention(trx, context, workspaceId, row.app_id);
    },
  };
}
