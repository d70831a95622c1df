import { Script } from 'node:vm';
import { parentPort } from 'node:worker_threads';

/** A pattern that must match the whole value. If the value is null, only the syntax of the pattern is checked. */
export interface PatternCheck {
  readonly pattern: string;
  readonly value: string | null;
}
/** The result is `invalid` if the pattern is not a regular expression. */
export type PatternResult = 'match' | 'mismatch' | 'invalid';
/** The result of a check and its CPU time; `result` is null if the check exceeded the limit of CPU time. */
export interface PatternReply {
  readonly result: PatternResult | null;
  readonly cpuMs: number;
}

/** Maximum CPU time of a check, for all of its attempts together. */
const CPU_LIMIT_MS = 40;
/** Timeout of the first attempt in elapsed time. The timeout doubles with each attempt. */
const FIRST_ATTEMPT_TIMEOUT_MS = 50;
const MAX_ATTEMPTS = 5;

/**
 * Compiles a pattern with the `u` flag if possible, and otherwise without it, because many patterns contain escapes
 * that the flag forbids.
 */
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

/** Only a `Script` can run with a timeout in Node.js, so the script calls a function of the global object. */
const globals = globalThis as typeof globalThis & { matchCurrentPattern?: () => PatternResult };
const script = new Script('globalThis.matchCurrentPattern()');

function runWithTimeout(check: PatternCheck, timeoutMs: number): PatternResult | null {
  globals.matchCurrentPattern = () => matchPattern(check);
  try {
    return script.runInThisContext({ timeout: timeoutMs }) as PatternResult;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return null;
    throw error;
  }
}

/**
 * Runs a check. The timeout of an attempt limits elapsed time. On a busy machine, this thread may get little CPU time
 * before the timeout. Therefore, the check is repeated with a longer timeout until there is a result or the limit of
 * CPU time is reached.
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
