import { parentPort } from 'node:worker_threads';

/** A user's pattern with values that it must match completely; without values only its syntax is checked. */
export interface PatternCheck {
  readonly pattern: string;
  readonly value: string | null;
}
/** Per check: `fits`, `differs`, or `invalid` for a pattern that is not a regular expression. */
export type PatternResult = 'fits' | 'differs' | 'invalid';

/** Compiles with the Unicode flag if possible; many patterns in use have escapes that it forbids. */
function compilePattern(source: string): RegExp {
  try {
    return new RegExp(source, 'u');
  } catch {
    return new RegExp(source);
  }
}

function matchPattern({ pattern, value }: PatternCheck): PatternResult {
  let anchored: RegExp;
  try {
    // Compiled alone first: inside the anchors, `a)|(?:b` would be a valid pattern.
    const { flags } = compilePattern(pattern);
    anchored = new RegExp(`^(?:${pattern})$`, flags);
    // Some engines detect a pattern that is too large only at its first use.
    anchored.test('');
  } catch {
    return 'invalid';
  }
  return value === null || anchored.test(value) ? 'fits' : 'differs';
}

parentPort?.on('message', (checks: PatternCheck[]) => parentPort?.postMessage(checks.map(matchPattern)));
