import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createFairQueue } from '../../contract/fair-queue.ts';
import { MINUTE, SECOND } from '../../contract/limits.ts';
import type { PatternCheck, PatternReply, PatternResult } from './pattern-matcher-worker.ts';

/**
 * The worker itself limits the CPU time of each check. If it still does not respond within this time, it is terminated.
 */
const RESPONSE_TIMEOUT_MS = 10 * SECOND;
/** Maximum number of running and queued checks of all workspaces together. */
const MAX_PENDING_CHECKS = 64;
/** A check that uses this much CPU time marks its workspace as slow. Typical patterns need less than a millisecond. */
const SLOW_CHECK_MS = 5;
/** Time after its last slow check during which a workspace is marked as slow. */
const SLOW_DURATION_MS = 10 * MINUTE;

/**
 * Matches patterns that users wrote. Matching a regular expression can take practically forever (CWE-1333), so it is
 * done in a worker that can be interrupted. V8's linear engine is not an alternative, because it is experimental and
 * does not support lookaround.
 */
export interface PatternMatcher {
  /**
   * Returns one result per check, in order; null instead of the list if a check took too long or ran out of memory.
   * Workspaces take turns with one check each. All workspaces marked as slow share one turn, so that another workspace
   * waits for at most two of their checks. Throws `unavailable` if too many checks that share its turn are queued.
   */
  match(workspaceId: string, checks: readonly PatternCheck[]): Promise<PatternResult[] | null>;
  close(): Promise<void>;
}

export function createPatternMatcher(): PatternMatcher {
  let worker: Worker | null = null;
  const queue = createFairQueue({ maxRunning: 1, capacity: MAX_PENDING_CHECKS });
  /** The time of the last slow check of each slow workspace, oldest first. */
  const lastSlowCheckMs = new Map<string, number>();

  function queueKey(workspaceId: string): string {
    for (const [slowId, checkedAtMs] of lastSlowCheckMs) {
      if (performance.now() - checkedAtMs < SLOW_DURATION_MS) break;
      lastSlowCheckMs.delete(slowId);
    }
    return lastSlowCheckMs.has(workspaceId) ? 'slow' : workspaceId;
  }

  async function startWorker(): Promise<Worker> {
    const workerFile = import.meta.url.endsWith('.ts') ? './pattern-matcher-worker.ts' : './pattern-matcher-worker.js';
    const started = new Worker(new URL(workerFile, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    });
    // The worker may fail while it is idle, which must neither end the process nor delay the next check.
    started
      .on('error', () => undefined)
      .once('exit', () => {
        if (worker === started) worker = null;
      });
    await once(started, 'online');
    return started;
  }

  /**
   * Sends a check to the worker. Returns null if the worker does not respond, or exits because it has too little
   * memory.
   */
  async function sendToWorker(check: PatternCheck): Promise<PatternReply | null> {
    const activeWorker = (worker ??= await startWorker());
    // Only a busy worker keeps the process alive.
    activeWorker.ref();
    const abortController = new AbortController();
    const timer = setTimeout(() => abortController.abort(), RESPONSE_TIMEOUT_MS);
    activeWorker.postMessage(check);
    try {
      const [reply] = (await Promise.race([
        once(activeWorker, 'message', { signal: abortController.signal }),
        once(activeWorker, 'exit', { signal: abortController.signal }).then(() => [null]),
      ])) as [PatternReply | null];
      return reply;
    } catch {
      worker = null;
      await activeWorker.terminate();
      return null;
    } finally {
      clearTimeout(timer);
      // Removes the listener of the event that did not occur.
      abortController.abort();
      activeWorker.unref();
    }
  }

  async function runCheck(workspaceId: string, check: PatternCheck): Promise<PatternResult | null> {
    const reply = await sendToWorker(check);
    if (reply === null || reply.cpuMs >= SLOW_CHECK_MS) {
      lastSlowCheckMs.delete(workspaceId);
      lastSlowCheckMs.set(workspaceId, performance.now());
    }
    return reply?.result ?? null;
  }

  return {
    async match(workspaceId, checks) {
      const results: PatternResult[] = [];
      for (const check of checks) {
        const result = await queue.run(queueKey(workspaceId), () => runCheck(workspaceId, check));
        if (result === null) return null;
        results.push(result);
      }
      return results;
    },
    async close() {
      await worker?.terminate();
      worker = null;
    },
  };
}
