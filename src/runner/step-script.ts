import { shellQuote } from './shell-quote.ts';

/**
 * The command line of every shell that runs a step: the shell reads the length of its script, and then reads and runs
 * the script. All data of the step is sent over standard input, which `ps` does not show. `head -c`
 * does not read beyond the script, so the step can read the remaining input.
 */
const READ_SCRIPT = 'read -r n && eval "$(head -c "$n")"';
/** The command that runs `READ_SCRIPT` on a server. No login shell interprets text in single quotes. */
export const ENTRY_COMMAND = `/bin/sh -c '${READ_SCRIPT}'`;
export const LOCAL_ENTRY_ARGV = ['/bin/sh', '-c', READ_SCRIPT] as const;

/** Seconds without a heartbeat after which a server assumes that the node is dead and ends its step. */
export const HEARTBEAT_TIMEOUT_SECONDS = 10;
/** Interval of the heartbeats sent to a server; milliseconds. */
export const HEARTBEAT_INTERVAL_MS = 2000;
export const HEARTBEAT = '.';
/** Time between SIGTERM and SIGKILL for a process group; milliseconds. */
export const KILL_GRACE_MS = 5000;

/** Prefix of Devpilot's markers within a step's output. */
export const MARKER_PREFIX = '\u001edevpilot';

export interface StepScriptOptions {
  /** A random text in every marker. The step does not receive it, so that the step cannot forge markers. */
  readonly nonce: string;
  readonly command:
    | { readonly argv: readonly string[] }
    | { readonly interpreter: readonly string[]; readonly body: string };
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string | readonly string[] | null;
  readonly files: { readonly variable: string; readonly contents: Readonly<Record<string, string>> } | null;
  /**
   * The standard input of the step: empty (`heartbeats`), the shell's standard input (`stream`), a text or a file. The
   * shell's standard input carries heartbeats, except with `stream`.
   */
  readonly stdin: 'heartbeats' | 'stream' | { readonly text: string } | { readonly path: string };
  /** The user to run the step as, through sudo or, for root, runuser. */
  readonly runAs: string | null;
}

const SAFE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const USER_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;

/** Returns a script that starts a shell as another user. That shell reads and runs the next script. */
function switchUserScript(user: string): string {
  if (!USER_NAME.test(user)) throw new TypeError('Invalid user name.');
  return `u=${shellQuote(user)}; e=${shellQuote(READ_SCRIPT)}
if [ "$(id -un)" = "$u" ]; then exec /bin/sh -c "$e"
elif [ "$(id -u)" = 0 ]; then exec runuser -u "$u" -- /bin/sh -c "$e"
else exec sudo -n -H -u "$u" -- /bin/sh -c "$e"; fi`;
}

/** Ends the process `p` and its process group: with SIGTERM and, after the grace period, with SIGKILL. */
const END_GROUP_SCRIPT = `kill -s TERM -- "-$p" "$p"
i=0; while kill -s 0 -- "-$p" && [ "$i" -lt ${KILL_GRACE_MS / 100} ]; do sleep 0.1; i=$((i+1)); done
kill -s KILL -- "-$p" "$p"`;

/**
 * Ends the step's process group when the heartbeats stop, on request or because the node is lost. Does nothing if the
 * step itself has already ended, so that its background processes are left running. (The shell ends this subshell when
 * the step ends, but a subshell that was just forked can lose that signal.)
 */
const WATCHDOG_SCRIPT = `(
if [ -n "$t" ]; then while [ -n "$("$t" ${HEARTBEAT_TIMEOUT_SECONDS} head -c 1 <&3)" ]; do :; done
else while read -r x <&3; do :; done; fi
trap '' TERM HUP
kill -s 0 "$p" || exit
${END_GROUP_SCRIPT}
) >/dev/null 2>&1 &
w=$!`;

/** Returns commands that change to a directory, or to the first of several that exists if there is one. */
function changeDirectoryScript(cwd: StepScriptOptions['cwd']): string[] {
  if (cwd === null) return [];
  if (typeof cwd === 'string') return [`cd ${shellQuote(cwd)} || exit 125`];
  return [[...cwd.map((path) => `cd ${shellQuote(path)} 2>/dev/null`), ':'].join(' || ')];
}

function inputRedirection(stdin: StepScriptOptions['stdin']): string {
  if (stdin === 'stream') return '<&3';
  if (stdin === 'heartbeats') return '</dev/null';
  return 'path' in stdin ? `<${shellQuote(stdin.path)}` : '<"$d/stdin"';
}

/** Returns the name of a variable or file. Throws `TypeError` if the script cannot contain the name unquoted. */
function requireSafeName(name: string): string {
  if (!SAFE_NAME.test(name)) throw new TypeError('Invalid name of a variable or file.');
  return name;
}

