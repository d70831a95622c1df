import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { redactSecrets } from '../contract/redact.ts';
import type { OutputLimits } from './line-splitter.ts';
import { createMask, type Mask } from './mask.ts';
import { createOutputReader, type OutputLine } from './output.ts';
import { openLocalShell, type SshTarget } from './ssh.ts';
import { type Connection, connect, SshConnectFailure } from './ssh-connection.ts';
import { buildKillScript, buildStepScript, HEARTBEAT, HEARTBEAT_INTERVAL_MS, KILL_GRACE_MS } from './step-script.ts';

/** Where steps run: a server, or this machine where the operator allows it. */
export type RunTarget = { readonly kind: 'local' } | SshRunTarget;
/**
 * A server. `connect` returns the connection that steps share (`ConnectionPool`); without it, each step opens its own.
 */
interface SshRunTarget extends SshTarget {
  readonly kind: 'ssh';
  readonly connect?: (signal?: AbortSignal) => Promise<Connection>;
}

export type { OutputLine } from './output.ts';

/** A process to run. None of its contents appear on a command line of ours. */
export interface Step {
  /**
   * The arguments of a command, or a script body for an interpreter (a program and its options), which receives it as
   * a file.
   */
  readonly command:
    | { readonly argv: readonly string[] }
    | { readonly interpreter: readonly string[]; readonly body: string };
  readonly environment?: Readonly<Record<string, string>>;
  /** An absolute path; the user's home directory if omitted. */
  readonly cwd?: string | null;
  /** Standard input; empty if omitted. A stream is piped as it arrives. */
  readonly stdin?: string | Readable;
  /** Maximum duration in milliseconds; unlimited if omitted. */
  readonly timeoutMs?: number;
  /** The user to run it as, if not the one who logs in. */
  readonly runAs?: string | null;
  /** Values to mask in every line, in addition to Devpilot's own secrets. */
  readonly secrets?: Iterable<string> | Mask;
  readonly onLine?: (line: OutputLine) => void;
  /** Receives standard output as raw bytes, with back-pressure, instead of lines; it is ended with the step. */
  readonly stdout?: Writable;
  readonly limits?: OutputLimits;
}

/** The outcome of a step. */
export interface StepOutcome {
  /** As a shell reports it, 128 plus the number for a signal; null if the end of the step is unknown. */
  readonly exitCode: number | null;
  /** The signal that the exit code stands for, such as `SIGKILL`. */
  readonly signal: string | null;
  readonly durationMs: number;
  readonly timedOut: boolean;
  readonly cancelled: boolean;
  /** Why the outcome is unknown: no server was reached, or the connection was lost. A message for users. */
  readonly problem: string | null;
}

/** Error of a step's output stream if the output may be incomplete. */
export class OutputTruncated extends Error {
  constructor(message = 'A process that it left running holds its output open, so the end of the output is unknown.') {
    super(message);
    this.name = 'OutputTruncated';
  }
}

/** How shells that run our scripts are started where a step runs. */
interface Transport {
  openShell(): ChildProcessWithoutNullStreams;
  /** For a shared connection: see `Connection`. */
  waitUntilLost?(): Promise<void>;
  close(): Promise<void>;
}

/** Throws `SshConnectFailure`, and the signal's reason. */
async function openTransport(target: RunTarget, signal?: AbortSignal): Promise<Transport> {
  const noop = () => Promise.resolve();
  if (target.kind === 'local') return { openShell: openLocalShell, close: noop };
  if (target.connect !== undefined) {
    const { openShell: open, waitUntilLost: whenLost } = await target.connect(signal);
    return { openShell: open, waitUntilLost: whenLost, close: noop };
  }
  return connect(target, signal);
}

/** Maximum time for a step to start on a connected server; milliseconds. */
const START_TIMEOUT_MS = 30_000;
/** After the step's end, background processes may keep printing until the output pauses for this long; milliseconds. */
const OUTPUT_IDLE_MS = 1_000;
/** Maximum time to read that output; milliseconds. */
const MAX_OUTPUT_DRAIN_MS = 10_000;
const OUTPUT_HELD_OPEN_MESSAGE =
  'A process that the step left running holds its output open. Its further output is not stored.';
const OUTPUT_TRUNCATED_MESSAGE = 'The end of the output was not received: the rest is missing.';
/** How long to wait for a step whose start has not been reported when it must end; milliseconds. */
const START_GRACE_MS = 2_000;
/** Maximum time to end a step, beyond the grace period of its process group; milliseconds. */
const STOP_TIMEOUT_MS = KILL_GRACE_MS + 10_000;

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

function printableLines(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replace(/[^\x20-\x7e]/g, '').trim());
  return lines.filter((line) => line !== '').map((line) => redactSecrets(line).slice(0, 500));
}
const firstPrintableLine = (text: string): string => printableLines(text)[0] ?? '';
const lastPrintableLine = (text: string): string => printableLines(text).at(-1) ?? '';

