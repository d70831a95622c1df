/** Splits a pattern into characters and wildcards. A longer run of `*` is the same as `**`. */
const splitPattern = (pattern: string): readonly string[] => pattern.match(/\*{2,}|./gs) ?? [];

/**
 * Returns whether a pattern matches the whole text: `*` matches any characters except `/`, `**` matches any characters.
 * Simulates a nondeterministic finite automaton, so that the time is at most proportional to the product of both
 * lengths. Pure.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const parts = splitPattern(pattern);
  const end = parts.length;
  let reached: number[] = [];
  let next: number[] = [];
  /**
   * For each pattern position: how many characters of the text had been read when it was last reached; -1 for never.
   */
  const reachedAfter = new Int32Array(end + 1).fill(-1);
  const add = (position: number, count: number) => {
    if (reachedAfter[position] === count) return;
    reachedAfter[position] = count;
    next.push(position);
    // A wildcard can match nothing. Two wildcards never follow each other.
    if (parts[position]?.startsWith('*') && reachedAfter[position + 1] !== count) {
      reachedAfter[position + 1] = count;
      next.push(position + 1);
    }
  };
  add(0, 0);
  for (let count = 1; count <= text.length; count++) {
    [reached, next] = [next, reached];
    next.length = 0;
    const character = text[count - 1] ?? '';
    for (const position of reached) {
      const part = parts[position] ?? '';
      if (part.startsWith('*')) {
        if (part !== '*' || character !== '/') add(position, count);
      } else if (part === character) add(position + 1, count);
    }
    if (next.length === 0) return false;
  }
  return reachedAfter[end] === text.length;
}
