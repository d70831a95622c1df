import { quote } from './quote.ts';

/**
 * What alone stands on a command line, on every server and for every step: a shell that reads how long
 * its orders are, then reads and follows them. Everything that a step is made of comes over standard
 * input, where `ps` does not look. `head -c` reads not one byte too many, so the rest is the step's.
 */
const READ_ORDERS = 'read -r n && eval "$(head -c "$n")"';
/** The same for a login shell of any kind: nothing in it is special between single quotes. */
export const ENTRY = `/bin/sh -c '${READ_ORDERS}'`;
export const LOCAL_ENTRY = ['/bin/sh', '-c', READ_ORDERS] as const;

/** A server that hears nothing for so many seconds takes the node for dead, or for one that others take for dead. */
export const SILENCE_SECONDS = 10;
/** How often it is told that the node is there, in milliseconds. */
export const BEAT_EVERY = 2000;
/** What is told. */
export const BEAT = '.';
/** Between asking a process group to end and ending it, in milliseconds. */
export const GRACE = 5000;

/** What begins and ends a message of ours in the middle of what a step says on its standard error. */
export const MARK = '\u001edevpilot';

export interface Orders {
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

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const USER = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;

/** Becomes another user, who then reads the orders that follow. */
function becoming(user: string): string {
  if (!USER.test(user)) throw new TypeError('This is not the name of a user.');
  return `u=${quote(user)}; e=${quote(READ_ORDERS)}
if [ "$(id -un)" = "$u" ]; then exec /bin/sh -c "$e"
elif [ "$(id -u)" = 0 ]; then exec runuser -u "$u" -- /bin/sh -c "$e"
else exec sudo -n -H -u "$u" -- /bin/sh -c "$e"; fi`;
}

/** Ends the step's process group when the beats stop, by an order or because nobody is left who gives one. */
const WATCH = `(
if [ -n "$t" ]; then while [ -n "$("$t" ${SILENCE_SECONDS} head -c 1 <&3)" ]; do :; done
else while read -r x <&3; do :; done; fi
trap '' TERM HUP
kill -s TERM -- "-$p" "$p"
i=0; while kill -s 0 -- "-$p" && [ "$i" -lt ${GRACE / 100} ]; do sleep 0.1; i=$((i+1)); done
kill -s KILL -- "-$p" "$p"
) >/dev/null 2>&1 &
w=$!`;

function steps({ nonce, command, environment, cwd, stdin }: Orders): string {
  const tell = (what: string, value: string) => `printf '\\036devpilot ${nonce} ${what} %s\\n' ${value}`;
  /** On both streams, each of which is in order: what a stream carried before this has arrived when this has. */
  const tellBoth = (what: string, value: string) => `${tell(what, value)} >&2; ${tell(what, value)} 2>/dev/null`;
  const words = 'argv' in command ? command.argv.map(quote) : [...command.interpreter.map(quote), '"$d/step"'];
  const exports = Object.entries(environment).map(([name, value]) => {
    if (!NAME.test(name)) throw new TypeError('This is not the name of a variable.');
    return `export ${name}=${quote(value)}`;
  });
  const input = stdin === 'stream' ? '<&3' : stdin === 'beats' ? '</dev/null' : '<"$d/stdin"';
  const keep = (name: string, text: string) => `(umask 077; printf %s ${quote(text)} >"$d/${name}") || exit 126`;
  return [
    // Everything before this is what the server's start-up files print, or its reason to run nothing.
    tellBoth('ready', '0'),
    `d=$(mktemp -d "\${TMPDIR:-/tmp}/devpilot-step-XXXXXXXX") || exit 126`,
    `trap 'rm -rf "$d"' EXIT; trap 'exit 143' TERM HUP INT PIPE`,
    // Interpreters take the carriage returns of Windows for parts of words.
    ...('body' in command ? [keep('step', command.body.replaceAll('\r\n', '\n'))] : []),
    ...(typeof stdin === 'object' ? [keep('stdin', stdin.text)] : []),
    's=$(command -v setsid); t=$(command -v timeout)',
    'exec 3<&0 </dev/null',
    // What the step is made of is set before its variables: none of them can change it.
    `( set -- ${words.join(' ')}; [ -z "$s" ] || set -- "$s" "$@"`,
    ...(cwd === null ? [] : [`cd ${quote(cwd)} || exit 125`]),
    ...exports,
    `exec "$@" 3<&- ) ${input} &`,
    'p=$!',
    `${tell('started', '"$p"')} >&2`,
    ...(stdin === 'stream' ? ['w='] : [WATCH]),
    // Some shells say here which signal it was.
    '{ wait "$p"; } 2>/dev/null; c=$?',
    // Before anything is told: who would hear it may be gone.
    'rm -rf "$d"',
    '[ -z "$w" ] || kill "$w" 2>/dev/null',
    tellBoth('ended', '"$c"'),
    'exit 0',
  ].join('\n');
}

const framed = (text: string) => `${Buffer.byteLength(text)}\n${text}`;

/** What is sent to `ENTRY`: how to run a step. Throws `TypeError` for what no process can be given. */
export function ordersFor(orders: Orders): string {
  const stage = orders.runAs === null ? '' : framed(becoming(orders.runAs));
  return stage + framed(steps(orders));
}

/** Orders that end a process group which a step of ours began. */
export function ordersToKill(group: number, runAs: string | null): string {
  const stage = runAs === null ? '' : framed(becoming(runAs));
  const text = `p=${group}; kill -s TERM -- "-$p" "$p"; i=0
while kill -s 0 -- "-$p" && [ "$i" -lt ${GRACE / 100} ]; do sleep 0.1; i=$((i+1)); done
kill -s KILL -- "-$p" "$p"; exit 0`;
  return stage + framed(text);
}
