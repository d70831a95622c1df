import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The measured process and the load generator run on different cores. */
export const SERVER_CORE = '0';
export const LOAD_CORE = '1';
export const ALL_CORES = `0-${cpus().length - 1}`;

export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** Milliseconds from spawning the process until it printed its URL. */
  readonly startupMs: number;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const runningProcesses = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of runningProcesses) child.kill('SIGKILL');
});

/** Starts a script of the repository, by default on the server's core, and waits until it prints its URL. */
export async function startServerProcess(
  script: string,
  options: {
    args?: readonly string[];
    directory?: string;
    environment?: Readonly<Record<string, string>>;
    cores?: string;
  } = {},
): Promise<ServerProcess> {
  const startMs = performance.now();
  const path = fileURLToPath(new URL(`../../${script}`, import.meta.url));
  const child = spawn(
    'taskset',
    ['-c', options.cores ?? SERVER_CORE, process.execPath, path, ...(options.args ?? [])],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        PORT: '0',
        LOG_LEVEL: 'error',
        ...(options.directory !== undefined && { DEVPILOT_DATA_DIR: options.directory }),
        ...options.environment,
      },
    },
  );
  runningProcesses.add(child);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      runningProcesses.delete(child);
      resolve();
    });
  });
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const printedUrl = /(http:\/\/127\.0\.0\.1:\d+)\n/.exec(output)?.[1];
      if (printedUrl !== undefined) resolve(printedUrl);
    });
    child.once('close', (code) =>
      reject(new Error(`${script} exited with code ${code} before it printed its URL: ${output}`)),
    );
    child.once('error', reject);
  });
  return {
    url,
    pid: child.pid ?? 0,
    startupMs: performance.now() - startMs,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await ended;
    },
  };
}

/** Returns the current and the peak resident memory of a process in mebibytes. */
export function readMemoryMib(pid: number): { currentMib: number; peakMib: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? Number.NaN) / 1024;
  return { currentMib: read('VmRSS'), peakMib: read('VmHWM') };
}

/** Runs a command and resolves to its output. Rejects if the command fails. */
export function run(command: string, args: readonly string[], cwd?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(cwd !== undefined && { cwd }) });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${command} exited with code ${code}: ${errors}${output}`)),
    );
  });
}

/** Returns the fields of `/proc/PID/stat` from the third on. */
function readStat(pid: number): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field, the process name, can contain spaces and ends with the last parenthesis.
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
}

const CLOCK_TICKS_PER_SECOND = 100;
/** Indexes in the result of `readStat` (fields 14 to 17 of proc(5)); each pair is user time and system time. */
const OWN_TIMES_INDEX = 11;
const EXITED_CHILDREN_TIMES_INDEX = 13;

function readTimesSeconds(pid: number, index: number): number {
  const [user = Number.NaN, system = Number.NaN] = readStat(pid).slice(index, index + 2);
  return (user + system) / CLOCK_TICKS_PER_SECOND;
}

/** Returns the processor time of a process in seconds, including all its threads and kernel time. */
export function readProcessorSeconds(pid: number): number {
  return readTimesSeconds(pid, OWN_TIMES_INDEX);
}

/** Returns the process IDs of a process and its children. */
function listFamily(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return [pid, ...(children === '' ? [] : children.split(' ').map(Number))];
}

/** Returns the processor time of a process and its children in seconds, including children that have exited. */
export function readFamilyProcessorSeconds(pid: number): number {
  let seconds = readTimesSeconds(pid, EXITED_CHILDREN_TIMES_INDEX);
  for (const member of listFamily(pid)) {
    try {
      seconds += readProcessorSeconds(member);
    } catch {
      // The child has exited; the processor time of its parent now includes its own.
    }
  }
  return seconds;
}

/** Pins a process and its children to these cores. Later children inherit the setting. */
export async function pin(pid: number, cores: string): Promise<void> {
  for (const member of listFamily(pid)) {
    await run('taskset', ['-a', '-c', '-p', cores, String(member)]).catch((error: unknown) => {
      if (existsSync(`/proc/${member}`)) throw error;
    });
  }
}
