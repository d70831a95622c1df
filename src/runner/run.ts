import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import type { OutputLimits } from './line-splitter.ts';
import type { Mask } from './mask.ts';
import type { OutputLine } from './output.ts';
import { SshConnectFailure } from './ssh-connection.ts';
import { OutputTruncated, type StepEnd, StepProcess } from './step-process.ts';
import { buildStepScript, type StepScriptOptions } from './step-script.ts';
import { openTransport, type RunTarget, type Transport } from './transport.ts';

export type { OutputLine } from './output.ts';
export { OutputTruncated } from './step-process.ts';
export type { RunTarget } from './transport.ts';

/** A process to run. Only `runAs` and the arguments of the command itself appear on a command line. */
export interface Step {
  /**
   * The arguments of a command, or a script body for an interpreter (a program and its options), which receives it as
   * a file.
   */
  readonly command:
    | { readonly argv: readonly string[] }
    | { readonly interpreter: readonly string[]; readonly body: string };
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * An absolute path, or several paths, of which the first that exists is used. If omitted, or if none of several
   * exists: the home directory of the user who logs in; for a local target, `/`.
   */
  readonly cwd?: string | readonly string[] | null;
  /**
   * Files that exist only while the step runs, by name. They are in a directory that only the step's user can read, in
   * memory if the server has `/dev/shm`. The environment variable named `variable` contains the path of the directory.
   */
  readonly files?: { readonly variable: string; readonly contents: Readonly<Record<string, string>> };
  /** Standard input; empty if omitted. A stream is piped as it arrives. */
  readonly stdin?: string | Readable;
  /** The absolute path of a file on the target that becomes standard input, instead of `stdin`. */
  readonly stdinPath?: string;
  /** Maximum duration in milliseconds; unlimited if omitted. */
  readonly timeoutMs?: number;
  /** The user to run the step as, if not the user who logs in. */
  readonly runAs?: string | null;
  /** Hides secrets in every line. Without a mask, only Devpilot's own secrets are hidden. */
  readonly mask?: Mask;
  readonly onLine?: (line: OutputLine) => void;
  /** Receives unfinished lines, such as progress bars and prompts, each time they have changed. */
  readonly onUnfinishedLine?: (line: OutputLine) => void;
  /**
   * Receives standard output as raw bytes instead of lines, with back-pressure. The stream is ended when the step ends,
   * or destroyed with `OutputTruncated` if the output may be incomplete.
   */
  readonly stdout?: Writable;
  readonly limits?: OutputLimits;
}

/** The outcome of a step. */
export interface StepOutcome {
  /**
   * The exit code as a shell reports it: 128 plus the number of the signal if a signal ended the step. Null if the step
   * was not started, or its end is unknown.
   */
  readonly exitCode: number | null;
  /** The signal that the exit code stands for, such as `SIGKILL`. */
  readonly signal: string | null;
  readonly durationMs: number;
  readonly timedOut: boolean;
  readonly cancelled: boolean;
  /**
   * Why the step did not start or its end is unknown, such as a lost connection; otherwise null. A message for users.
   */
  readonly problem: string | null;
}

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

const NOT_STARTED: StepEnd = { exitCode: null, timedOut: false, cancelled: false, problem: null };

function stdinOf(stdin: Step['stdin'], path: string | undefined): StepScriptOptions['stdin'] {
  if (path !== undefined) return { path };
  if (typeof stdin === 'object') return 'stream';
  return stdin === undefined ? 'heartbeats' : { text: stdin };
}

/**
 * Runs a step until it ends by itself, or until its timeout or the abort signal ends its whole process group.
 * Background processes of a step that ends by itself are left running. If Devpilot's process ends or freezes, the
 * server starts to end the step within `HEARTBEAT_TIMEOUT_SECONDS`. If the step's standard input is a stream, no
 * heartbeats are sent, and the server only ends the stream. A failure is part of the outcome. Rejects with `TypeError`
 * for values that no process can receive.
 */
export async function run(target: RunTarget, step: Step, signal?: AbortSignal): Promise<StepOutcome> {
  const startedAtMs = performance.now();
  const { stdin, stdinPath, command, environment = {}, cwd = null, files = null, runAs = null } = step;
  const nonce = randomBytes(12).toString('hex');
  const script = buildStepScript({
    nonce,
    command,
    environment,
    cwd,
    files,
    stdin: stdinOf(stdin, stdinPath),
    runAs,
  });
  const toOutcome = (end: StepEnd): StepOutcome => ({
    ...end,
    signal: end.exitCode === null ? null : (SIGNAL_NAMES.get(end.exitCode - 128) ?? null),
    durationMs: Math.round(performance.now() - startedAtMs),
  });
  let transport: Transport;
  try {
    signal?.throwIfAborted();
    transport = await openTransport(target, signal);
  } catch (error) {
    // Informs the reader of the output that there is no output.
    step.stdout?.destroy(new OutputTruncated('The step was not started.'));
    if (error instanceof SshConnectFailure) return toOutcome({ ...NOT_STARTED, problem: error.message });
    if (signal?.aborted) return toOutcome({ ...NOT_STARTED, cancelled: true });
    throw error;
  }
  // If the signal was aborted while the connection was opened, it emits no further event.
  if (signal?.aborted) {
    step.stdout?.destroy(new OutputTruncated('The step was not started.'));
    await transport.close();
    return toOutcome({ ...NOT_STARTED, cancelled: true });
  }
  return toOutcome(await new StepProcess(transport, step, nonce).run(script, signal));
}
