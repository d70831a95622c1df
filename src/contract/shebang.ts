/** Returns the interpreter in the first line of a script, with its arguments; null if there is none. Pure. */
export function shebangOf(text: string): string | null {
  const match = /^#![ \t]*(\/[^\r\n]*)/.exec(text);
  return match === null ? null : (match[1] ?? '').trim().replace(/[ \t]+/g, ' ');
}

/**
 * Returns the program of an interpreter without its path, with its options: `bash` for `/bin/bash` and `/usr/bin/env
 * bash`.
 */
function programOf(interpreter: string): string {
  const [path = '', ...words] = interpreter.split(' ');
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name === 'env' ? words.join(' ') : [name, ...words].join(' ');
}

/**
 * Returns an error message if the first line of a script names an interpreter other than `interpreter`, otherwise null.
 * Pure.
 */
export function shebangMismatch(text: string, interpreter: string): string | null {
  const shebang = shebangOf(text);
  if (shebang === null || programOf(shebang) === programOf(interpreter)) return null;
  return `does not match: the first line is #!${shebang}, but the interpreter is ${interpreter}; change the interpreter or remove that line`;
}