/** Exit code of OpenSSH's client if the connection failed. */
const SSH_CONNECTION_FAILED = 255;

/** Describes why a step did not start, with the server's message if there is one. */
function describeStartFailure(
  code: number | null,
  banner: { readonly stdout: string; readonly stderr: string },
): string {
  // On a lost connection, the client prints that first, and then its other attempts.
  const serverMessage = firstPrintableLine(banner.stderr) || lastPrintableLine(banner.stdout);
  if (code === null || code === SSH_CONNECTION_FAILED)
    return serverMessage === ''
      ? 'The server did not start the step in time.'
      : `The server did not start the step: ${serverMessage}`;
  const serverReply = lastPrintableLine(banner.stdout) || serverMessage;
  const explanation =
    'Signed in, but this account does not run commands (a nologin shell, SFTP only, or the wrong user).';
  return serverReply === '' ? explanation : `${explanation} The server said: ${serverReply}`;
}

function isMask(secrets: Iterable<string> | Mask): secrets is Mask {
  return typeof secrets === 'function';
}

/**
 * Runs a step until it ends by itself or the signal ends its whole process group. Background processes of a step that
 * ends normally are left running. If this process dies or freezes, the server ends the step within
 * `HEARTBEAT_TIMEOUT_SECONDS` (unless its standard input is a stream, which then ends). Never rejects; throws
 * `TypeError` for what no process can receive.
 */
