/**
 * Quotes `text` as one word of a POSIX shell (IEEE 1003.1, 2.2.2): between single quotes only the single quote itself
 * is special. Throws `TypeError` for NUL, which no shell can represent.
 */
export function shellQuote(text: string): string {
  if (text.includes('\0')) throw new TypeError('A NUL character cannot be passed to a process.');
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
