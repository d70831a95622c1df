/** The interpreter that the first line of a text names, with its words; null where it names none. Pure. */
export function shebangOf(text: string): string | null {
  const found = /^#![ \t]*(\/[^\r\n]*)/.exec(text);
  return found === null ? null : (found[1] ?? '').trim().replace(/[ \t]+/g, ' ');
}

/** The program that is run in the end: `bash` for `/bin/bash` and `/usr/bin/env bash`; with its options, if any. */
function programOf(interpreter: string): string {
  const [path = '', ...words] = interpreter.split(' ');
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name === 'env' ? words.join(' ') : [name, ...words].join(' ');
}

/** Why a text is not run as its first line says, in words for people; null where it is. Pure. */
export function shebangMismatch(text: string, interpreter: string): string | null {
  const named = shebangOf(text);
  if (named === null || programOf(named) === programOf(interpreter)) return null;
  return `does not match: the first line is #!${named}, but the interpreter is ${interpreter}; change the interpreter or remove that line`;
}
