import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createFairQueue } from '../contract/fair-queue.ts';
import { SECOND } from '../contract/words.ts';
import type { PatternAsk, PatternVerdict } from './patterns-worker.ts';

/** How long all patterns of one request may take: a pattern that backtracks without end is stopped then. */
const LIMIT = 2 * SECOND;
/** Requests that wait for their turn, over all workspaces. */
const QUEUE = 64;

/**
 * Judges patterns that users wrote. A regular expression can take longer than the universe lasts
 * (CWE-1333), so each runs in a thread of its own that is ended when the time is up: nothing else
 * waits for it. V8's linear engine would do, but is experimental and knows no look-around.
 */
export interface Patterns {
  /**
   * A verdict for each ask, in order; null for all of them where they took too long. Workspaces take turns.
   * Throws `unavailable` when too many of the workspace wait.
   */
  judge(workspaceId: string, asks: readonly PatternAsk[]): Promise<PatternVerdict[] | null>;
  close(): Promise<void>;
}

export function createPatterns(limit: number = LIMIT): Patterns {
  let worker: Worker | null = null;
  const queue = createFairQueue({ running: 1, places: QUEUE });

  /** Starting the thread is none of the patterns' time. */
  async function begin(): Promise<Worker> {
    const body = import.meta.url.endsWith('.ts') ? './patterns-worker.ts' : './patterns-worker.js';
    const begun = new Worker(new URL(body, import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: 64 } });
    await once(begun, 'online');
    return begun;
  }

  /** Null also where the thread ended by itself: a pattern took all its memory. */
  async function ask(asks: readonly PatternAsk[]): Promise<PatternVerdict[] | null> {
    const asked = (worker ??= await begin());
    // An idle thread keeps no process alive, one that is at work does.
    asked.ref();
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), limit);
    asked.postMessage(asks);
    try {
      const [verdicts] = (await Promise.race([
        once(asked, 'message', { signal: over.signal }),
        once(asked, 'exit', { signal: over.signal }).then(() => [null]),
      ])) as [PatternVerdict[] | null];
      if (verdicts === null) worker = null;
      return verdicts;
    } catch {
      worker = null;
      await asked.terminate();
      return null;
    } finally {
      clearTimeout(timer);
      over.abort();
      asked.unref();
    }
  }

  return {
    async judge(workspaceId, asks) {
      return asks.length === 0 ? [] : queue.run(workspaceId, () => ask(asks));
    },
    async close() {
      await worker?.terminate();
      worker = null;
    },
  };
}
