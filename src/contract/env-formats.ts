/**
 * Writes files of environment variables for programs that cannot read each other's files. Each program reads back
 * exactly the variables that were written, except with the format `dotenv`: libraries for dotenv files differ in how
 * they read quotes and backslashes.
 */
import { type Variables, writeDotenv, writeLines, writeShellDotenv } from './dotenv.ts';
import type { EnvFileFormat } from './platform-vocabulary.ts';

/** Maximum length of a line that Docker reads, in bytes, without its line break. */
const MAX_DOCKER_LINE_BYTES = 65_535;

/**
 * Quotes a value for `node --env-file` and `util.parseEnv`; null if that is not possible. They drop carriage returns,
 * and the only escape is `\n` in double quotes.
 */
function quoteForNode(value: string): string | null {
  if (value.includes('\r')) return null;
  for (const quote of ["'", '`', '"'] as const) {
    if (!value.includes(quote) && !(quote === '"' && value.includes('\\n'))) return quote + value + quote;
  }
  // Without quotes, a value ends at a number sign or the end of the line, and loses spaces around it.
  return /^[^\s'"`#][^\n#]*$/.test(value) && value.trim() === value ? value : null;
}

/**
 * Quotes a value for python-dotenv, which expands `${NAME}` in any quotes. `${:-$}`, the default of a variable without
 * a name, is a plain `$`. A backslash before the closing quote escapes the quote, even if the backslash is itself
 * escaped.
 */
function quoteForPython(value: string): string {
  const literal = (text: string) => `\${:-${text}}`;
  const escaped = value
    .replace(/["\\]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('${', () => `${literal('$')}{`);
  return `"${escaped.replace(/\\\\$/, () => literal('\\\\'))}"`;
}

function dockerRefusalReason(name: string, value: string): string | null {
  if (value.includes('\n')) return 'has a line break';
  if (value.endsWith('\r')) return 'ends with a carriage return';
  const bytes = new TextEncoder().encode(`${name}=${value}`).length;
  return bytes > MAX_DOCKER_LINE_BYTES ? `makes its line longer than ${MAX_DOCKER_LINE_BYTES} bytes` : null;
}

interface FileFormat {
  /** Returns why the reader could not read a value back, or null. */
  readonly refusalReason: (name: string, value: string) => string | null;
  readonly write: (variables: Variables) => string;
}

const FORMATS: Readonly<Record<EnvFileFormat, FileFormat>> = {
  dotenv: { refusalReason: () => null, write: writeDotenv },
  node: {
    refusalReason(_, value) {
      if (value.includes('\r')) return 'has a carriage return';
      return quoteForNode(value) === null ? 'has a combination of quotes that Node.js cannot read' : null;
    },
    write: (variables) => writeLines(variables, (value) => quoteForNode(value) ?? ''),
  },
  python: { refusalReason: () => null, write: (variables) => writeLines(variables, quoteForPython) },
  shell: { refusalReason: () => null, write: writeShellDotenv },
  systemd: {
    // systemd ignores variables whose values contain these characters.
    refusalReason(_, value) {
      if (/[\0-\x08\x0b-\x1f\x7f]/.test(value)) return 'has a control character';
      return /\p{Noncharacter_Code_Point}/u.test(value) ? 'has a Unicode noncharacter' : null;
    },
    write: writeShellDotenv,
  },
  docker: {
    refusalReason: dockerRefusalReason,
    write: (variables) => [...variables].map(([name, value]) => `${name}=${value}\n`).join(''),
  },
};

/** The text of a file, or the first variable whose value the reader could not read back. */
export type EnvFile =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly name: string; readonly reason: string };

/**
 * Writes variables in the given order. With the format `dotenv`, any value is accepted, and Devpilot reads it back
 * exactly. Pure.
 */
export function writeEnvFile(format: EnvFileFormat, variables: readonly (readonly [string, string])[]): EnvFile {
  const { refusalReason, write } = FORMATS[format];
  for (const [name, value] of variables) {
    const reason = refusalReason(name, value);
    if (reason !== null) return { ok: false, name, reason };
  }
  return { ok: true, text: write(variables) };
}
