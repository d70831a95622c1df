import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { redactSecrets } from '../../contract/redact.ts';
import { ConnectFailure, type Connection, connect } from './connection.ts';
import { BEAT, BEAT_EVERY, GRACE, ordersFor, ordersToKill } from './entry.ts';
import type { OutputLimits } from './lines.ts';
import { createMask, type Mask } from './mask.ts';
import { type OutputLine, readOutput } from './output.ts';
import { openLocal, type SshTarget } from './ssh.ts';

/** Where steps run: a server, or this machine itself where the operator allows it. */
export type Target = { readonly kind: 'local' } | SshPlace;
/** A server. `connect`: the connection that steps share (`Connections`); a step makes its own if not given. */
interface SshPlace extends SshTarget {
  readonly kind: 'ssh';
  readonly connect?: (signal?: AbortSignal) => Promise<Connection>;
}

export type { OutputLine } from './output.ts';

/** One process to run. Nothing of it ever stands on a command line of ours. */
export interface Step {
  /** The words of a command, or a text for an interpreter (a program and its options), which is given it as a file. */
  readonly command:
    | { readonly argv: readonly string[] }
    | { readonly interpreter: readonly string[]; readonly body: string };
  readonly environment?: Readonly<Record<string, string>>;
  /** An absolute path; the user's home if not given. */
  readonly cwd?: string | null;
  /** What its standard input gives: nothing if not given. A stream is piped as it comes. */
  readonly stdin?: string | Readable;
  /** Milliseconds from its start; no limit if not given. */
  readonly timeoutMs?: number;
  /** The user of the server who runs it, if it is not the one that signs in. */
  readonly runAs?: string | null;
  /** Values to be blotted out of every line, beside all secrets of ours. */
  readonly secrets?: Iterable<string> | Mask;
  readonly onLine?: (line: OutputLine) => void;
  /** Takes standard output as raw bytes, with back-pressure, instead of lines; it is ended with the step. */
  readonly stdout?: Writable;
  readonly limits?: OutputLimits;
}

/** What became of a step. */
export interface Outcome {
  /** As a shell tells it, 128 and more for a signal; null where it was not heard of the end. */
  readonly exitCode: number | null;
  /** The signal that the exit code tells of, such as `SIGKILL`. */
  readonly signal: string | null;
  readonly durationMs: number;
  readonly timedOut: boolean;
  readonly cancelled: boolean;
  /** Why it is not known how it ended: nothing was reached, or the connection was lost. In words for people. */
  readonly problem: string | null;
}

/** What a step's output is ended with where its own end is not known. */
export class OutputCut extends Error {
  constructor(message = 'What it left running holds its output open, so nobody knows where that ends.') {
    super(message);
    this.name = 'OutputCut';
  }
}

/** How shells that read orders are started where a step runs. */
interface Way {
  open(): ChildProcessWithoutNullStreams;
  /** Of a connection that others share: see `Connection`. */
  whenLost?(): Promise<void>;
  close(): Promise<void>;
}

/** Throws `ConnectFailure`, and the signal's reason. */
async function openWay(target: Target, signal?: AbortSignal): Promise<Way> {
  const nothing = () => Promise.resolve();
  if (target.kind === 'local') return { open: openLocal, close: nothing };
  if (target.connect !== undefined) {
    const { open, whenLost } = await target.connect(signal);
    return { open, whenLost, close: nothing };
  }
  return connect(target, signal);
}

/** A step may take so long to start on a server that is connected to; milliseconds. */
const START_WITHIN = 30_000;
/** What the step left running may go on to print for so long after the last of it; milliseconds. */
const QUIET = 1_000;
/** And for so long altogether. */
const QUIET_WITHIN = 10_000;
const HELD_OPEN =
  'A process that the step left running holds its output open. What it prints from here on is not kept.';
const CUT_SHORT = 'The end of the output was not received: what came after this is missing.';
/** How long a step that was not heard of is waited for when it is to end. */
const UNHEARD = 2_000;
/** Beside the time that the process group is given to end. */
const STOP_WITHIN = GRACE + 10_000;

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

function linesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replace(/[^\x20-\x7e]/g, '').trim());
  return lines.filter((line) => line !== '').map((line) => redactSecrets(line).slice(0, 500));
}
const firstLine = (text: string): string => linesOf(text)[0] ?? '';
const lastLine = (text: string): string => linesOf(text).at(-1) ?? '';

/** What OpenSSH's client exits with when it is the connection that failed. */
const SSH_FAILED = 255;

/** Why a step was never started, in the server's own words where it said something. */
function whyNotStarted(code: number | null, greeting: { readonly stdout: string; readonly stderr: string }): string {
  // Over a connection that is lost, the client says so first and then of what else it tried.
  const words = firstLine(greeting.stderr) || lastLine(greeting.stdout);
  if (code === null || code === SSH_FAILED)
    return words === '' ? 'The server did not start the step in time.' : `The server did not start the step: ${words}`;
  const said = lastLine(greeting.stdout) || words;
  const account =
    'Signed in, but this account does not run commands (a nologin shell, SFTP only, or another user is meant).';
  return said === '' ? account : `${account} The server said: ${said}`;
}

function isMask(secrets: Iterable<string> | Mask): secrets is Mask {
  return typeof secrets === 'function';
}

/**
 * Runs a step to its end, of its own or by the signal, which ends all of its process group wherever it
 * runs. What the step leaves running in the background when it ends well is left alone. Should this
 * process die or freeze, the step is ended by the server within `SILENCE_SECONDS` (unless its standard
 * input is a stream, which ends then). Never rejects; throws `TypeError` for what no process can be given.
 */
