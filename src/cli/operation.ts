import { setTimeout as wait } from 'node:timers/promises';
import type { LogLine } from '../contract/logs.ts';
import type { WorkStatus } from '../contract/platform-vocabulary.ts';
import { DevpilotError } from '../sdk/errors.ts';
import { EXIT_CODES, Failure, isTransient } from './failure.ts';
import { onInterrupt } from './interrupt.ts';
import { dim, type OutputOptions, print, printNote, sanitizeInline } from './output.ts';
import { startProgress } from './progress.ts';
import { sanitizeJson, sanitizeLine, sanitizeStyledLine } from './sanitize.ts';

/**
 * Work that the server performs in the background: a deployment, a run, or a backup with its restore and verification.
 */
export interface Operation {
  readonly id: string;
  readonly status: WorkStatus;
  readonly error: string | null;
}

export interface WatchOptions extends OutputOptions {
  /** Print the log until the operation ends. */
  readonly follow: true | undefined;
  /** Wait until the operation ends. */
  readonly wait: true | undefined;
}

const FINISHED_STATUSES: ReadonlySet<WorkStatus> = new Set(['completed', 'failed', 'cancelled']);
export const POLL_INTERVAL_MS = 1000;
/** Maximum number of consecutive failed polls. They take at least 30 seconds, longer than a restart of the server. */
export const MAX_FAILED_POLLS = 30;
/** Exit code that shells report for a command interrupted by Ctrl-C. */
const INTERRUPTED_EXIT_CODE = 130;

interface LogOptions {
  readonly json?: true | undefined;
  /** Prefix each line with its time. */
  readonly timestamps?: true | undefined;
  /** Print unmodified lines, including control sequences for terminals and commands for build systems. */
  readonly raw?: true | undefined;
  /** Print to standard error, because the result is printed to standard output. */
  readonly toStderr?: boolean;
  /** Omit the headings of steps, because the log has no steps, or only one. */
  readonly hideSteps?: boolean;
}

/** Returns a line formatter: a heading precedes the output of each step, and messages of Devpilot are dimmed. */
function createLineFormatter(
  stream: NodeJS.WriteStream,
  { timestamps, hideSteps, raw }: LogOptions,
): (line: LogLine) => string {
  const passThrough = (text: string) => text;
  const sanitize = raw === true ? passThrough : sanitizeLine;
  const sanitizeOutput = raw !== true && hasColors(stream) ? sanitizeStyledLine : sanitize;
  const dimmed = stream === process.stdout ? dim : passThrough;
  const servers = new Set<string>();
  let lastHeading = '';
  return ({ at, stream: lineStream, step, serverId, text }) => {
    if (serverId !== null) servers.add(serverId);
    const heading = [hideSteps === true ? null : step, servers.size > 1 ? serverId : null]
      .filter((part) => part !== null)
      .join(' on ');
    const headingLine = heading === lastHeading || heading === '' ? '' : `${dimmed(`── ${sanitize(heading)}`)}\n`;
    if (heading !== '') lastHeading = heading;
    const message = lineStream === 'system' ? dimmed(sanitize(text)) : sanitizeOutput(text);
    return `${headingLine}${timestamps === true ? `${at} ` : ''}${message}\n`;
  };
}

/** Returns whether the stream is a terminal that supports colors, and `NO_COLOR` is not set. */
const hasColors = (stream: NodeJS.WriteStream): boolean => stream.isTTY === true && stream.hasColors();

const ERASE_LINE = '\r\u001b[K';

/** Formats an incomplete line for the last row of the terminal, where the next line overwrites it. */
function formatUnfinishedLine(text: string, columns: number): string {
  return `${ERASE_LINE}${[...sanitizeLine(text)].slice(0, Math.max(0, columns - 1)).join('')}`;
}

function printToStderr(text: string): Promise<void> {
  return new Promise((resolve) => process.stderr.write(text, () => resolve()));
}

function formatJsonLine(line: LogLine, { raw }: LogOptions): string {
  const json = JSON.stringify(line);
  return `${raw === true ? json : sanitizeJson(json)}\n`;
}

