import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { isControlVariable } from '../contract/control-variables.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { Failure } from './failure.ts';
import { stopListeningForInterrupts } from './interrupt.ts';
import { printNote } from './output.ts';
import { inheritedUmask } from './umask.ts';

/** Exit codes of a shell for a command that is not found or cannot be executed. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

const FORWARDED_SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
/** A terminal sends these signals to the whole foreground process group, so the command already receives them. */
const TERMINAL_SIGNALS = ['SIGINT', 'SIGQUIT'] as const;

/**
 * Removed from the environment of the command: it needs the variables of the app, not the credential that reads them.
 */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  const { DEVPILOT_TOKEN: _token, DEVPILOT_PASSPHRASE: _passphrase, ...rest } = process.env;
  return rest;
}

function spawnFailure(command: string, { code }: NodeJS.ErrnoException): Failure {
  if (code === 'ENOENT') return new Failure(`Command ${command} not found.`, NOT_FOUND);
  if (code === 'EACCES') return new Failure(`${command} cannot be executed.`, NOT_EXECUTABLE);
  if (code === 'E2BIG') return new Failure('The environment is too large for this system to pass to a command.');
  return new Failure(`${command} cannot be started: ${code ?? 'unknown'}.`);
}

/**
 * Runs a command with the variables of an app added to the environment. Signals are forwarded to the command, and
 * this process ends the same way: with its exit code, or by its signal.
 */
export async function runWithEnvironment(
  app: string,
  [command = '', ...args]: readonly string[],
  options: RemoteOptions,
): Promise<void> {
  const { value } = await connect(options).environment.read(app, { values: 'shown' });
  // A person who may set variables must not be able to choose which program runs here.
  const withheld = value.data.filter(({ name }) => isControlVariable(name)).map(({ name }) => name);
  if (withheld.length > 0)
    printNote(
      `Not passed because they control how programs run or are set by Devpilot: ${withheld.join(', ')}.`,
      options,
    );
  const variables = Object.fromEntries(
    value.data.filter(({ name }) => !isControlVariable(name)).map(({ name, value: text }) => [name, text ?? '']),
  );
  process.umask(inheritedUmask);
  stopListeningForInterrupts();
  const child = spawn(command, args, { env: { ...inheritedEnvironment(), ...variables }, stdio: 'inherit' });
  const forwardSignal = (signal: NodeJS.Signals) => child.kill(signal);
  const isTerminal = process.stdin.isTTY === true;
  for (const signal of FORWARDED_SIGNALS) process.on(signal, forwardSignal);
  for (const signal of TERMINAL_SIGNALS) process.on(signal, isTerminal ? () => {} : forwardSignal);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', (error) => reject(spawnFailure(command, error)));
    child.once('exit', (...ended) => resolve(ended));
  });
  for (const signal of [...FORWARDED_SIGNALS, ...TERMINAL_SIGNALS]) process.removeAllListeners(signal);
  if (signal === null) {
    process.exitCode = code ?? 1;
    return;
  }
  // If this process survives the signal, it exits with the code that a shell would use.
  process.exitCode = 128 + constants.signals[signal];
  process.kill(process.pid, signal);
}