/**
 * Creates a directory in memory if possible, so that the files are not on a disk, and otherwise in the step's
 * directory.
 */
const MAKE_FILES_DIRECTORY =
  'v=$(mktemp -d /dev/shm/devpilot-files-XXXXXXXX 2>/dev/null) || { v=$d/files; mkdir -m 700 "$v" || exit 126; }';

/**
 * Returns the script of a step. Its variables: `d` is the step's private directory, `v` the directory of `files`, `s`
 * and `t` the paths of `setsid` and `timeout` (empty if they are not installed), `p` the process group of the step, `w`
 * the watchdog and `c` the exit code. File descriptor 3 is the shell's standard input. Exit codes of the script itself:
 * 125 if `cwd` does not exist, 126 if a directory or file cannot be created.
 */
function stepScript({ nonce, command, environment, cwd, files, stdin }: StepScriptOptions): string {
  const printMarker = (marker: string, value: string) => `printf '\\036devpilot ${nonce} ${marker} %s\\n' ${value}`;
  /**
   * Prints a marker on both streams. Each stream preserves the order, so all output before a marker arrives before it.
   */
  const printMarkerOnBoth = (marker: string, value: string) =>
    `${printMarker(marker, value)} >&2; ${printMarker(marker, value)} 2>/dev/null`;
  const argv = 'argv' in command ? command.argv.map(shellQuote) : [...command.interpreter.map(shellQuote), '"$d/step"'];
  const exports = Object.entries(environment).map(
    ([name, value]) => `export ${requireSafeName(name)}=${shellQuote(value)}`,
  );
  const input = inputRedirection(stdin);
  const saveFile = (name: string, text: string, directory = '$d') =>
    `(umask 077; printf %s ${shellQuote(text)} >"${directory}/${name}") || exit 126`;
  const saveFiles = Object.entries(files?.contents ?? {}).map(([name, text]) =>
    saveFile(requireSafeName(name), text, '$v'),
  );
  return [
    // Output before this marker comes from the server's start-up files or from an account that runs no commands.
    printMarkerOnBoth('ready', '0'),
    `d=$(mktemp -d "\${TMPDIR:-/tmp}/devpilot-step-XXXXXXXX") || exit 126`,
    `v=''; trap 'rm -rf "$d" "$v"' EXIT; trap 'exit 143' TERM HUP INT PIPE`,
    ...(files === null ? [] : [MAKE_FILES_DIRECTORY, ...saveFiles]),
    // Windows line ends are converted, because interpreters treat a carriage return as part of a word.
    ...('body' in command ? [saveFile('step', command.body.replaceAll('\r\n', '\n'))] : []),
    ...(typeof stdin === 'object' && 'text' in stdin ? [saveFile('stdin', stdin.text)] : []),
    's=$(command -v setsid); t=$(command -v timeout)',
    'exec 3<&0 </dev/null',
    // Set before the step's variables, so that they cannot change how the command is started.
    `( set -- ${argv.join(' ')}; [ -z "$s" ] || set -- "$s" "$@"`,
    ...changeDirectoryScript(cwd),
    ...exports,
    ...(files === null ? [] : [`export ${requireSafeName(files.variable)}="$v"`]),
    `exec "$@" 3<&- ) ${input} &`,
    'p=$!',
    `${printMarker('started', '"$p"')} >&2`,
    ...(stdin === 'stream' ? ['w='] : [WATCHDOG_SCRIPT]),
    // Some shells print the name of a signal here.
    '{ wait "$p"; } 2>/dev/null; c=$?',
    // Removed before the exit code is reported, because the shell ends if the report cannot be sent.
    'rm -rf "$d" "$v"',
    '[ -z "$w" ] || kill "$w" 2>/dev/null',
    printMarkerOnBoth('ended', '"$c"'),
    'exit 0',
  ].join('\n');
}

const withLengthPrefix = (text: string) => `${Buffer.byteLength(text)}\n${text}`;

/**
 * Returns the script to send to `ENTRY_COMMAND` to run a step. Throws `TypeError` for values that no process can
 * receive.
 */
export function buildStepScript(options: StepScriptOptions): string {
  const prefix = options.runAs === null ? '' : withLengthPrefix(switchUserScript(options.runAs));
  return prefix + withLengthPrefix(stepScript(options));
}

/** Returns a script that ends the process group of a step. */
export function buildKillScript(group: number, runAs: string | null): string {
  const prefix = runAs === null ? '' : withLengthPrefix(switchUserScript(runAs));
  return prefix + withLengthPrefix(`p=${group}\n${END_GROUP_SCRIPT}\nexit 0`);
}
