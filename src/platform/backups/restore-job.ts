import { createHash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { recordAuditEvent, systemRequestContext } from '../../audit/request-context.ts';
import type { DevpilotEnvironment } from '../../contract/control-variables.ts';
import { MINUTE } from '../../contract/limits.ts';
import { JobFailure, type JobKind, type RunningJob } from '../../jobs/jobs.ts';
import { run, type Step } from '../../runner/run.ts';
import { shellCommand } from '../../runner/shell-command.ts';
import { createConnectionPool } from '../../runner/ssh-connection.ts';
import { findStoredObject } from '../../store/backups.ts';
import type { BackupTable, StoredObjectTable } from '../../store/schema/backups.ts';
import { findWorkItem, updateWorkItem } from '../../store/work-items.ts';
import type { PlatformContext } from '../context.ts';
import { type AppTarget, createLastLines, outcomeFailure, resolveAppTarget } from './app-target.ts';
import { backupSettingsOf } from './backup-record.ts';
import { DecryptionFailure } from './encryption.ts';
import { restoreJobKindName } from './restores.ts';
import { ObjectNotFound, type Storage, StorageFailure } from './storage.ts';
import { openStoredBackup } from './stored-backup.ts';

const ACTIVE_STATUSES = ['pending', 'processing'] as const;
/** Timeout for steps that only rename and remove files. */
const SHORT_STEP_TIMEOUT_MS = 30 * MINUTE;

/** A backup whose bytes differ from those that were written. */
class DamagedBackup extends Error {}

/** Yields the bytes of a backup, and throws at the end if they differ from those that were written. */
async function* verifyStream(source: AsyncIterable<Uint8Array>, row: BackupTable): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes !== row.size_bytes || hash.digest('hex') !== row.sha256) {
    throw new DamagedBackup('The backup does not match its SHA-256.');
  }
}

/** Source of a restore: verified completely before anything is changed, and again while it is read. */
interface BackupSource {
  /** Bytes sent to the server. */
  readonly sizeBytes: number;
  open(): Promise<Readable>;
}

