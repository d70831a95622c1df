import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { PERMISSIONS, SCOPES } from '../contract/vocabulary.ts';
import { Failure } from './failure.ts';
import { print } from './output.ts';

/** Completion candidates per command path: `tokens create` → its options. */
function completionsByPath(program: CommandUnknownOpts): Map<string, string[]> {
  const completions = new Map<string, string[]>();
  const visit = (command: CommandUnknownOpts, path: string) => {
    const options = command.options.filter(({ hidden }) => !hidden).map(({ long, short }) => long ?? short ?? '');
    const argument = command.registeredArguments[0]?.name();
    const values = argument === 'shell' ? Object.keys(SHELLS) : [];
    completions.set(path, [...command.commands.map((command) => command.name()), ...values, ...options, '--help']);
    for (const subcommand of command.commands)
      visit(subcommand, path === '' ? subcommand.name() : `${path} ${subcommand.name()}`);
  };
  visit(program, '');
  return completions;
}

/** Values of an option, for every command that has it. */
const OPTION_VALUES: Readonly<Record<string, readonly string[]>> = {
  '--scope': SCOPES,
  '--permission': PERMISSIONS,
  '--expires': ['30d', '90d', '1y', 'never'],
  '--sort': ['createdAt', 'name', 'expiresAt', 'lastUsedAt', 'useCount'],
};

const optionValueCases = (before: string, after: string) =>
  Object.entries(OPTION_VALUES)
    .map(([option, values]) => `    ${option}) ${before}${values.join(' ')}${after} ;;`)
    .join('\n');

/** Shell functions that determine which command was typed and offer its candidates. */
function bash(completions: ReadonlyMap<string, string[]>): string {
  const paths = [...completions.keys()].filter((path) => path !== '');
  return `# bash completion for devpilot: source <(devpilot completion bash)
_devpilot() {
  local word path="" words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${paths.map((path) => `"${path}"`).join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${[...completions].map(([path, list]) => `    "${path}") words="${list.join(' ')}" ;;`).join('\n')}
  esac
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
${optionValueCases('words="', '"')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _devpilot devpilot
`;
}

function zsh(completions: ReadonlyMap<string, string[]>): string {
  const paths = [...completions.keys()].filter((path) => path !== '');
  return `#compdef devpilot
# zsh completion for devpilot: devpilot completion zsh > "\${fpath[1]}/_devpilot"
_devpilot() {
  local word known=""
  local -a offered
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${known:+$known }$word" in
      ${paths
        .map((path) => `("${path}")`)
        .join('|')
        .replaceAll(')|(', '|')
        .replace(/^\(/, '(')} known="\${known:+$known }$word" ;;
    esac
  done
  case "$known" in
${[...completions].map(([path, list]) => `    ("${path}") offered=(${list.join(' ')}) ;;`).join('\n')}
  esac
  case "\${words[CURRENT-1]}" in
${optionValueCases('offered=(', ')')}
  esac
  compadd -- $offered
  _files
}
# In a directory of fpath, this file is the body of the function; when sourced, it defines and registers the function.
if [ "\${funcstack[1]}" = "_devpilot" ]; then _devpilot "$@"; else compdef _devpilot devpilot; fi
`;
}

function fish(completions: ReadonlyMap<string, string[]>): string {
  const valuesOf = (option: string) =>
    OPTION_VALUES[option] === undefined ? '' : ` -x -a '${OPTION_VALUES[option].join(' ')}'`;
  const lines = [...completions].flatMap(([path, list]) => {
    const condition = `__devpilot_at "${path}"`;
    return list.map((word) =>
      word.startsWith('--')
        ? `complete -c devpilot -n '${condition}' -l ${word.slice(2)}${valuesOf(word)}`
        : `complete -c devpilot -n '${condition}' -f -a ${word}`,
    );
  });
  const paths = [...completions.keys()].filter((path) => path !== '').map((path) => `"${path}"`);
  return `# fish completion for devpilot: devpilot completion fish > ~/.config/fish/completions/devpilot.fish
function __devpilot_at
  set -l known ""
  for word in (commandline -opc)[2..-1]
    set -l next (string trim -- "$known $word")
    contains -- "$next" ${paths.join(' ')}; and set known "$next"
  end
  test "$known" = "$argv[1]"
end
${lines.join('\n')}
`;
}

const SHELLS: Readonly<Record<string, (completions: ReadonlyMap<string, string[]>) => string>> = { bash, zsh, fish };

/** Prints the completion script for a shell, generated from the declared commands. */
export async function completion(shell: string, program: CommandUnknownOpts): Promise<void> {
  const write = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (write === undefined) throw new Failure(`Unknown shell ${shell}. Use one of: ${Object.keys(SHELLS).join(', ')}.`);
  await print(write(completionsByPath(program)));
}
