import { shellQuote } from './shell-quote.ts';

/**
 * What alone stands on a command line, on every server and for every step: a shell that reads how long
 * its orders are, then reads and follows them. Everything that a step is made of comes over standard
 * input, where `ps` does not look. `head -c` reads not one byte too many, so the rest is the step's.
 */
const READ_SCRIPT = 'read -r n && eval "$(head -c "$n")"';
/** The same for a login shell of any kind: nothing in it is special between single quotes. */
export const ENTRY_COMMAND = `/bin/sh -c '${READ_SCRIPT}'`;
export const LOCAL_ENTRY_ARGV = ['/bin/sh', '-c', READ_SCRIPT] as const;

/** A server that hears nothing for so many seconds takes the node for dead, or for one that others take for dead. */
export const HEARTBEAT_TIMEOUT_SECONDS = 10;
/** How often it is told that the node is there, in milliseconds. */
export const HEARTBEAT_INTERVAL_MS = 2000;
/** What is told. */
export const HEARTBEAT = '.';
/** Between asking a process group to end and ending it, in milliseconds. */
export const KILL_GRACE_MS = 5000;

/** What begins and ends a message of ours in the middle of what a step says on its standard error. */
export const MARKER_PREFIX = '\u001edevpilot';

export interface StepScriptOptions {
  /** Not known to the step, so that it can't speak in our name. */
  readonly nonce: string;
  readonly command:
    | { readonly argv: readonly string[] }
    | { readonly interpreter: readonly string[]; readonly body: string };
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string | null;
  /** `beats`: standard input keeps the step alive. `stream`: it is the step's own. Text: the step is given that. */
  readonly stdin: 'beats' | 'stream' | { readonly text: string };
  /** Another user of the server, by sudo or, for root, runuser. */
  readonly runAs: string | null;
}

const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const USER_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;

/** Becomes another user, who then reads the orders that follow. */
function switchUserScript(user: string): string {
  if (!USER_NAME.test(user)) throw new TypeError('This is not the name of a user.');
  return `u=${shellQuote(user)}; e=${shellQuote(READ_SCRIPT)}
if [ "$(id -un)" = "$u" ]; then exec /bin/sh -c "$e"
elif [ "$(id -u)" = 0 ]; then exec runuser -u "$u" -- /bin/sh -c "$e"
else exec sudo -n -H -u "$u" -- /bin/sh -c "$e"; fi`;
}

/** Ends the step's process group when the beats stop, by an order or because nobody is left who gives one. */
const WATCHDOG_SCRIPT = `(
if [ -n "$t" ]; then while [ -n "$("$t" ${HEARTBEAT_TIMEOUT_SECONDS} head -c 1 <&3)" ]; do :; done
else while read -r x <&3; do :; done; fi
trap '' TERM HUP
kill -s TERM -- "-$p" "$p"
i=0; while kill -s 0 -- "-$p" && [ "$i" -lt ${KILL_GRACE_MS / 100} ]; do sleep 0.1; i=$((i+1)); done
kill -s KILL -- "-$p" "$p"
) >/dev/null 2>&1 &
w=$!`;

function stepScript({ nonce, command, environment, cwd, stdin }: StepScriptOptions): string {
  const printMarker = (marker: string, value: string) => `printf '\\036devpilot ${nonce} ${marker} %s\\n' ${value}`;
  /** On both streams, each of which is in order: what a stream carried before this has arrived when this has. */
  const printMarkerOnBoth = (marker: string, value: string) =>
    `${printMarker(marker, value)} >&2; ${printMarker(marker, value)} 2>/dev/null`;
  const argv = 'argv' in command ? command.argv.map(shellQuote) : [...command.interpreter.map(shellQuote), '"$d/step"'];
  const exports = Object.entries(environment).map(([name, value]) => {
    if (!VARIABLE_NAME.test(name)) throw new TypeError('This is not the name of a variable.');
    return `export ${name}=${shellQuote(value)}`;
  });
  const input = stdin === 'stream' ? '<&3' : stdin === 'beats' ? '</dev/null' : '<"$d/stdin"';
  const saveFile = (name: string, text: string) =>
    `(umask 077; printf %s ${shellQuote(text)} >"$d/${name}") || exit 126`;
  return [
    // Everything before this is what the server's start-up files print, or its reason to run nothing.
    printMarkerOnBoth('ready', '0'),
    `d=$(mktemp -d "\${TMPDIR:-/tmp}/devpilot-step-XXXXXXXX") || exit 126`,
    `trap 'rm -rf "$d"' EXIT; trap 'exit 143' TERM HUP INT PIPE`,
    // Interpreters take the carriage returns of Windows for parts of words.
    ...('body' in command ? [saveFile('step', command.body.replaceAll('\r\n', '\n'))] : []),
    ...(typeof stdin === 'object' ? [saveFile('stdin', stdin.text)] : []),
    's=$(command -v setsid); t=$(command -v timeout)',
    'exec 3<&0 </dev/null',
    // What the step is made of is set before its variables: none of them can change it.
    `( set -- ${argv.join(' ')}; [ -z "$s" ] || set -- "$s" "$@"`,
    ...(cwd === null ? [] : [`cd ${shellQuote(cwd)} || exit 125`]),
    ...exports,
    `exec "$@" 3<&- ) ${input} &`,
    'p=$!',
    `${printMarker('started', '"$p"')} >&2`,
    ...(stdin === 'stream' ? ['w='] : [WATCHDOG_SCRIPT]),
    // Some shells say here which signal it was.
    '{ wait "$p"; } 2>/dev/null; c=$?',
    // Before anything is told: who would hear it may be gone.
    'rm -rf "$d"',
    '[ -z "$w" ] || kill "$w" 2>/dev/null',
    printMarkerOnBoth('ended', '"$c"'),
    'exit 0',
  ].join('\n');
}

const withLengthPrefix = (text: string) => `${Buffer.byteLength(text)}\n${text}`;

/** What is sent to `ENTRY`: how to run a step. Throws `TypeError` for what no process can be given. */
export function buildStepScript(options: StepScriptOptions): string {
  const prefix = options.runAs === null ? '' : withLengthPrefix(switchUserScript(options.runAs));
  return prefix + withLengthPrefix(stepScript(options));
}

/** Orders that end a process group which a step of ours began. */
export function buildKillScript(group: number, runAs: string | null): string {
  const prefix = runAs === null ? '' : withLengthPrefix(switchUserScript(runAs));
  const text = `p=${group}; kill -s TERM -- "-$p" "$p"; i=0
while kill -s 0 -- "-$p" && [ "$i" -lt ${KILL_GRACE_MS / 100} ]; do sleep 0.1; i=$((i+1)); done
kill -s KILL -- "-$p" "$p"; exit 0`;
  return prefix + withLengthPrefix(text);
}
