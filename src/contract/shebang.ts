/** Returns the interpreter in the first line of a script, with its arguments; null if there is none. Pure. */
export function shebangOf(text: string): string | null {
  const found = /^#![ \t]*(\/[^\r\n]*)/.exec(text);
  return found === null ? null : (found[1] ?? '').trim().replace(/[ \t]+/g, ' ');
}

/** Returns the program that finally runs, with its options: `bash` for `/bin/bash` and for `/usr/bin/env bash`. */
function programOf(interpreter: string): string {
  const [path = '', ...words] = interpreter.split(' ');
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name === 'env' ? words.join(' ') : [name, ...words].join(' ');
}

/**
 * Returns a message for users if a script will not run with the interpreter in its first line; otherwise null. Pure.
 */
export function shebangMismatch(text: string, interpreter: string): string | null {
  const named = shebangOf(text);
  if (named === null || programOf(named) === programOf(interpreter)) return null;
  return `does not match: the first line is #!${named}, but the interpreter is ${interpreter}; change the interpreter or remove that line`;
}
