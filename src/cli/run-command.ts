import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Failure } from './failure.ts';
import { stopListeningForInterrupts } from './interrupt.ts';
import { inheritedUmask } from './umask.ts';

/** Exit codes that shells use for a command that is not found or cannot be executed. */
const NOT_FOUND_EXIT_CODE = 127;
const NOT_EXECUTABLE_EXIT_CODE = 126;

const FORWARDED_SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
/** A terminal sends these signals to the whole foreground process group, so the command already receives them. */
const TERMINAL_SIGNALS = ['SIGINT', 'SIGQUIT'] as const;

/** How a command ended: with an exit code, or by a signal. */
export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

function spawnFailure(command: string, { code }: NodeJS.ErrnoException): Failure {
  if (code === 'ENOENT') return new Failure(`Command ${command} not found.`, NOT_FOUND_EXIT_CODE);
  if (code === 'EACCES') return new Failure(`${command} cannot be executed.`, NOT_EXECUTABLE_EXIT_CODE);
  if (code === 'E2BIG') return new Failure('The environment is too large for this system to pass to a command.');
  return new Failure(`${command} cannot be started: ${code ?? 'unknown'}.`);
}

/**
 * Runs a command without a shell, and forwards signals to it until it has ended. Throws `Failure` if it cannot be
 * started.
 */
export async function runCommand(
  [command = '', ...args]: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<CommandResult> {
  process.umask(inheritedUmask);
  stopListeningForInterrupts();
  // Registered before the command starts, so that no signal is lost. Handlers run in a later turn, when `child` is set.
  const forwardSignal = (signal: NodeJS.Signals) => child.kill(signal);
  const isTerminal = process.stdin.isTTY === true;
  for (const signal of FORWARDED_SIGNALS) process.on(signal, forwardSignal);
  for (const signal of TERMINAL_SIGNALS) process.on(signal, isTerminal ? () => {} : forwardSignal);
  const child = spawn(command, args, { env: environment, stdio: 'inherit' });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', (error) => reject(spawnFailure(command, error)));
    child.once('exit', (...result) => resolve(result));
  });
  return { code, signal };
}

/** Ends this process in the way that the command ended: with its exit code, or by its signal. */
export function exitLike({ code, signal }: CommandResult): void {
  for (const name of [...FORWARDED_SIGNALS, ...TERMINAL_SIGNALS]) process.removeAllListeners(name);
  if (signal === null) {
    process.exitCode = code ?? 1;
    return;
  }
  // If this process survives the signal, it exits with the code that a shell would use.
  process.exitCode = 128 + constants.signals[signal];
  process.kill(process.pid, signal);
}
