/** Returns the trimmed text of an optional field, or null if it is empty. */
export const emptyToNull = (text: string): string | null => (text.trim() === '' ? null : text.trim());

/** Returns the lines of a text, trimmed and without empty ones. */
export const splitLines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/**
 * Returns the fields of `after` that differ from `before`. A form sends only these, so that concurrent changes to other
 * fields are not overwritten.
 */
export function changedFields<Fields extends object>(before: Fields, after: Fields): Partial<Fields> {
  const previous = new Map<string, unknown>(Object.entries(before));
  const changes: Partial<Fields> = {};
  for (const name in after) {
    if (JSON.stringify(after[name]) !== JSON.stringify(previous.get(name))) changes[name] = after[name];
  }
  return changes;
}
