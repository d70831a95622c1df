import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createFairQueue } from '../../contract/fair-queue.ts';
import { MINUTE, SECOND } from '../../contract/limits.ts';
import type { PatternCheck, PatternReply, PatternResult } from './pattern-matcher-worker.ts';

/** The thread limits the CPU time of each check. It is terminated if it does not respond even so. */
const RESPONSE_TIMEOUT_MS = 10 * SECOND;
/** Maximum number of waiting requests, over all workspaces. */
const MAX_QUEUED_REQUESTS = 64;
/** CPU time of a check that makes its workspace a slow one. Patterns in use need less than a millisecond. */
const SLOW_CHECK_MS = 5;
/** A workspace stops being a slow one this long after its last slow check. */
const SLOW_DURATION_MS = 10 * MINUTE;

/**
 * Matches patterns that users wrote. A regular expression can take practically forever (CWE-1333), so they run in a
 * thread that interrupts them. V8's linear engine would do, but is experimental and does not support lookaround.
 */
export interface PatternMatcher {
  /**
   * Returns a result per check, in order; null if one took too long. Workspaces take turns of one check; slow
   * workspaces share one turn, so that the others wait for at most two slow checks. Throws `unavailable` if too many
   * requests of the workspace wait.
   */
  match(workspaceId: string, checks: readonly PatternCheck[]): Promise<PatternResult[] | null>;
  close(): Promise<void>;
}

export function createPatternMatcher(): PatternMatcher {
  let worker: Worker | null = null;
  const queue = createFairQueue({ maxRunning: 1, capacity: MAX_QUEUED_REQUESTS });
  /** Per slow workspace the time of its last slow check, oldest first. */
  const slowSince = new Map<string, number>();

  function queueKey(workspaceId: string): string {
    for (const [slowId, sinceMs] of slowSince) {
      if (performance.now() - sinceMs < SLOW_DURATION_MS) break;
      slowSince.delete(slowId);
    }
    return slowSince.has(workspaceId) ? 'slow' : workspaceId;
  }

  async function startWorker(): Promise<Worker> {
    const workerFile = import.meta.url.endsWith('.ts') ? './pattern-matcher-worker.ts' : './pattern-matcher-worker.js';
    const started = new Worker(new URL(workerFile, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    });
    // It may fail while no check runs, which must neither end the process nor delay the next check.
    started
      .on('error', () => undefined)
      .once('exit', () => {
        if (worker === started) worker = null;
      });
    await once(started, 'online');
    return started;
  }

  /** Returns null if the thread does not respond, or exited by itself: a pattern used up its memory. */
  async function sendToWorker(check: PatternCheck): Promise<PatternReply | null> {
    const activeWorker = (worker ??= await startWorker());
    // An idle thread does not keep the process alive, a busy one does.
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
      abortController.abort();
      activeWorker.unref();
    }
  }

  async function runCheck(workspaceId: string, check: PatternCheck): Promise<PatternResult | null> {
    const reply = await sendToWorker(check);
    if (reply === null || reply.cpuMs >= SLOW_CHECK_MS) {
      slowSince.delete(workspaceId);
      slowSince.set(workspaceId, performance.now());
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
