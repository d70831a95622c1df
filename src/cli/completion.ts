import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { ASSIGNABLE_ROLES, PERMISSIONS, SCOPES } from '../contract/vocabulary.ts';
import { COMPLETE_VALUES, type ValueKind } from './complete-values.ts';
import { Failure } from './failure.ts';
import { print } from './output.ts';

/** Returns the completion candidates per command path: for `tokens create`, its options. */
function completionsByPath(program: CommandUnknownOpts): Map<string, string[]> {
  const completions = new Map<string, string[]>();
  const visit = (command: CommandUnknownOpts, path: string) => {
    const options = command.options.filter(({ hidden }) => !hidden).map(({ long, short }) => long ?? short ?? '');
    const argument = command.registeredArguments[0]?.name();
    const values = argument === 'shell' ? Object.keys(SHELLS) : [];
    const subcommands = command.commands.filter((subcommand) => subcommand.name() !== COMPLETE_VALUES);
    completions.set(path, [...subcommands.map((subcommand) => subcommand.name()), ...values, ...options, '--help']);
    for (const subcommand of subcommands)
      visit(subcommand, path === '' ? subcommand.name() : `${path} ${subcommand.name()}`);
  };
  visit(program, '');
  return completions;
}

/** Paths of the commands whose first argument names a resource, by kind of resource. */
type PathsByKind = readonly (readonly [ValueKind, readonly string[]])[];

/** Kind of resource that the first argument of a command names, per argument name. */
const ARGUMENT_KINDS: Readonly<Record<string, ValueKind>> = {
  app: 'apps',
  apps: 'apps',
  project: 'projects',
  projects: 'projects',
  server: 'servers',
  servers: 'servers',
  script: 'scripts',
  scripts: 'scripts',
  token: 'tokens',
  tokens: 'tokens',
  key: 'keys',
  keys: 'keys',
  webhook: 'webhooks',
  webhooks: 'webhooks',
  identity: 'identities',
  identities: 'identities',
};
/** Kind of resource that the value of an option names. */
const OPTION_KINDS: Readonly<Record<string, ValueKind>> = {
  '--app': 'apps',
  '--project': 'projects',
  '--server': 'servers',
};

function pathsByKind(program: CommandUnknownOpts): PathsByKind {
  const paths = new Map<ValueKind, string[]>();
  const visit = (command: CommandUnknownOpts, path: string) => {
    const kind = ARGUMENT_KINDS[command.registeredArguments[0]?.name() ?? ''];
    if (kind !== undefined) paths.set(kind, [...(paths.get(kind) ?? []), path]);
    for (const subcommand of command.commands) visit(subcommand, `${path} ${subcommand.name()}`.trim());
  };
  visit(program, '');
  return [...paths];
}

interface OptionValues {
  readonly option: string;
  readonly values: readonly string[];
  /** Paths of the commands whose option has these values; absent for every command with the option. */
  readonly paths?: readonly string[];
}

/** Fixed values of options. */
const OPTION_VALUES: readonly OptionValues[] = [
  { option: '--scope', values: SCOPES },
  { option: '--permission', values: PERMISSIONS },
  { option: '--role', values: ASSIGNABLE_ROLES },
  {
    option: '--expires',
    values: ['30d', '90d', '1y', 'never'],
    paths: ['tokens create', 'tokens replace', 'keys create', 'keys update', 'keys replace'],
  },
  {
    option: '--sort',
    values: ['createdAt', 'name', 'expiresAt', 'lastUsedAt', 'useCount'],
    paths: ['tokens list', 'keys list'],
  },
  {
    option: '--sort',
    values: ['createdAt', 'name'],
    paths: ['projects list', 'servers list', 'apps list', 'scripts list'],
  },
  { option: '--sort', values: ['-lastSeenAt', '-firstSeenAt', '-count'], paths: ['errors list'] },
];

/**
 * Returns the cases of a shell `case` command on the path of the command and the previous word, with a space between.
 */
const optionValueCases = (prefix: string, suffix: string) =>
  OPTION_VALUES.map(({ option, values, paths }) => {
    const patterns = paths?.map((path) => `"${path} ${option}"`).join('|') ?? `*" ${option}"`;
    return `    ${patterns}) ${prefix}${values.join(' ')}${suffix} ;;`;
  }).join('\n');

/**
 * Returns shell code that sets `kind`, the kind of values to request, from the command and the previous word.
 * `pathVariable` is the name of the shell variable that contains the path of the command. `previousWord` and `reset`
 * are shell code: the former expands to the word before the word to complete, the latter removes the other candidates.
 */
