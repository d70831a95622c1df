import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { DEVPILOT_SECRETS_MASK } from './mask.ts';
import { createOutputReader, type StepOutput } from './output.ts';
import type { Step, StepOutcome } from './run.ts';
import { describeKnownRefusal, describeStartFailure, SSH_CONNECTION_FAILED } from './start-failure.ts';
import { buildKillScript, HEARTBEAT, HEARTBEAT_INTERVAL_MS, KILL_GRACE_MS } from './step-script.ts';
import { INITIAL_STATE, type StepAction, type StepEvent, type StepState, transition } from './step-state.ts';
import type { Transport } from './transport.ts';

/** Error of a step's output stream if the output may be incomplete. */
export class OutputTruncated extends Error {
  constructor(
    message = 'A process that the step left running holds its output open, so the end of the output is unknown.',
  ) {
    super(message);
    this.name = 'OutputTruncated';
  }
}

/** Maximum time for a step to start on a connected server; milliseconds. */
const START_TIMEOUT_MS = 30_000;
/** Maximum time for an account to end the session after it has printed that it runs no commands; milliseconds. */
const REFUSAL_GRACE_MS = 1_000;
/** After the step's end, background processes may keep printing until the output pauses for this long; milliseconds. */
const OUTPUT_IDLE_MS = 1_000;
/** Maximum time to read the output of background processes after the step's end; milliseconds. */
const MAX_OUTPUT_DRAIN_MS = 10_000;
const OUTPUT_HELD_OPEN_MESSAGE =
  'A process that the step left running holds its output open. Its further output is not stored.';
const OUTPUT_TRUNCATED_MESSAGE = 'The end of the output was not received.';
/** Maximum time to wait until the start of a step that is already being stopped is reported; milliseconds. */
const START_GRACE_MS = 2_000;
/** Maximum time to end a step, including the grace period of its process group; milliseconds. */
const STOP_TIMEOUT_MS = KILL_GRACE_MS + 10_000;

/** How a step ended; see `StepOutcome`. */
export type StepEnd = Pick<StepOutcome, 'exitCode' | 'timedOut' | 'cancelled' | 'problem'>;

type TimerName = 'start' | 'timeLimit' | 'heartbeat' | 'stop' | 'withdraw' | 'drain';

/**
 * The process of one step. Turns events of the process, the clock and the caller's signal into the events of
 * `step-state.ts`, and performs its actions.
 */
export class StepProcess {
  readonly #transport: Transport;
  readonly #step: Step;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #output: StepOutput;
  readonly #timers = new Map<TimerName, NodeJS.Timeout>();
  /** The step's standard input if it is a stream. No heartbeats are then sent. */
  readonly #input: Readable | null;
  #state: StepState = INITIAL_STATE;
  #timedOut = false;
  #cancelled = false;
  #lastOutputMs = performance.now();
  #isHeldOpen = false;
  #spawnFailure = '';
  /** Resolves when a process group that had to be killed separately has ended. */
  #groupKilled: Promise<void> = Promise.resolve();
  /** Resolves when the reader of the raw output has received all of it. */
  #rawOutputRead: Promise<unknown> = Promise.resolve();