/** Reads all of a backup and throws `DamagedBackup` if it is incomplete or altered. */
async function verifyBackup(
  context: PlatformContext,
  storage: Storage,
  object: StoredObjectTable,
  row: BackupTable,
  signal: AbortSignal,
): Promise<BackupSource> {
  const zstd = row.kind === 'command';
  async function open(): Promise<Readable> {
    const stored = await openStoredBackup(context, storage, object, signal);
    const bytes = Readable.from(verifyStream(stored, row), { objectMode: false });
    if (!zstd) return bytes;
    const plain = createZstdDecompress();
    // `pipe` does not forward errors of the source.
    bytes.once('error', (error) => plain.destroy(error));
    plain.once('close', () => bytes.destroy());
    return bytes.pipe(plain);
  }
  let size = 0;
  try {
    await pipeline(
      await open(),
      async (source: AsyncIterable<Uint8Array>) => {
        for await (const chunk of source) size += chunk.length;
      },
      { signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ObjectNotFound || error instanceof DecryptionFailure) throw new DamagedBackup(error.message);
    // Bytes that cannot be decompressed are not those that were written.
    const { code } = error as NodeJS.ErrnoException;
    if (typeof code === 'string' && /^(?:ZSTD_|Z_)/.test(code))
      throw new DamagedBackup('The backup does not match its SHA-256.');
    throw error;
  }
  return { sizeBytes: size, open };
}

const shellScript = (lines: readonly string[]): Step['command'] => ({
  interpreter: ['/bin/sh'],
  body: `set -eu\n${lines.join('\n')}\n`,
});

/** Starts with a dot, so that it is not taken for a release; in the app's directory, so that a rename suffices. */
const incomingName = (id: string) => `.restore-${id}`;
const previousName = (id: string) => `.before-${id}`;

/** Removes what interrupted restores left behind; reverts an incomplete swap. */
const CLEANUP_SCRIPT = [
  'cd "$DEVPILOT_DIRECTORY"',
  'for old in .before-res_*; do',
  '  if [ -d "$old" ] && [ ! -e shared ] && [ ! -L shared ]; then mv "$old" shared; fi',
  'done',
  'rm -rf .restore-res_* .before-res_*',
];
/** Performs both renames or none, without interruption. */
const SWAP_SCRIPT = [
  "trap '' HUP INT TERM",
  'cd "$DEVPILOT_DIRECTORY"',
  'if [ -e shared ] || [ -L shared ]; then mv shared "$DEVPILOT_BEFORE"; fi',
  'if ! mv "$DEVPILOT_INCOMING" shared; then',
  '  if [ -e "$DEVPILOT_BEFORE" ] || [ -L "$DEVPILOT_BEFORE" ]; then mv "$DEVPILOT_BEFORE" shared; fi',
  '  exit 1',
  'fi',
];

/** Runs a step and throws `JobFailure` if it fails. */
async function runStep(target: AppTarget, description: string, stepToRun: Step, signal?: AbortSignal): Promise<void> {
  const lastLines = createLastLines();
  const outcome = await run(target.runTarget, { ...stepToRun, onLine: lastLines.onLine }, signal);
  signal?.throwIfAborted();
  const failure = outcomeFailure(outcome, description, lastLines);
  if (failure !== null) throw failure;
}

/**
 * Pipes a backup to a step's standard input. Throws an error of the source rather than the resulting failure of the
 * step.
 */
async function pipeToStep(
  target: AppTarget,
  description: string,
  stepToRun: Step,
  source: BackupSource,
  signal: AbortSignal,
): Promise<void> {
  const bytes = await source.open();
  let sourceError: Error | null = null;
  const input = new PassThrough();
  // It may fail before or after there is a listener.
  input.on('error', () => undefined);
  bytes.once('error', (error) => {
    sourceError = error;
    input.destroy(error);
  });
  bytes.pipe(input);
  try {
    await runStep(target, description, { ...stepToRun, stdin: input }, signal);
    // A step may stop reading early; the rest must still be verified.
    bytes.unpipe(input);
    if (!bytes.readableEnded) await finished(bytes.resume());
  } catch (error) {
    throw sourceError ?? error;
  } finally {
    bytes.destroy();
  }
}

/** Extracts the archive beside `shared/`, swaps the two, and only then removes the old state. */
async function restoreDirectory(target: AppTarget, id: string, source: BackupSource, job: RunningJob): Promise<void> {
  const { directory } = target.app;
  if (directory === null) throw new JobFailure('The app no longer has a directory.');
  const environment = {
    DEVPILOT_DIRECTORY: directory,
    DEVPILOT_INCOMING: incomingName(id),
    DEVPILOT_BEFORE: previousName(id),
    LC_ALL: 'C',
  };
  const inDirectory = (lines: readonly string[]): Step => ({
    command: shellScript(lines),
    environment,
    timeoutMs: SHORT_STEP_TIMEOUT_MS,
  });
  await runStep(target, 'Cleaning up', inDirectory(CLEANUP_SCRIPT), job.signal);
  const remove = (name: string) =>
    run(target.runTarget, inDirectory(['cd "$DEVPILOT_DIRECTORY"', `rm -rf "$${name}"`]), job.fenceSignal);
  try {
    const unpack = shellScript([
      'cd "$DEVPILOT_DIRECTORY"',
      'mkdir -m 700 "$DEVPILOT_INCOMING"',
      'exec tar -xzpf - -C "$DEVPILOT_INCOMING"',
    ]);
    await pipeToStep(target, 'Unpacking', { command: unpack, environment }, source, job.signal);
    // Not cancelled from here on: it takes only a moment.
    await runStep(target, 'Swapping the directories', inDirectory(SWAP_SCRIPT));
  } catch (error) {
    await remove('DEVPILOT_INCOMING');
    throw error;
  }
  // The next restore removes what is left.
  await remove('DEVPILOT_BEFORE');
}

/** Copies the complete dump to the server before it is passed to the app's own command. */
async function restoreByCommand(target: AppTarget, id: string, source: BackupSource, job: RunningJob): Promise<void> {
  const { restoreCommand, interpreter } = backupSettingsOf(target.app);
  if (restoreCommand === null) throw new JobFailure('The app no longer has a restoreCommand.');
  const folder = `${target.app.directory ?? '/tmp'}/${incomingName(id)}`;
  const environment: DevpilotEnvironment = {
    DEVPILOT_DIRECTORY: target.app.directory ?? '',
    DEVPILOT_FOLDER: folder,
    DEVPILOT_SIZE: String(source.sizeBytes),
  };
  try {
    const receiveDump = shellScript([
      // Removes what interrupted restores left behind.
      '[ -z "$DEVPILOT_DIRECTORY" ] || rm -rf "$DEVPILOT_DIRECTORY"/.restore-res_*',
      'mkdir -m 700 "$DEVPILOT_FOLDER"',
      'umask 077',
      'cat > "$DEVPILOT_FOLDER/dump"',
      '[ "$(wc -c < "$DEVPILOT_FOLDER/dump")" -eq "$DEVPILOT_SIZE" ]',
    ]);
    await pipeToStep(target, 'Sending the dump', { command: receiveDump, environment }, source, job.signal);
    const restoring: Step = {
      // The command is passed in a file too, since the arguments of a process are visible to every user.
      command: shellCommand(`exec < "$DEVPILOT_FOLDER/dump" || exit 1\n${restoreCommand}`, interpreter),
      cwd: target.app.directory,
      environment: { ...target.environment, ...environment },
      secrets: target.secrets,
    };
    await runStep(target, 'The restore command', restoring, job.signal);
  } finally {
    await run(
      target.runTarget,
      { command: shellScript(['rm -rf "$DEVPILOT_FOLDER"']), environment, timeoutMs: SHORT_STEP_TIMEOUT_MS },
      job.fenceSignal,
    );
  }
}

async function executeRestore(context: PlatformContext, storage: Storage, job: RunningJob): Promise<undefined> {
  const { workspaceId, resourceId: id } = job;
  const { row, object } = await job.transaction(async (trx) => {
    const restore = await findWorkItem(trx, 'restore', workspaceId, id);
    const found = restore === undefined ? undefined : await findWorkItem(trx, 'backup', workspaceId, restore.backup_id);
    const stored = found === undefined ? undefined : await findStoredObject(trx, workspaceId, found.id);
    if (found === undefined || stored === undefined) throw new JobFailure('The backup was deleted.');
    await updateWorkItem(trx, 'restore', workspaceId, id, ['pending'], {
      status: 'processing',
      started_at: context.clock(),
    });
    return { row: found, object: stored };
  });
  const connections = createConnectionPool();
  try {
    const target = await resolveAppTarget(context, connections, workspaceId, row.app_id);
    const source = await verifyBackup(context, storage, object, row, job.signal);
    if (row.kind === 'directory') await restoreDirectory(target, id, source, job);
    else await restoreByCommand(target, id, source, job);
  } catch (error) {
    if (error instanceof StorageFailure) throw new JobFailure(error.message);
    if (!(error instanceof DamagedBackup)) throw error;
    const message = `${error.message} Nothing was restored.`;
    await job.transaction((trx) =>
      updateWorkItem(trx, 'backup', workspaceId, row.id, ['completed', 'failed'], {
        status: 'failed',
        error: error.message,
        updated_at: context.clock(),
      }),
    );
    throw new JobFailure(message);
  } finally {
    await connections.close();
  }
}

/**
 * The job kind of restores from one storage. If the node is lost, the restore has failed; the old state still exists.
 */
export function restoreJobKind(context: PlatformContext, storage: Storage): JobKind {
  return {
    name: restoreJobKindName(storage.name),
    resumable: false,
    run: (job) => executeRestore(context, storage, job),
    async finalize(trx, { workspaceId, resourceId: id }, { status, error, endedAt }) {
      const restore = await findWorkItem(trx, 'restore', workspaceId, id);
      const change = { status, error, finished_at: endedAt };
      if (restore === undefined || !(await updateWorkItem(trx, 'restore', workspaceId, id, ACTIVE_STATUSES, change)))
        return;
      const row = await findWorkItem(trx, 'backup', workspaceId, restore.backup_id);
      const target = { kind: 'backup', id: restore.backup_id, name: row?.app_name ?? '' } as const;
      const detail = { status, ...(error !== null && { error }) };
      await recordAuditEvent(
        trx,
        systemRequestContext(workspaceId),
        'backup.restore_finished',
        target,
        endedAt,
        detail,
      );
    },
  };
}
