import { parentPort } from 'node:worker_threads';

/** One pattern of a user's, and what it is asked about: values that it must match whole, or nothing but whether it is one. */
export interface PatternAsk {
  readonly pattern: string;
  readonly value: string | null;
}
/** For each ask: `fits`, `differs`, or `invalid` for what is no regular expression. */
export type PatternVerdict = 'fits' | 'differs' | 'invalid';

/** With Unicode if it can be read so; many patterns in use escape what that mode wants plain. */
function compile(source: string): RegExp {
  try {
    return new RegExp(source, 'u');
  } catch {
    return new RegExp(source);
  }
}

function judge({ pattern, value }: PatternAsk): PatternVerdict {
  let whole: RegExp;
  try {
    // Read alone first: with the frame around it, `a)|(?:b` would be a pattern, and no whole one.
    const { flags } = compile(pattern);
    whole = new RegExp(`^(?:${pattern})$`, flags);
    // Some engines find a pattern too large only at its first use.
    whole.test('');
  } catch {
    return 'invalid';
  }
  return value === null || whole.test(value) ? 'fits' : 'differs';
}

parentPort?.on('message', (asks: PatternAsk[]) => parentPort?.postMessage(asks.map(judge)));
