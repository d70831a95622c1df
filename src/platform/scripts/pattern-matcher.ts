import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createFairQueue } from '../../contract/fair-queue.ts';
import { SECOND } from '../../contract/limits.ts';
import type { PatternCheck, PatternResult } from './pattern-matcher-worker.ts';

/** Time limit for all patterns of one request; a pattern with endless backtracking is stopped then. */
const TIMEOUT_MS = 2 * SECOND;
/** Maximum number of waiting requests, over all workspaces. */
const MAX_QUEUED_REQUESTS = 64;

/**
 * Matches patterns that users wrote. A regular expression can take practically forever (CWE-1333), so each runs in a
 * thread that is terminated at the time limit, and nothing else waits for it. V8's linear engine would do, but is
 * experimental and does not support lookaround.
 */
export interface PatternMatcher {
  /**
   * Returns a result per check, in order; null if they took too long. Workspaces take turns. Throws `unavailable` if
   * too many requests of the workspace wait.
   */
  match(workspaceId: string, checks: readonly PatternCheck[]): Promise<PatternResult[] | null>;
  close(): Promise<void>;
}

export function createPatternMatcher(timeoutMs: number = TIMEOUT_MS): PatternMatcher {
  let worker: Worker | null = null;
  const queue = createFairQueue({ maxRunning: 1, capacity: MAX_QUEUED_REQUESTS });

  /** Starting the thread does not count toward the time limit. */
  async function startWorker(): Promise<Worker> {
    const workerFile = import.meta.url.endsWith('.ts') ? './pattern-matcher-worker.ts' : './patterns-worker.js';
    const started = new Worker(new URL(workerFile, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    });
    await once(started, 'online');
    return started;
  }

  /** Returns null also if the thread exited by itself: a pattern used up its memory. */
  async function runChecks(checks: readonly PatternCheck[]): Promise<PatternResult[] | null> {
    const activeWorker = (worker ??= await startWorker());
    // An idle thread does not keep the process alive, a busy one does.
    activeWorker.ref();
    const abortController = new AbortController();
    const timer = setTimeout(() => abortController.abort(), timeoutMs);
    activeWorker.postMessage(checks);
    try {
      const [results] = (await Promise.race([
        once(activeWorker, 'message', { signal: abortController.signal }),
        once(activeWorker, 'exit', { signal: abortController.signal }).then(() => [null]),
      ])) as [PatternResult[] | null];
      if (results === null) worker = null;
      return results;
    } catch {
      worker = null;
      await activeWorker.terminate();
      return null;
    } finally {
      clearTimeout(timer);
      abortController.abort();
      activeWorker.unref();
    }
  }

  return {
    async match(workspaceId, checks) {
      return checks.length === 0 ? [] : queue.run(workspaceId, () => runChecks(checks));
    },
    async close() {
      await worker?.terminate();
      worker = null;
    },
  };
}
