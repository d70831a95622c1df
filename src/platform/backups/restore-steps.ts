import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { DevpilotEnvironment } from '../../contract/control-variables.ts';
import { MINUTE } from '../../contract/limits.ts';
import { JobFailure, type RunningJob } from '../../jobs/jobs.ts';
import { run, type Step } from '../../runner/run.ts';
import { shellCommand } from '../../runner/shell-command.ts';
import { type AppTarget, createLastLines, outcomeFailure } from './app-target.ts';
import { backupSettingsOf } from './backup-record.ts';
import type { BackupSource } from './verified-source.ts';

/** Timeout for steps that only rename and remove files. */
const SHORT_STEP_TIMEOUT_MS = 30 * MINUTE;

const shellScript = (lines: readonly string[]): Step['command'] => ({
  interpreter: ['/bin/sh'],
  body: `set -eu\n${lines.join('\n')}\n`,
});

/**
 * Names of temporary entries in the app's directory. They start with a dot, so that they are not mistaken for the app's
 * own files. They are on the same file system as `shared/`, so that a rename is enough to swap them.
 */
const incomingName = (id: string) => `.restore-${id}`;
const scratchName = (id: string) => `.verify-${id}`;
const previousName = (id: string) => `.before-${id}`;

/** Reverts an incomplete swap, and removes the temporary directories of interrupted restores. */
const CLEANUP_SCRIPT = [
  // The directory may not exist yet on another server.
  'mkdir -p "$DEVPILOT_DIRECTORY"',
  'cd "$DEVPILOT_DIRECTORY"',
  'for old in .before-res_*; do',
  '  if [ -d "$old" ] && [ ! -e shared ] && [ ! -L shared ]; then mv "$old" shared; fi',
  'done',
  'rm -rf .restore-res_* .before-res_*',
];
/** Performs both renames or neither. Ignores signals, so that it is not interrupted between the renames. */
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
 * Pipes a backup to a step's standard input. If reading the backup fails, throws that error instead of the resulting
 * failure of the step.
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
  // Without a listener, an error of the stream would end the process.
  input.on('error', () => undefined);
  bytes.once('error', (error) => {
    sourceError = error;
    input.destroy(error);
  });
  bytes.pipe(input);
  try {
    await runStep(target, description, { ...stepToRun, stdin: input }, signal);
    // A step may stop reading early; the remaining bytes must still be verified.
    bytes.unpipe(input);
    if (!bytes.readableEnded) await finished(bytes.resume());
  } catch (error) {
    throw sourceError ?? error;
  } finally {
    bytes.destroy();
  }
}

/** Extracts the archive next to `shared/`, swaps the two directories, and then removes the previous one. */
export async function restoreDirectory(
  target: AppTarget,
  id: string,
  source: BackupSource,
  job: RunningJob,
): Promise<void> {
  const { directory } = target.app;
  if (directory === null) throw new JobFailure('The app no longer has a directory.');
  const environment = {
    DEVPILOT_DIRECTORY: directory,
    DEVPILOT_INCOMING: incomingName(id),
    DEVPILOT_BEFORE: previousName(id),
    LC_ALL: 'C',
  };
  const shortStep = (lines: readonly string[]): Step => ({
    command: shellScript(lines),
    environment,
    timeoutMs: SHORT_STEP_TIMEOUT_MS,
  });
  await runStep(target, 'Cleaning up', shortStep(CLEANUP_SCRIPT), job.signal);
  const remove = (variable: 'DEVPILOT_INCOMING' | 'DEVPILOT_BEFORE') =>
    run(target.runTarget, shortStep(['cd "$DEVPILOT_DIRECTORY"', `rm -rf "$${variable}"`]), job.fenceSignal);
  try {
    const unpack = shellScript([
      'cd "$DEVPILOT_DIRECTORY"',
      'mkdir -m 700 "$DEVPILOT_INCOMING"',
      'exec tar -xzpf - -C "$DEVPILOT_INCOMING"',
    ]);
    await pipeToStep(target, 'Unpacking', { command: unpack, environment }, source, job.signal);
    // Without a signal: the step is short, and must not be interrupted.
    await runStep(target, 'Swapping the directories', shortStep(SWAP_SCRIPT));
  } catch (error) {
    await remove('DEVPILOT_INCOMING');
    throw error;
  }
  // If this fails, the next restore removes the directory.
  await remove('DEVPILOT_BEFORE');
}

/** A command of the app that reads a dump, which is the output of its backup command. */
interface DumpCommand {
  readonly command: string;
  readonly description: string;
  /** Name of the temporary folder for the dump. */
  readonly folderName: string;
}