export async function run(target: Target, step: Step, signal?: AbortSignal): Promise<Outcome> {
  const started = performance.now();
  const nonce = randomBytes(12).toString('hex');
  const stdin = step.stdin ?? 'beats';
  const isStream = typeof stdin === 'object';
  const runAs = step.runAs ?? null;
  const orders = ordersFor({
    nonce,
    command: step.command,
    environment: step.environment ?? {},
    cwd: step.cwd ?? null,
    stdin: isStream ? 'stream' : step.stdin === undefined ? 'beats' : { text: step.stdin as string },
    runAs,
  });
  const facts = { exitCode: null as number | null, timedOut: false, cancelled: false, problem: null as string | null };
  const outcome = (): Outcome => ({
    ...facts,
    signal: facts.exitCode === null ? null : (SIGNALS.get(facts.exitCode - 128) ?? null),
    durationMs: Math.round(performance.now() - started),
  });
  let way: Way;
  try {
    signal?.throwIfAborted();
    way = await openWay(target, signal);
  } catch (error) {
    // Whoever reads its output learns that there is none.
    step.stdout?.destroy(new OutputCut('The step was not started.'));
    if (error instanceof ConnectFailure) return { ...outcome(), problem: error.message };
    if (signal?.aborted) return { ...outcome(), cancelled: true };
    throw error;
  }
  const child = way.open();
  const secrets = step.secrets ?? [];
  const mask = isMask(secrets) ? secrets : createMask(secrets);
  let group: number | null = null;
  let ended = false;
  let failedToSpawn = '';

  return await new Promise<Outcome>((resolve) => {
    const timers: NodeJS.Timeout[] = [];
    let beats: NodeJS.Timeout | undefined;
    let stopping = false;
    let settled = false;
    let moved = performance.now();
    let heldOpen = false;
    let killing: Promise<void> = Promise.resolve();
    const tell = (text: string) => step.onLine?.({ at: Date.now(), stream: 'system', text });
    const output = readOutput({
      nonce,
      mask,
      limits: step.limits,
      onLine: (line) => step.onLine?.(line),
      onMark,
    });

    /** Ends our end of it, whoever may still hold the other one. */
    function cut(): void {
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
    }
    /** Cuts when nothing has come for a while, which a reader that is slow to take it does not cause. */
    function cutWhenIdle(reader: Writable): void {
      const timer = setTimeout(() => {
        if (reader.writableNeedDrain || performance.now() - moved < STOP_WITHIN) cutWhenIdle(reader);
        else cut();
      }, STOP_WITHIN);
      timers.push(timer);
    }
    /** Waits for the end of the lines: for all that the step wrote, and a moment for what it left running. */
    function cutWhenQuiet(since: number): void {
      const timer = setTimeout(() => {
        const now = performance.now();
        const limit = output.isComplete() ? QUIET : STOP_WITHIN;
        const overdue = output.isComplete() && now - since > QUIET_WITHIN;
        if (now - moved < limit && !overdue) return cutWhenQuiet(since);
        heldOpen = output.isComplete();
        cut();
      }, QUIET / 4);
      timers.push(timer);
    }
    function endGroup(known: number): void {
      if (isStream) {
        stdin.unpipe(child.stdin);
        killing = killGroup(way, known, runAs);
      }
      child.stdin.destroy();
    }
    /** Asks for the end of the process group; the server sees to it. Beyond patience, the connection is cut. */
    function stop(): void {
      if (stopping || settled) return;
      stopping = true;
      clearInterval(beats);
      timers.push(setTimeout(cut, STOP_WITHIN));
      if (group === null) {
        // It may be beginning at this moment, and is ended as soon as that is heard of.
        if (!isStream) child.stdin.end();
        timers.push(setTimeout(() => group === null && cut(), isStream ? STOP_WITHIN : UNHEARD));
        return;
      }
      endGroup(group);
    }
    function cancel(): void {
      facts.cancelled = true;
      stop();
    }
    function onMark(word: string, value: string): void {
      if (word === 'started' && group === null) {
        group = Number(value);
        clearTimeout(startTimer);
        if (stopping) {
          endGroup(group);
          return;
        }
        if (isStream) stdin.pipe(child.stdin);
        else beats = setInterval(() => child.stdin.write(BEAT), BEAT_EVERY);
        if (step.timeoutMs !== undefined) {
          const late = setTimeout(() => {
            facts.timedOut = true;
            stop();
          }, step.timeoutMs);
          timers.push(late);
        }
      }
      if (word === 'ended') {
        ended = true;
        facts.exitCode = Number(value);
        clearInterval(beats);
        if (step.stdout === undefined) cutWhenQuiet(performance.now());
        else cutWhenIdle(step.stdout);
      }
    }
    const startTimer = setTimeout(cut, START_WITHIN);
    timers.push(startTimer);

    const onData = () => {
      moved = performance.now();
    };
    child.stderr.on('data', onData).on('data', output.stderr.write);
    child.stdout.on('data', onData);
    let drained: Promise<unknown> = Promise.resolve();
    if (step.stdout === undefined) child.stdout.on('data', output.stdout.write);
    else {
      child.stdout.pipe(output.bytes).pipe(step.stdout);
      // Who reads it went away: nothing more is of use to anybody.
      step.stdout.once('error', () => {
        output.bytes.destroy();
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
      settled = true;
      for (const timer of timers) clearTimeout(timer);
      clearInterval(beats);
      signal?.removeEventListener('abort', cancel);
      if (step.stdout === undefined) output.stdout.flush();
      output.stderr.flush();
      if (heldOpen) tell(HELD_OPEN);
      else if (group !== null && step.stdout === undefined && !output.isComplete()) tell(CUT_SHORT);
      await killing;
      if (!ended && code === SSH_FAILED) await way.whenLost?.();
      await way.close();
      // Whoever takes it as bytes must not take what was cut off for all of it, nor wait for the rest.
      if (step.stdout !== undefined && !child.stdout.readableEnded) step.stdout.destroy(new OutputCut());
      await drained;
      if (!ended && !facts.cancelled && !facts.timedOut) {
        const greeting = failedToSpawn === '' ? output.greeting() : { stdout: '', stderr: failedToSpawn };
        facts.problem = group === null ? whyNotStarted(code, greeting) : 'The connection to the server was lost.';
      }
      resolve(outcome());
    });
    signal?.addEventListener('abort', cancel, { once: true });
    child.stdin.write(orders);
  });
}

/** Ends a process group by a shell of its own, where the step's standard input is in other use. */
function killGroup(way: Way, group: number, runAs: string | null): Promise<void> {
  return new Promise<void>((resolve) => {
    const child = way.open();
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN);
    for (const stream of [child.stdout, child.stderr]) stream.resume();
    child.stdin.on('error', () => undefined);
    child.once('error', () => undefined);
    child.once('close', () => {
      clearTimeout(late);
      resolve();
    });
    child.stdin.end(ordersToKill(group, runAs));
  });
}
