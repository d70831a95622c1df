import { setTimeout as wait } from 'node:timers/promises';
import type { LogLine } from '../contract/log-line.ts';
import type { WorkStatus } from '../contract/words.ts';
import { DevpilotError } from '../sdk/errors.ts';
import { EXIT, Failure, isPassing } from './failure.ts';
import { harmless, harmlessJson } from './harmless.ts';
import { onInterrupt } from './interrupt.ts';
import { dim, note, type OutputOptions, plain, print } from './output.ts';
import { startProgress } from './progress.ts';

/** What takes time on the server: a deployment, a run, a backup. */
export interface Work {
  readonly id: string;
  readonly status: WorkStatus;
  readonly error: string | null;
}

export interface WatchOptions extends OutputOptions {
  /** Until it is over, with all it says. */
  readonly follow?: true;
  /** Until it is over. */
  readonly wait?: true;
}

const OVER: ReadonlySet<WorkStatus> = new Set(['completed', 'failed', 'cancelled']);
const POLL = 1000;
/** Answers in a row that may be missing: a server starts anew in less. */
const MISSED = 30;
/** What a shell says of a command that Ctrl-C has ended. */
const INTERRUPTED = 130;

interface LogOptions {
  readonly json?: true | undefined;
  /** The time before each line. */
  readonly timestamps?: true | undefined;
  /** Lines as they came, with whatever a terminal or a build system obeys. */
  readonly raw?: true | undefined;
  /** To standard error, for the answer is something else. */
  readonly aside?: boolean;
  /** Whether it has but one step, whose name says nothing. */
  readonly stepless?: boolean;
}

/** How a line is shown: what a step said under the step's name, what Devpilot says of it dimmed. */
function lineShower(stream: NodeJS.WriteStream, { timestamps, stepless, raw }: LogOptions): (line: LogLine) => string {
  const clean = raw === true ? (text: string) => text : harmless;
  const quietly = stream === process.stdout ? dim : (text: string) => text;
  const servers = new Set<string>();
  let last = '';
  return ({ at, stream: from, step, serverId, text }) => {
    if (serverId !== null) servers.add(serverId);
    const place = [stepless === true ? null : step, servers.size > 1 ? serverId : null]
      .filter((one) => one !== null)
      .join(' on ');
    const head = place === last || place === '' ? '' : `${quietly(`── ${clean(place)}`)}\n`;
    if (place !== '') last = place;
    const said = from === 'system' ? quietly(clean(text)) : clean(text);
    return `${head}${timestamps === true ? `${at} ` : ''}${said}\n`;
  };
}

function writeError(text: string): Promise<void> {
  return new Promise((resolve) => process.stderr.write(text, () => resolve()));
}

function jsonLine(line: LogLine, { raw }: LogOptions): string {
  const json = JSON.stringify(line);
  return `${raw === true ? json : harmlessJson(json)}\n`;
}

/** Prints a log as it comes: text, or with `json` NDJSON. */
export async function printLog(lines: AsyncIterable<LogLine>, options: LogOptions): Promise<void> {
  const aside = options.aside === true;
  const show = lineShower(aside ? process.stderr : process.stdout, options);
  for await (const line of lines) {
    const text = options.json === true && !aside ? jsonLine(line, options) : show(line);
    await (aside ? writeError(text) : print(text));
  }
}

export interface Watched<One extends Work> {
  /** What it is called, such as `Deployment dpl_…`. */
  readonly name: string;
  /** How to see more of it later. */
  readonly later: string;
  get(): Promise<One>;
  logs?(): AsyncIterable<LogLine>;
  /** What somebody has to do so that it goes on; null for nothing. */
  waitsFor?(work: One): string | null;
  isOver?(work: One): boolean;
}

async function untilOver<One extends Work>(watched: Watched<One>, options: WatchOptions): Promise<One> {
  const isOver = watched.isOver ?? (({ status }: One) => OVER.has(status));
  const progress = startProgress(`${watched.name} …`, options.quiet);
  let told: string | null = null;
  try {
    for (let missed = 0; ; await wait(POLL)) {
      let work: One;
      try {
        work = await watched.get();
        missed = 0;
      } catch (error) {
        if (!isPassing(error) || ++missed > MISSED) throw error;
        continue;
      }
      if (isOver(work)) return work;
      const waitsFor = watched.waitsFor?.(work) ?? null;
      if (waitsFor !== null && waitsFor !== told) {
        progress.clear();
        note(waitsFor, options);
      }
      told = waitsFor;
      progress.say(`${watched.name}: ${work.status} …`);
    }
  } finally {
    progress.end();
  }
}

/**
 * Stays until it is over, with `follow` printing what it says; interrupted, it says how to come back. A
 * credential that may not read the log waits without it.
 */
export async function watch<One extends Work>(watched: Watched<One>, options: WatchOptions): Promise<One> {
  const listenNoMore = onInterrupt(() => {
    note(`\n${watched.name} goes on. To see more of it: ${watched.later}`, options);
    process.exit(INTERRUPTED);
  });
  try {
    if (options.follow === true && watched.logs !== undefined) {
      await printLog(watched.logs(), { aside: options.json === true }).catch((error: unknown) => {
        if (!(error instanceof DevpilotError) || error.status !== 403) throw error;
        note(`This credential may not read the log. Waiting until ${watched.name} is over.`, options);
      });
    }
    return await untilOver(watched, options);
  } finally {
    listenNoMore();
  }
}

/** Fails as the work did: with its own exit code where it has one. */
export function endAs(name: string, { status, error }: Omit<Work, 'id'>, exitCode: number | null = null): void {
  if (status === 'completed') return;
  const why = error ?? (exitCode === null ? null : `exit code ${exitCode}`);
  const ended = `${name} ${status === 'cancelled' ? 'was cancelled' : 'failed'}`;
  const code = exitCode !== null && exitCode > 0 ? exitCode : status === 'cancelled' ? EXIT.cancelled : EXIT.failed;
  throw new Failure(`${ended}${why === null ? '.' : `: ${plain(why)}`}`, code);
}