/** Copies the complete dump to the server, then passes it to the command on standard input. */
async function runWithDump(
  target: AppTarget,
  { command, description, folderName }: DumpCommand,
  source: BackupSource,
  job: RunningJob,
): Promise<void> {
  const { directory } = target.app;
  const folder = `${directory ?? '/tmp'}/${folderName}`;
  const environment: DevpilotEnvironment = {
    DEVPILOT_DIRECTORY: directory ?? '',
    DEVPILOT_FOLDER: folder,
    DEVPILOT_SIZE: String(source.sizeBytes),
  };
  try {
    const receiveDump = shellScript([
      'if [ -n "$DEVPILOT_DIRECTORY" ]; then',
      '  mkdir -p "$DEVPILOT_DIRECTORY"',
      // Removes the temporary folders of interrupted restores and verifications.
      '  rm -rf "$DEVPILOT_DIRECTORY"/.restore-res_* "$DEVPILOT_DIRECTORY"/.verify-res_*',
      'fi',
      'mkdir -m 700 "$DEVPILOT_FOLDER"',
      'umask 077',
      'cat > "$DEVPILOT_FOLDER/dump"',
      '[ "$(wc -c < "$DEVPILOT_FOLDER/dump")" -eq "$DEVPILOT_SIZE" ]',
    ]);
    await pipeToStep(target, 'Sending the dump', { command: receiveDump, environment }, source, job.signal);
    const commandStep: Step = {
      command: shellCommand(command, backupSettingsOf(target.app).interpreter),
      stdinPath: `${folder}/dump`,
      cwd: directory,
      environment: { ...target.environment, ...environment },
      mask: target.mask,
    };
    await runStep(target, description, commandStep, job.signal);
  } finally {
    await run(
      target.runTarget,
      { command: shellScript(['rm -rf "$DEVPILOT_FOLDER"']), environment, timeoutMs: SHORT_STEP_TIMEOUT_MS },
      job.fenceSignal,
    );
  }
}

export function restoreByCommand(target: AppTarget, id: string, source: BackupSource, job: RunningJob): Promise<void> {
  const { restoreCommand: command } = backupSettingsOf(target.app);
  if (command === null) throw new JobFailure('The app no longer has a restoreCommand.');
  const dumpCommand = { command, description: 'The restore command', folderName: incomingName(id) };
  return runWithDump(target, dumpCommand, source, job);
}

/** Passes the dump to the verification command, which may use the folder `DEVPILOT_FOLDER`. */
export function verifyByCommand(
  target: AppTarget,
  command: string,
  id: string,
  source: BackupSource,
  job: RunningJob,
): Promise<void> {
  const dumpCommand = { command, description: 'The verification command', folderName: scratchName(id) };
  return runWithDump(target, dumpCommand, source, job);
}

/**
 * Compares the unpacked files with the archive. Owners are ignored, because they differ if an unprivileged user
 * unpacks. Only GNU tar can compare; with another tar, it is sufficient that unpacking succeeded.
 */
const COMPARE_SCRIPT = [
  'cd "$DEVPILOT_DIRECTORY"',
  'case "$(tar --version 2>/dev/null)" in *"GNU tar"*) ;; *) cat > /dev/null; exit 0 ;; esac',
  'tar -dzf - -C "$DEVPILOT_FOLDER" > "$DEVPILOT_FOLDER.differences" 2>&1 && exit 0',
  '[ -s "$DEVPILOT_FOLDER.differences" ] || { echo "tar failed" >&2; exit 1; }',
  '! grep -vE \': (Uid|Gid) differs$\' "$DEVPILOT_FOLDER.differences" >&2',
];

/** Unpacks the archive into a scratch directory next to `shared/`, compares each entry, and removes the directory. */
export async function verifyDirectory(
  target: AppTarget,
  directory: string,
  id: string,
  source: BackupSource,
  job: RunningJob,
): Promise<void> {
  const environment = { DEVPILOT_DIRECTORY: directory, DEVPILOT_FOLDER: scratchName(id), LC_ALL: 'C' };
  const script = (lines: readonly string[]): Step => ({ command: shellScript(lines), environment });
  try {
    const unpack = [
      'cd "$DEVPILOT_DIRECTORY"',
      'rm -rf .verify-res_*',
      'mkdir -m 700 "$DEVPILOT_FOLDER"',
      'exec tar -xzpf - -C "$DEVPILOT_FOLDER"',
    ];
    await pipeToStep(target, 'Unpacking', script(unpack), source, job.signal);
    await pipeToStep(target, 'Comparing the files', script(COMPARE_SCRIPT), source, job.signal);
  } finally {
    const remove = ['cd "$DEVPILOT_DIRECTORY"', 'rm -rf "$DEVPILOT_FOLDER" "$DEVPILOT_FOLDER.differences"'];
    await run(target.runTarget, { ...script(remove), timeoutMs: SHORT_STEP_TIMEOUT_MS }, job.fenceSignal);
  }
}