const kindCases = (
  kinds: PathsByKind,
  pathVariable: string,
  previousWord: string,
  reset: string,
) => `  case "$${pathVariable}" in
${kinds.map(([kind, paths]) => `    ${paths.map((path) => `"${path}"`).join('|')}) kind=${kind} ;;`).join('\n')}
  esac
  case "${previousWord}" in
${Object.entries(OPTION_KINDS)
  .map(([option, kind]) => `    ${option}) kind=${kind} ${reset} ;;`)
  .join('\n')}
    --*) kind="" ;;
  esac`;

/** Returns a bash function that determines which command was typed and offers its candidates. */
function bash(completions: ReadonlyMap<string, string[]>, kinds: PathsByKind): string {
  const paths = [...completions.keys()].filter((path) => path !== '');
  return `# bash completion for devpilot: source <(devpilot completion bash)
_devpilot() {
  local word path="" words="" kind=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${paths.map((path) => `"${path}"`).join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${[...completions].map(([path, list]) => `    "${path}") words="${list.join(' ')}" ;;`).join('\n')}
  esac
  case "$path \${COMP_WORDS[COMP_CWORD-1]}" in
${optionValueCases('words="', '"')}
  esac
${kindCases(kinds, 'path', `\${COMP_WORDS[COMP_CWORD-1]}`, 'words=""')}
  if [[ -n "$kind" && "\${COMP_WORDS[COMP_CWORD]}" != -* ]]; then
    words="$words $("\${COMP_WORDS[0]}" ${COMPLETE_VALUES} "$kind" 2>/dev/null)"
  fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _devpilot devpilot
`;
}

/** Returns the same function for zsh. `path` and `words` are special in zsh, so the variables have other names. */
function zsh(completions: ReadonlyMap<string, string[]>, kinds: PathsByKind): string {
  const paths = [...completions.keys()].filter((path) => path !== '');
  return `#compdef devpilot
# zsh completion for devpilot: devpilot completion zsh > "\${fpath[1]}/_devpilot"
_devpilot() {
  local word known="" kind=""
  local -a offered
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${known:+$known }$word" in
      (${paths.map((path) => `"${path}"`).join('|')}) known="\${known:+$known }$word" ;;
    esac
  done
  case "$known" in
${[...completions].map(([path, list]) => `    ("${path}") offered=(${list.join(' ')}) ;;`).join('\n')}
  esac
  case "$known \${words[CURRENT-1]}" in
${optionValueCases('offered=(', ')')}
  esac
${kindCases(kinds, 'known', `\${words[CURRENT-1]}`, 'offered=()')}
  if [[ -n "$kind" && "\${words[CURRENT]}" != -* ]]; then
    offered+=(\${(f)"$("\${words[1]}" ${COMPLETE_VALUES} "$kind" 2>/dev/null)"})
  fi
  compadd -- $offered
  _files
}
# In a directory of fpath, this file is the body of the function; when sourced, it defines and registers the function.
if [ "\${funcstack[1]}" = "_devpilot" ]; then _devpilot "$@"; else compdef _devpilot devpilot; fi
`;
}

/** Returns a fish function that tests which command was typed, and a completion for each candidate. */
function fish(completions: ReadonlyMap<string, string[]>, kinds: PathsByKind): string {
  const query = (kind: ValueKind) => `(devpilot ${COMPLETE_VALUES} ${kind} 2>/dev/null)`;
  const valuesOf = (path: string, option: string) => {
    const kind = OPTION_KINDS[option];
    const fixed = OPTION_VALUES.find((entry) => entry.option === option && (entry.paths ?? [path]).includes(path));
    const values = kind === undefined ? fixed?.values.join(' ') : query(kind);
    return values === undefined ? '' : ` -x -a '${values}'`;
  };
  const lines = [...completions].flatMap(([path, list]) => {
    const condition = `__devpilot_at "${path}"`;
    return list.map((word) =>
      word.startsWith('--')
        ? `complete -c devpilot -n '${condition}' -l ${word.slice(2)}${valuesOf(path, word)}`
        : `complete -c devpilot -n '${condition}' -f -a ${word}`,
    );
  });
  const valueLines = kinds.flatMap(([kind, commands]) =>
    commands.map((path) => `complete -c devpilot -n '__devpilot_at "${path}"' -f -a '${query(kind)}'`),
  );
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
${[...lines, ...valueLines].join('\n')}
`;
}

const SHELLS: Readonly<Record<string, (completions: ReadonlyMap<string, string[]>, kinds: PathsByKind) => string>> = {
  bash,
  zsh,
  fish,
};

/** Prints the completion script for a shell, generated from the declared commands. */
export async function completion(shell: string, program: CommandUnknownOpts): Promise<void> {
  const generate = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (generate === undefined)
    throw new Failure(`Unknown shell ${shell}. Use one of: ${Object.keys(SHELLS).join(', ')}.`);
  await print(generate(completionsByPath(program), pathsByKind(program)));
}