/** Prints a log while it is received: as text, or as NDJSON with `json`. */
export async function printLog(lines: AsyncIterable<LogLine>, options: LogOptions): Promise<void> {
  const toStderr = options.toStderr === true;
  const format = createLineFormatter(toStderr ? process.stderr : process.stdout, options);
  const isTerminal = options.json !== true && !toStderr && process.stdout.isTTY === true;
  let isLineUnfinished = false;
  for await (const line of lines) {
    if (line.partial === true) {
      if (!isTerminal) continue;
      await print(formatUnfinishedLine(line.text, process.stdout.columns));
      isLineUnfinished = true;
      continue;
    }
    if (isLineUnfinished) await print(ERASE_LINE);
    isLineUnfinished = false;
    const text = options.json === true && !toStderr ? formatJsonLine(line, options) : format(line);
    await (toStderr ? printToStderr(text) : print(text));
  }
  if (isLineUnfinished) await print(ERASE_LINE);
}

export interface WatchedOperation<Item extends Operation> {
  /** Label, such as `Deployment dpl_…`. */
  readonly name: string;
  /** Command with which the user can check on the operation. */
  readonly followUpCommand: string;
  get(): Promise<Item>;
  logs?(): AsyncIterable<LogLine>;
  /** Returns a message about what the operation is waiting for; null if it is not waiting. */
  waitingNote?(operation: Item): string | null;
  isFinished?(operation: Item): boolean;
}

async function pollUntilFinished<Item extends Operation>(
  watched: WatchedOperation<Item>,
  options: OutputOptions,
): Promise<Item> {
  const isFinished = watched.isFinished ?? (({ status }: Item) => FINISHED_STATUSES.has(status));
  const progress = startProgress(`${watched.name} …`, options.quiet);
  let lastNote: string | null = null;
  try {
    for (let failedPolls = 0; ; await wait(POLL_INTERVAL_MS)) {
      let operation: Item;
      try {
        operation = await watched.get();
        failedPolls = 0;
      } catch (error) {
        if (!isTransient(error) || ++failedPolls > MAX_FAILED_POLLS) throw error;
        continue;
      }
      if (isFinished(operation)) return operation;
      const waitingNote = watched.waitingNote?.(operation) ?? null;
      if (waitingNote !== null && waitingNote !== lastNote) {
        progress.clear();
        printNote(waitingNote, options);
      }
      lastNote = waitingNote;
      progress.update(`${watched.name}: ${operation.status} …`);
    }
  } finally {
    progress.end();
  }
}

/**
 * Waits until the operation ends, printing its log with `follow`. When interrupted, prints the command with which to
 * check on the operation, and exits. If the credential is not allowed to read the log, waits without printing it.
 */
export async function waitForOperation<Item extends Operation>(
  watched: WatchedOperation<Item>,
  options: OutputOptions & Partial<WatchOptions>,
): Promise<Item> {
  const stopListening = onInterrupt(() => {
    printNote(`\n${watched.name} continues on the server. Check on it with: ${watched.followUpCommand}`, options);
    process.exit(INTERRUPTED_EXIT_CODE);
  });
  try {
    if (options.follow === true && watched.logs !== undefined) {
      await printLog(watched.logs(), { toStderr: options.json === true }).catch((error: unknown) => {
        if (!(error instanceof DevpilotError) || error.status !== 403) throw error;
        printNote(`This credential cannot read the log. Waiting for the result of ${watched.name}.`, options);
      });
    }
    return await pollUntilFinished(watched, options);
  } finally {
    stopListening();
  }
}

/**
 * Throws `Failure` if the operation failed or was cancelled. If `exitCode`, the exit code of the operation, is
 * positive, the command exits with it too.
 */
export function requireCompleted(
  name: string,
  { status, error }: Omit<Operation, 'id'>,
  exitCode: number | null = null,
): void {
  if (status === 'completed') return;
  const reason = error ?? (exitCode === null ? null : `exit code ${exitCode}`);
  const sentence = `${name} ${status === 'cancelled' ? 'was cancelled' : 'failed'}`;
  const defaultExitCode = status === 'cancelled' ? EXIT_CODES.cancelled : EXIT_CODES.failed;
  const commandExitCode = exitCode !== null && exitCode > 0 ? exitCode : defaultExitCode;
  throw new Failure(`${sentence}${reason === null ? '.' : `: ${sanitizeInline(reason)}`}`, commandExitCode);
}
