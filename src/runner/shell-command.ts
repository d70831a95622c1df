import type { CommandInterpreter } from '../contract/platform-vocabulary.ts';
import { shebangOf } from '../contract/shebang.ts';

const INTERPRETER_ARGV: Readonly<Record<CommandInterpreter, readonly string[]>> = {
  '/bin/sh': ['/bin/sh'],
  '/bin/bash': ['/bin/bash', '-o', 'pipefail'],
};

const isShell = (path: string): path is CommandInterpreter => path in INTERPRETER_ARGV;

/**
 * Returns a command that runs `body` with the selected shell or, if none is selected, with the interpreter that its
 * first line (`#!`) names; `/bin/sh` if it names none.
 */
export function shellCommand(body: string, interpreter?: CommandInterpreter) {
  const selected = interpreter ?? shebangOf(body) ?? '/bin/sh';
  return { interpreter: isShell(selected) ? INTERPRETER_ARGV[selected] : selected.split(' '), body };
}
