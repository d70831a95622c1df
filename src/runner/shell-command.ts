import type { CommandInterpreter } from '../contract/platform-vocabulary.ts';

const INTERPRETER_ARGV: Readonly<Record<CommandInterpreter, readonly string[]>> = {
  '/bin/sh': ['/bin/sh'],
  '/bin/bash': ['/bin/bash', '-o', 'pipefail'],
};

/** Returns a command that runs `body` with the selected shell. */
export const shellCommand = (body: string, interpreter: CommandInterpreter = '/bin/sh') => ({
  interpreter: INTERPRETER_ARGV[interpreter],
  body,
});
