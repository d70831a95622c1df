import { Script } from 'node:vm';
import { parentPort } from 'node:worker_threads';

/** A user's pattern and a value to match completely; if the value is null, only the syntax is checked. */
export interface PatternCheck {
  readonly pattern: string;
  readonly value: string | null;
}
/** `fits` for a match, `differs` for no match, `invalid` if the pattern is not a regular expression. */
export type PatternResult = 'match' | 'mismatch' | 'invalid';
/** `result` is null if the check needed more than the CPU time limit. */
export interface PatternReply {
  readonly result: PatternResult | null;
  readonly cpuMs: number;
}

/** Maximum CPU time of a check, for all attempts together. */
const CPU_LIMIT_MS = 40;
/** Timeout of the first attempt in elapsed time; it doubles with each attempt. */
const FIRST_ATTEMPT_TIMEOUT_MS = 50;
const MAX_ATTEMPTS = 5;

/** Compiles with the `u` flag if possible; many patterns contain escapes that this flag forbids. */
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
    // The pattern is compiled alone first, because `a)|(?:b` would become valid inside the anchors.
    const { flags } = compilePattern(pattern);
    anchored = new RegExp(`^(?:${pattern})$`, flags);
    // The engine may detect a pattern that is too large only at its first use.
    anchored.test('');
  } catch {
    return 'invalid';
  }
  return value === null || anchored.test(value) ? 'match' : 'mismatch';
}

/** Node.js can only run a `Script` with a timeout. The script calls this function of the global object. */
const globals = globalThis as typeof globalThis & { runCheck?: () => PatternResult };
const script = new Script('globalThis.runCheck()');

function runWithTimeout(check: PatternCheck, timeoutMs: number): PatternResult | null {
  globals.runCheck = () => matchPattern(check);
  try {
    return script.runInThisContext({ timeout: timeoutMs }) as PatternResult;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return null;
    throw error;
  }
}

/**
 * The timeout of an attempt is elapsed time, of which a busy machine may give this thread little. So a check is
 * repeated with a longer timeout until it has a result or has used its CPU time.
 */
function runCheck(check: PatternCheck): PatternReply {
  const start = process.threadCpuUsage();
  let result: PatternResult | null = null;
  let cpuMs = 0;
  for (let attempt = 0; attempt < MAX_ATTEMPTS && result === null && cpuMs < CPU_LIMIT_MS; attempt++) {
    result = runWithTimeout(check, FIRST_ATTEMPT_TIMEOUT_MS * 2 ** attempt);
    const { user, system } = process.threadCpuUsage(start);
    cpuMs = (user + system) / 1000;
  }
  return { result, cpuMs };
}

parentPort?.on('message', (check: PatternCheck) => parentPort?.postMessage(runCheck(check)));
