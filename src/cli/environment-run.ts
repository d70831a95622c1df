import { isControlVariable } from '../contract/control-variables.ts';
import type { RemoteOptions } from './connect.ts';
import { withClient } from './exchange-token.ts';
import { withoutIdentityTokens } from './identity-token.ts';
import { printNote } from './output.ts';
import { exitLike, runCommand } from './run-command.ts';

/** Returns the environment of this process without the CLI's own credentials, which the command does not need. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  const { DEVPILOT_TOKEN: _token, DEVPILOT_PASSPHRASE: _passphrase, ...environment } = process.env;
  return withoutIdentityTokens(environment);
}

/**
 * Runs a command with the variables of an app added to the environment. Signals are forwarded to the command, and
 * this process ends the same way: with its exit code, or by its signal.
 */
export async function runWithEnvironment(
  app: string,
  command: readonly string[],
  options: RemoteOptions,
): Promise<void> {
  const { value } = await withClient(options, (client) => client.environment.read(app, { values: 'shown' }));
  // A person who may set variables must not be able to choose which program runs here.
  const withheld = value.data.filter(({ name }) => isControlVariable(name)).map(({ name }) => name);
  if (withheld.length > 0)
    printNote(
      `Not passed to the command, because they control how programs run or are set by Devpilot: ${withheld.join(', ')}.`,
      options,
    );
  const variables = Object.fromEntries(
    value.data.filter(({ name }) => !isControlVariable(name)).map(({ name, value: text }) => [name, text ?? '']),
  );
  exitLike(await runCommand(command, { ...inheritedEnvironment(), ...variables }));
}
