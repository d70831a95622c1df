import { parentPort } from 'node:worker_threads';

/** One pattern of a user's, and what it is asked about: values that it must match whole, or nothing but whether it is one. */
export interface PatternCheck {
  readonly pattern: string;
  readonly value: string | null;
}
/** For each ask: `fits`, `differs`, or `invalid` for what is no regular expression. */
export type PatternResult = 'fits' | 'differs' | 'invalid';

/** With Unicode if it can be read so; many patterns in use escape what that mode wants plain. */
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
    // Read alone first: with the frame around it, `a)|(?:b` would be a pattern, and no whole one.
    const { flags } = compilePattern(pattern);
    anchored = new RegExp(`^(?:${pattern})$`, flags);
    // Some engines find a pattern too large only at its first use.
    anchored.test('');
  } catch {
    return 'invalid';
  }
  return value === null || anchored.test(value) ? 'fits' : 'differs';
}

parentPort?.on('message', (checks: PatternCheck[]) => parentPort?.postMessage(checks.map(matchPattern)));