  /** `nonce` must be the nonce of the script that `run` sends. */
  constructor(transport: Transport, step: Step, nonce: string) {
    this.#transport = transport;
    this.#step = step;
    this.#child = transport.openShell();
    this.#input = typeof step.stdin === 'object' ? step.stdin : null;
    this.#output = createOutputReader({
      nonce,
      mask: step.mask ?? DEVPILOT_SECRETS_MASK,
      limits: step.limits,
      onLine: (line) => step.onLine?.(line),
      onUnfinishedLine: step.onUnfinishedLine,
      onMarker: (name, value) => {
        if (name === 'started') this.#handle({ type: 'started', group: Number(value) });
        if (name === 'ended') this.#handle({ type: 'ended', exitCode: Number(value) });
      },
    });
  }

  /**
   * Sends the script, and resolves when the process has ended and its output is read. Call it once. It never rejects.
   */
  async run(script: string, signal?: AbortSignal): Promise<StepEnd> {
    const child = this.#child;
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    child.once('error', (error) => {
      this.#spawnFailure = error.message;
    });
    child.stdin.on('error', () => undefined);
    this.#input?.once('error', () => this.#stop());
    this.#readOutput();
    this.#setTimer('start', START_TIMEOUT_MS, () => this.#cutStreams());
    const cancel = () => {
      this.#cancelled = true;
      this.#stop();
    };
    signal?.addEventListener('abort', cancel, { once: true });
    child.stdin.write(script);
    const code = await closed;
    signal?.removeEventListener('abort', cancel);
    return this.#close(code);
  }

  #handle(event: StepEvent): void {
    const { state, actions } = transition(this.#state, event);
    this.#state = state;
    for (const action of actions) this.#actions[action]();
  }

  #stop(): void {
    this.#handle({ type: 'stop' });
  }

  readonly #actions: Readonly<Record<StepAction, () => void>> = {
    supervise: () => {
      const { timeoutMs } = this.#step;
      this.#clearTimer('start');
      if (this.#input === null) {
        const timer = setInterval(() => this.#child.stdin.write(HEARTBEAT), HEARTBEAT_INTERVAL_MS);
        this.#timers.set('heartbeat', timer);
      } else this.#input.pipe(this.#child.stdin);
      if (timeoutMs === undefined) return;
      this.#setTimer('timeLimit', timeoutMs, () => {
        this.#timedOut = true;
        this.#stop();
      });
    },
    /** Closes the streams if the server takes too long to end the process group. */
    startStopTimeout: () => {
      this.#clearTimer('heartbeat');
      this.#setTimer('stop', STOP_TIMEOUT_MS, () => this.#cutStreams());
    },
    /** The step may be starting right now. It is ended as soon as its start is reported. */
    withdraw: () => {
      if (this.#input === null) this.#child.stdin.end();
      const graceMs = this.#input === null ? START_GRACE_MS : STOP_TIMEOUT_MS;
      this.#setTimer('withdraw', graceMs, () => this.#state.group === null && this.#cutStreams());
    },
    endGroup: () => {
      const { group } = this.#state;
      this.#clearTimer('start');
      if (this.#input !== null && group !== null) {
        this.#input.unpipe(this.#child.stdin);
        this.#groupKilled = killProcessGroup(this.#transport, group, this.#step.runAs ?? null);
      }
      this.#child.stdin.destroy();
    },
    drain: () => {
      this.#clearTimer('heartbeat');
      if (this.#step.stdout === undefined) this.#cutAfterOutput(performance.now());
      else this.#cutAfterRawOutput(this.#step.stdout);
    },
  };

  #readOutput(): void {
    const { stdout, stderr } = this.#child;
    const recordOutputTime = () => {
      this.#lastOutputMs = performance.now();
    };
    stderr.on('data', recordOutputTime).on('data', this.#output.stderr.write);
    stdout.on('data', recordOutputTime);
    const reader = this.#step.stdout;
    if (reader === undefined) {
      stdout.on('data', this.#output.stdout.write).on('data', () => this.#endSessionIfRefused());
      return;
    }
    stdout.on('data', () => this.#endSessionIfRefused());
    stdout.pipe(this.#output.rawStdout).pipe(reader);
    // The reader has failed, so the step is ended.
    reader.once('error', () => {
      this.#output.rawStdout.destroy();
      stdout.resume();
      this.#stop();
    });
    this.#rawOutputRead = finished(reader, { readable: false }).catch(() => undefined);
  }

  /** Ends the session of an account that runs no commands early, because cloud images keep it open for ten seconds. */
  #endSessionIfRefused(): void {
    if (this.#state.group !== null) return;
    if (describeKnownRefusal(this.#output.banner()) === null) return;
    this.#setTimer('start', REFUSAL_GRACE_MS, () => this.#cutStreams());
  }

  /** Closes the streams after a pause in the raw output, unless a slow reader causes the pause. */
  #cutAfterRawOutput(reader: Writable): void {
    this.#setTimer('drain', STOP_TIMEOUT_MS, () => {
      const idleMs = performance.now() - this.#lastOutputMs;
      if (reader.writableNeedDrain || idleMs < STOP_TIMEOUT_MS) this.#cutAfterRawOutput(reader);
      else this.#cutStreams();
    });
  }

  /**
   * Closes the streams when the output pauses: for `OUTPUT_IDLE_MS` if the step's own output is complete, otherwise for
   * `STOP_TIMEOUT_MS`. If it is complete, the output of background processes is read for at most `MAX_OUTPUT_DRAIN_MS`.
   */
  #cutAfterOutput(sinceMs: number): void {
    this.#setTimer('drain', OUTPUT_IDLE_MS / 4, () => {
      const now = performance.now();
      const isComplete = this.#output.isComplete();
      const limitMs = isComplete ? OUTPUT_IDLE_MS : STOP_TIMEOUT_MS;
      const isOverdue = isComplete && now - sinceMs > MAX_OUTPUT_DRAIN_MS;
      if (now - this.#lastOutputMs < limitMs && !isOverdue) return this.#cutAfterOutput(sinceMs);
      this.#isHeldOpen = isComplete;
      this.#cutStreams();
    });
  }

  /** Kills the child and closes this end of the streams, even if background processes keep the other end open. */
  #cutStreams(): void {
    this.#child.kill('SIGKILL');
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }

  async #close(code: number | null): Promise<StepEnd> {
    this.#handle({ type: 'closed' });
    for (const name of this.#timers.keys()) this.#clearTimer(name);
    this.#flushOutput();
    await this.#groupKilled;
    const exitCode = this.#state.name === 'closed' ? this.#state.exitCode : null;
    if (exitCode === null && code === SSH_CONNECTION_FAILED) await this.#transport.waitUntilLost?.();
    await this.#transport.close();
    // The reader of the bytes must not mistake truncated output for complete output, or wait for more output.
    const { stdout } = this.#step;
    if (stdout !== undefined && !this.#child.stdout.readableEnded) stdout.destroy(new OutputTruncated());
    await this.#rawOutputRead;
    const isExplained = exitCode !== null || this.#cancelled || this.#timedOut;
    const problem = isExplained ? null : this.#describeProblem(code);
    return { exitCode, timedOut: this.#timedOut, cancelled: this.#cancelled, problem };
  }

  #flushOutput(): void {
    const isRaw = this.#step.stdout !== undefined;
    if (!isRaw) this.#output.stdout.flush();
    this.#output.stderr.flush();
    const isTruncated = this.#state.group !== null && !isRaw && !this.#output.isComplete();
    if (this.#isHeldOpen) this.#emitSystemLine(OUTPUT_HELD_OPEN_MESSAGE);
    else if (isTruncated) this.#emitSystemLine(OUTPUT_TRUNCATED_MESSAGE);
  }

  #emitSystemLine(text: string): void {
    this.#step.onLine?.({ at: Date.now(), stream: 'system', text });
  }

  #describeProblem(code: number | null): string {
    if (this.#state.group !== null) return 'The connection to the server was lost.';
    const failure = this.#spawnFailure;
    return describeStartFailure(code, failure === '' ? this.#output.banner() : { stdout: '', stderr: failure });
  }

  #setTimer(name: TimerName, delayMs: number, work: () => unknown): void {
    this.#clearTimer(name);
    this.#timers.set(name, setTimeout(work, delayMs));
  }

  #clearTimer(name: TimerName): void {
    clearTimeout(this.#timers.get(name));
  }
}

/** Ends a process group through a separate shell. Needed if the shell's standard input is the step's standard input. */
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