export async function run(target: RunTarget, step: Step, signal?: AbortSignal): Promise<StepOutcome> {
  const startedAtMs = performance.now();
  const nonce = randomBytes(12).toString('hex');
  const stdin = step.stdin ?? 'beats';
  const isStream = typeof stdin === 'object';
  const runAs = step.runAs ?? null;
  const script = buildStepScript({
    nonce,
    command: step.command,
    environment: step.environment ?? {},
    cwd: step.cwd ?? null,
    stdin: isStream ? 'stream' : step.stdin === undefined ? 'beats' : { text: step.stdin as string },
    runAs,
  });
  const result = { exitCode: null as number | null, timedOut: false, cancelled: false, problem: null as string | null };
  const outcome = (): StepOutcome => ({
    ...result,
    signal: result.exitCode === null ? null : (SIGNAL_NAMES.get(result.exitCode - 128) ?? null),
    durationMs: Math.round(performance.now() - startedAtMs),
  });
  let transport: Transport;
  try {
    signal?.throwIfAborted();
    transport = await openTransport(target, signal);
  } catch (error) {
    // Tells the reader of the output that there is none.
    step.stdout?.destroy(new OutputTruncated('The step was not started.'));
    if (error instanceof SshConnectFailure) return { ...outcome(), problem: error.message };
    if (signal?.aborted) return { ...outcome(), cancelled: true };
    throw error;
  }
  const child = transport.openShell();
  const secrets = step.secrets ?? [];
  const mask = isMask(secrets) ? secrets : createMask(secrets);
  let processGroup: number | null = null;
  let hasEnded = false;
  let failedToSpawn = '';

  return await new Promise<StepOutcome>((resolve) => {
    const timers: NodeJS.Timeout[] = [];
    let heartbeatTimer: NodeJS.Timeout | undefined;
    let isStopping = false;
    let isClosed = false;
    let lastOutputMs = performance.now();
    let isHeldOpen = false;
    let killDone: Promise<void> = Promise.resolve();
    const emitSystemLine = (text: string) => step.onLine?.({ at: Date.now(), stream: 'system', text });
    const output = createOutputReader({
      nonce,
      mask,
      limits: step.limits,
      onLine: (line) => step.onLine?.(line),
      onMarker: onMark,
    });

    /** Kills the child and closes our end of the streams, even if background processes hold the other. */
    function cutStreams(): void {
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
    }
    /** Closes the streams after a pause in the output, unless a slow reader causes the pause. */
    function cutWhenIdle(reader: Writable): void {
      const timer = setTimeout(() => {
        if (reader.writableNeedDrain || performance.now() - lastOutputMs < STOP_TIMEOUT_MS) cutWhenIdle(reader);
        else cutStreams();
      }, STOP_TIMEOUT_MS);
      timers.push(timer);
    }
    /** Waits for the complete output of the step, and briefly for that of its background processes. */
    function cutWhenQuiet(since: number): void {
      const timer = setTimeout(() => {
        const now = performance.now();
        const limit = output.isComplete() ? OUTPUT_IDLE_MS : STOP_TIMEOUT_MS;
        const overdue = output.isComplete() && now - since > MAX_OUTPUT_DRAIN_MS;
        if (now - lastOutputMs < limit && !overdue) return cutWhenQuiet(since);
        isHeldOpen = output.isComplete();
        cutStreams();
      }, OUTPUT_IDLE_MS / 4);
      timers.push(timer);
    }
    function endGroup(groupId: number): void {
      if (isStream) {
        stdin.unpipe(child.stdin);
        killDone = killProcessGroup(transport, groupId, runAs);
      }
      child.stdin.destroy();
    }
    /** Requests the end of the process group from the server, and closes the connection if that takes too long. */
    function stop(): void {
      if (isStopping || isClosed) return;
      isStopping = true;
      clearInterval(heartbeatTimer);
      timers.push(setTimeout(cutStreams, STOP_TIMEOUT_MS));
      if (processGroup === null) {
        // The step may be starting right now; it is then ended as soon as that is reported.
        if (!isStream) child.stdin.end();
        timers.push(
          setTimeout(() => processGroup === null && cutStreams(), isStream ? STOP_TIMEOUT_MS : START_GRACE_MS),
        );
        return;
      }
      endGroup(processGroup);
    }
    function cancel(): void {
      result.cancelled = true;
      stop();
    }
    function onMark(word: string, value: string): void {
      if (word === 'started' && processGroup === null) {
        processGroup = Number(value);
        clearTimeout(startTimer);
        if (isStopping) {
          endGroup(processGroup);
          return;
        }
        if (isStream) stdin.pipe(child.stdin);
        else heartbeatTimer = setInterval(() => child.stdin.write(HEARTBEAT), HEARTBEAT_INTERVAL_MS);
        if (step.timeoutMs !== undefined) {
          const timeoutTimer = setTimeout(() => {
            result.timedOut = true;
            stop();
          }, step.timeoutMs);
          timers.push(timeoutTimer);
        }
      }
      if (word === 'ended') {
        hasEnded = true;
        result.exitCode = Number(value);
        clearInterval(heartbeatTimer);
        if (step.stdout === undefined) cutWhenQuiet(performance.now());
        else cutWhenIdle(step.stdout);
      }
    }
    const startTimer = setTimeout(cutStreams, START_TIMEOUT_MS);
    timers.push(startTimer);

    const onData = () => {
      lastOutputMs = performance.now();
    };
    child.stderr.on('data', onData).on('data', output.stderr.write);
    child.stdout.on('data', onData);
    let drained: Promise<unknown> = Promise.resolve();
    if (step.stdout === undefined) child.stdout.on('data', output.stdout.write);
    else {
      child.stdout.pipe(output.rawStdout).pipe(step.stdout);
      // The reader is gone, so the rest of the step is useless.
      step.stdout.once('error', () => {
        output.rawStdout.destroy();
        child.stdout.resume();
        stop();
      });
      drained = finished(step.stdout, { readable: false }).catch(() => undefined);
    }
    if (isStream) stdin.once('error', stop);
    child.stdin.on('error', () => undefined);
    child.once('error', (error) => {
      failedToSpawn = error.message;
    });
    child.once('close', async (code) => {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
      clearInterval(heartbeatTimer);
      signal?.removeEventListener('abort', cancel);
      if (step.stdout === undefined) output.stdout.flush();
      output.stderr.flush();
      if (isHeldOpen) emitSystemLine(OUTPUT_HELD_OPEN_MESSAGE);
      else if (processGroup !== null && step.stdout === undefined && !output.isComplete())
        emitSystemLine(OUTPUT_TRUNCATED_MESSAGE);
      await killDone;
      if (!hasEnded && code === SSH_CONNECTION_FAILED) await transport.waitUntilLost?.();
      await transport.close();
      // The reader of the bytes must not mistake truncated output for complete output, nor wait for the rest.
      if (step.stdout !== undefined && !child.stdout.readableEnded) step.stdout.destroy(new OutputTruncated());
      await drained;
      if (!hasEnded && !result.cancelled && !result.timedOut) {
        const banner = failedToSpawn === '' ? output.banner() : { stdout: '', stderr: failedToSpawn };
        result.problem =
          processGroup === null ? describeStartFailure(code, banner) : 'The connection to the server was lost.';
      }
      resolve(outcome());
    });
    signal?.addEventListener('abort', cancel, { once: true });
    child.stdin.write(script);
  });
}

/** Ends a process group through a separate shell, because the step uses standard input itself. */
function killProcessGroup(transport: Transport, processGroup: number, runAs: string | null): Promise<void> {
  return new Promise<void>((resolve) => {
    const child = transport.openShell();
    const timeoutTimer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    for (const stream of [child.stdout, child.stderr]) stream.resume();
    child.stdin.on('error', () => undefined);
    child.once('error', () => undefined);
    child.once('close', () => {
      clearTimeout(timeoutTimer);
      resolve();
    });
    child.stdin.end(buildKillScript(processGroup, runAs));
  });
}
