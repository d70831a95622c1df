import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { isControlVariable } from '../contract/control-variables.ts';
import { type Common, connect } from './connect.ts';
import { Failure } from './failure.ts';
import { leaveInterrupts } from './interrupt.ts';
import { note } from './output.ts';
import { inheritedUmask } from './umask.ts';

/** What a shell ends with where a command is not there, or is none. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

const PASSED_ON = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
/** A terminal sends these to everything in front of it, so the command has them already. */
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'] as const;

/** The credential opens the environment of apps; the command needs what is in it, not that. */
function inherited(): NodeJS.ProcessEnv {
  const { DEVPILOT_TOKEN: _token, DEVPILOT_PASSPHRASE: _passphrase, ...rest } = process.env;
  return rest;
}

function failureFor(command: string, { code }: NodeJS.ErrnoException): Failure {
  if (code === 'ENOENT') return new Failure(`There is no command ${command}.`, NOT_FOUND);
  if (code === 'EACCES') return new Failure(`${command} can not be executed.`, NOT_EXECUTABLE);
  if (code === 'E2BIG') return new Failure('The environment is larger than this system passes to a command.');
  return new Failure(`${command} can not be started: ${code ?? 'unknown'}.`);
}

/**
 * Runs a command that has an app's variables besides those of this process. Signals are passed on to it, and
 * this process ends as it did: with its exit code, or by its signal.
 */
export async function runWith(app: string, [command = '', ...args]: readonly string[], options: Common): Promise<void> {
  const { value } = await connect(options).environment.read(app, { values: 'shown' });
  // Whoever may set variables must not choose what runs here.
  const withheld = value.data.filter(({ name }) => isControlVariable(name)).map(({ name }) => name);
  if (withheld.length > 0) note(`Not passed, since they control how programs run: ${withheld.join(', ')}.`, options);
  const variables = Object.fromEntries(
    value.data.filter(({ name }) => !isControlVariable(name)).map(({ name, value: text }) => [name, text ?? '']),
  );
  process.umask(inheritedUmask);
  leaveInterrupts();
  const child = spawn(command, args, { env: { ...inherited(), ...variables }, stdio: 'inherit' });
  const passOn = (signal: NodeJS.Signals) => child.kill(signal);
  const atTerminal = process.stdin.isTTY === true;
  for (const signal of PASSED_ON) process.on(signal, passOn);
  for (const signal of FROM_TERMINAL) process.on(signal, atTerminal ? () => {} : passOn);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', (error) => reject(failureFor(command, error)));
    child.once('exit', (...ended) => resolve(ended));
  });
  for (const one of [...PASSED_ON, ...FROM_TERMINAL]) process.removeAllListeners(one);
  if (signal === null) {
    process.exitCode = code ?? 1;
    return;
  }
  // Should this process outlive the signal, it says what a shell would.
  process.exitCode = 128 + constants.signals[signal];
  process.kill(process.pid, signal);
}
