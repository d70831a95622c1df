/**
 * Writes and parses dotenv files. `parseDotenv` reads back exactly the variables that were written. It also reads the
 * syntax of other tools: `export`, comments, single, double and back quotes, and multi-line values. Variables are never
 * expanded: `$` is a plain character.
 */

/** The name of a variable. Excludes `__proto__`, which cannot be an ordinary field of an object. */
export const ENV_NAME = /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]*$/;
export const ENV_NAME_MESSAGE =
  'must consist of A-Z, a-z, 0-9 and _, must not start with a digit, and must not be __proto__';

/**
 * Matches a value that needs no quotes: every reader of every format reads it literally. A leading `=` needs quotes,
 * because zsh expands `=command` to the path of the command.
 */
export const UNQUOTED = /^(?!=)[A-Za-z0-9_./:@%+,=-]*$/;
const SINGLE_QUOTABLE = /^[^'\r]*$/;
/** Matches a value that has the same meaning in double quotes for all readers. */
const DOUBLE_QUOTABLE = /^[^"\\$`\r]*$/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$', '`': '`' };

const escapeQuoted = (value: string): string => value.replace(/["\\$`]/g, '\\$&');
const escapeLineBreaks = (text: string): string => text.replaceAll('\n', '\\n').replaceAll('\r', '\\r');

/** Quotes a value so that as many readers as possible read the same value, with preference for JavaScript libraries. */
function quoteForLibraries(value: string): string {
  if (SINGLE_QUOTABLE.test(value)) return `'${value}'`;
  if (DOUBLE_QUOTABLE.test(value)) return `"${value}"`;
  if (/^[^`\r]*$/.test(value)) return `\`${value}\``;
  return `"${escapeLineBreaks(/["\\]/.test(value) ? escapeQuoted(value) : value)}"`;
}

/** Quotes a value so that a shell reads back exactly the value and neither executes nor expands any part of it. */
const quoteForShell = (value: string): string => (value.includes("'") ? `"${escapeQuoted(value)}"` : `'${value}'`);

export type Variables = Iterable<readonly [name: string, value: string]>;

/** Writes `NAME=value` lines. Values that need quotes are quoted by `quote`. */
export function writeLines(variables: Variables, quote: (value: string) => string): string {
  let text = '';
  for (const [name, value] of variables) text += `${name}=${UNQUOTED.test(value) ? value : quote(value)}\n`;
  return text;
}

/** Writes variables in the given order. Not safe for a shell: use `writeShellDotenv` if a shell could read the file. */
export function writeDotenv(variables: Variables): string {
  return writeLines(variables, quoteForLibraries);
}

/** Like `writeDotenv`, for a file that a shell can read: the shell neither executes nor expands any value. */
export function writeShellDotenv(variables: Variables): string {
  return writeLines(variables, quoteForShell);
}

/**
 * The parsed variables, or the number of the invalid line and what it must be. The last value of a repeated name
 * applies.
 */
export type ParsedDotenv =
  | { readonly ok: true; readonly values: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly line: number; readonly message: string };

interface QuotedValue {
  readonly value: string;
  /** The position after the closing quote. */
  readonly end: number;
}

/** Parses the quoted value that begins at `start`; returns null if it is not terminated. */
function readQuotedValue(text: string, start: number): QuotedValue | null {
  const quote = text.charAt(start);
  if (quote !== '"') {
    const end = text.indexOf(quote, start + 1);
    return end === -1 ? null : { value: text.slice(start + 1, end), end: end + 1 };
  }
  let value = '';
  for (let index = start + 1; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === '"') return { value, end: index + 1 };
    const escaped = character === '\\' ? ESCAPES[text.charAt(index + 1)] : undefined;
    value += escaped ?? character;
    if (escaped !== undefined) index++;
  }
  return null;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

/** Parses a dotenv file. Stops at the first invalid line. Pure. */
export function parseDotenv(source: string): ParsedDotenv {
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source;
  const values = new Map<string, string>();
  const refuse = (index: number, message: string): ParsedDotenv => ({
    ok: false,
    line: text.slice(0, index).split('\n').length,
    message,
  });
  for (let index = 0; index < text.length; ) {
    const end = endOfLine(text, index);
    const line = text.slice(index, end).trim();
    if (line === '' || line.startsWith('#')) {
      index = end + 1;
      continue;
    }
    const head = /^[ \t]*(?:export[ \t]+)?([^\s=]{1,1024})[ \t]*=[ \t]*/.exec(text.slice(index, end));
    const name = head?.[1] ?? '';
    if (head === null || !ENV_NAME.test(name)) return refuse(index, `must be NAME=value; the name ${ENV_NAME_MESSAGE}`);
    const start = index + head[0].length;
    if (!/["'`]/.test(text.charAt(start))) {
      values.set(
        name,
        text
          .slice(start, end)
          .replace(/(?:^|[ \t])#.*$/s, '')
          .trim(),
      );
      index = end + 1;
      continue;
    }
    const quotedValue = readQuotedValue(text, start);
    if (quotedValue === null) return refuse(index, 'must have a closing quote');
    const endOfLastLine = endOfLine(text, quotedValue.end);
    if (!/^[ \t\r]*(?:#.*)?$/s.test(text.slice(quotedValue.end, endOfLastLine))) {
      return refuse(quotedValue.end, 'must not contain anything except a comment after a closing quote');
    }
    values.set(name, quotedValue.value);
    index = endOfLastLine + 1;
  }
  return { ok: true, values };
}
