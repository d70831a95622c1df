import { Script } from 'node:vm';
import { parentPort } from 'node:worker_threads';

/** A user's pattern with a value that it must match completely; without a value only its syntax is checked. */
export interface PatternCheck {
  readonly pattern: string;
  readonly value: string | null;
}
/** `fits`, `differs`, or `invalid` for a pattern that is not a regular expression. */
export type PatternResult = 'fits' | 'differs' | 'invalid';
/** `result` is null if the check needed more than the CPU time limit. */
export interface PatternReply {
  readonly result: PatternResult | null;
  readonly cpuMs: number;
}

/** CPU time of all attempts after which a check is given up. */
const CPU_LIMIT_MS = 40;
/** Elapsed time of the first attempt; each further one is twice as long. */
const FIRST_ATTEMPT_MS = 50;
const MAX_ATTEMPTS = 5;

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

/** Only a script can be run with a time limit: it calls this function of the thread's global object. */
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
 * The time limit of an attempt is elapsed time, which a busy machine gives to others. So a check is repeated with more
 * time until it has a result or has used its CPU time.
 */
function runCheck(check: PatternCheck): PatternReply {
  const start = process.threadCpuUsage();
  let result: PatternResult | null = null;
  let cpuMs = 0;
  for (let attempt = 0; attempt < MAX_ATTEMPTS && result === null && cpuMs < CPU_LIMIT_MS; attempt++) {
    result = runWithTimeout(check, FIRST_ATTEMPT_MS * 2 ** attempt);
    const { user, system } = process.threadCpuUsage(start);
    cpuMs = (user + system) / 1000;
  }
  return { result, cpuMs };
}

parentPort?.on('message', (check: PatternCheck) => parentPort?.postMessage(runCheck(check)));
