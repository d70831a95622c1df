import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createFairQueue } from '../../contract/fair-queue.ts';
import { SECOND } from '../../contract/limits.ts';
import type { PatternCheck, PatternResult } from './pattern-matcher-worker.ts';

/** How long all patterns of one request may take: a pattern that backtracks without end is stopped then. */
const TIMEOUT_MS = 2 * SECOND;
/** Requests that wait for their turn, over all workspaces. */
const MAX_QUEUED_REQUESTS = 64;

/**
 * Judges patterns that users wrote. A regular expression can take longer than the universe lasts
 * (CWE-1333), so each runs in a thread of its own that is ended when the time is up: nothing else
 * waits for it. V8's linear engine would do, but is experimental and knows no look-around.
 */
export interface PatternMatcher {
  /**
   * A verdict for each ask, in order; null for all of them where they took too long. Workspaces take turns.
   * Throws `unavailable` when too many of the workspace wait.
   */
  match(workspaceId: string, checks: readonly PatternCheck[]): Promise<PatternResult[] | null>;
  close(): Promise<void>;
}

export function createPatternMatcher(timeoutMs: number = TIMEOUT_MS): PatternMatcher {
  let worker: Worker | null = null;
  const queue = createFairQueue({ maxRunning: 1, capacity: MAX_QUEUED_REQUESTS });

  /** Starting the thread is none of the patterns' time. */
  async function startWorker(): Promise<Worker> {
    const workerFile = import.meta.url.endsWith('.ts') ? './pattern-matcher-worker.ts' : './patterns-worker.js';
    const started = new Worker(new URL(workerFile, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    });
    await once(started, 'online');
    return started;
  }

  /** Null also where the thread ended by itself: a pattern took all its memory. */
  async function runChecks(checks: readonly PatternCheck[]): Promise<PatternResult[] | null> {
    const activeWorker = (worker ??= await startWorker());
    // An idle thread keeps no process alive, one that is at work does.
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
