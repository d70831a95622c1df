import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createFairQueue } from '../../../contract/fair-queue.ts';
import { SECOND } from '../../../contract/limits.ts';
import { findSourceMapIds, readSourceMap } from '../../../store/source-maps.ts';
import type { Store } from '../../../store/store.ts';
import type { OriginalPosition, Position } from './source-map.ts';
import type { SourceMapReply, SourceMapTask } from './source-map-worker.ts';

/** The worker is terminated if a task takes longer than this. The largest maps take about a second. */
const TASK_TIMEOUT_MS = 15 * SECOND;
const WORKER_MEMORY_MB = 512;
/** Maximum number of queued tasks of all workspaces together. */
const MAX_QUEUED_TASKS = 64;
/** Maximum number of cached positions; the oldest is evicted first. */
const MAX_CACHED_POSITIONS = 5_000;
const MAX_POSITIONS_PER_TASK = 500;

export interface FramePosition extends Position {
  readonly debugId: string;
}

/** Reads source maps in a worker thread, because parsing a large one takes up to a second. */
export interface SourceMapResolver {
  /**
   * Checks and compresses a map. Calls `read` only when the map's turn has come, so that waiting maps, of up to 40 MiB
   * each, are not in memory. Throws the errors of `read`, and `unavailable` if too many tasks of the workspace are
   * queued.
   */
  check(workspaceId: string, read: () => Promise<Uint8Array>): Promise<SourceMapReply>;
  /**
   * Returns the original position of each position; null for a position without a map. `app` is the slug of the app
   * whose maps are used, or null for the maps of any app. No map is read after `deadlineMs` on the clock of
   * `performance.now()`.
   */
  resolve(
    workspaceId: string,
    app: string | null,
    positions: readonly FramePosition[],
    deadlineMs: number,
  ): Promise<readonly (OriginalPosition | null)[]>;
  close(): Promise<void>;
}

/** Runs tasks in a worker thread, one at a time; workspaces take turns. */
function createTaskRunner() {
  let worker: Worker | null = null;
  const queue = createFairQueue({ maxRunning: 1, capacity: MAX_QUEUED_TASKS });

  function startWorker(): Worker {
    const workerFile = import.meta.url.endsWith('.ts') ? './source-map-worker.ts' : './source-map-worker.js';
    const started = new Worker(new URL(workerFile, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: WORKER_MEMORY_MB },
    });
    // The worker ends if a map needs too much memory; the handler prevents that from ending the process.
    started
      .on('error', () => undefined)
      .once('exit', () => {
        if (worker === started) worker = null;
      });
    return started;
  }

  /** Returns null if the worker did not respond in time, or ended. */
  async function send(task: SourceMapTask): Promise<SourceMapReply | null> {
    const active = (worker ??= startWorker());
    // Only a busy worker keeps the process alive.
    active.ref();
    const abortController = new AbortController();
    const { signal } = abortController;
    const timer = setTimeout(() => abortController.abort(), TASK_TIMEOUT_MS);
    active.postMessage(task);
    try {
      const [reply] = (await Promise.race([
        once(active, 'message', { signal }),
        once(active, 'exit', { signal }).then(() => [null]),
      ])) as [SourceMapReply | null];
      return reply;
    } catch {
      await active.terminate();
      return null;
    } finally {
      clearTimeout(timer);
      // Removes the listener of the event that did not occur.
      abortController.abort();
      active.unref();
    }
  }

  return {
    /**
     * Calls `prepare` when it is the workspace's turn, and runs the task that it returns. Returns null if `prepare`
     * returns no task or the worker fails.
     */
    run: (workspaceId: string, prepare: () => Promise<SourceMapTask | undefined>) =>
      queue.run(workspaceId, async () => {
        const task = await prepare();
        return task === undefined ? null : send(task);
      }),
    async close(): Promise<void> {
      await worker?.terminate();
      worker = null;
    },
  };
}

const cacheKey = (mapId: string, { line, column }: Position): string => `${mapId} ${line} ${column}`;

export function createSourceMapResolver(store: Store): SourceMapResolver {
  const runner = createTaskRunner();
  /** Original positions by `cacheKey`. They stay valid, because a stored map never changes. */
  const cache = new Map<string, OriginalPosition | null>();

  function addToCache(key: string, resolved: OriginalPosition | null): void {
    cache.delete(key);
    cache.set(key, resolved);
    for (const oldest of cache.keys()) {
      if (cache.size <= MAX_CACHED_POSITIONS) break;
      cache.delete(oldest);
    }
  }

  /**
   * Resolves positions of one map, of which at most `MAX_POSITIONS_PER_TASK` that are not cached. Returns the results
   * by `cacheKey`; only the cached ones if the map cannot be read.
   */
  async function resolveWith(
    workspaceId: string,
    mapId: string,
    positions: readonly Position[],
    deadlineMs: number,
  ): Promise<ReadonlyMap<string, OriginalPosition | null>> {
    const results = new Map<string, OriginalPosition | null>();
    const uncached = new Map<string, Position>();
    for (const position of positions) {
      const key = cacheKey(mapId, position);
      const cached = cache.get(key);
      if (cached === undefined) uncached.set(key, position);
      else results.set(key, cached);
    }
    const unresolved = [...uncached].slice(0, MAX_POSITIONS_PER_TASK);
    if (unresolved.length === 0) return results;
    const reply = await runner.run(workspaceId, async () => {
      if (performance.now() > deadlineMs) return undefined;
      const packed = await readSourceMap(store.read, workspaceId, mapId);
      return packed && { kind: 'resolve', packed, positions: unresolved.map(([, position]) => position) };
    });
    if (reply === null || !('resolved' in reply)) return results;
    for (const [index, [key]] of unresolved.entries()) {
      const resolved = reply.resolved[index] ?? null;
      addToCache(key, resolved);
      results.set(key, resolved);
    }
    return results;
  }

  return {
    async check(workspaceId, read) {
      const reply = await runner.run(workspaceId, async () => ({ kind: 'check', bytes: await read() }));
      return reply ?? { defect: 'takes too long or too much memory to read' };
    },
    async resolve(workspaceId, app, positions, deadlineMs) {
      const debugIds = [...new Set(positions.map(({ debugId }) => debugId))];
      const mapIds = await findSourceMapIds(store.read, workspaceId, app, debugIds);
      const resolved = new Map<string, OriginalPosition | null>();
      for (const [debugId, mapId] of mapIds) {
        const positionsOfMap = positions.filter((position) => position.debugId === debugId);
        // If a map cannot be read now, its frames are shown as they were reported.
        const results = await resolveWith(workspaceId, mapId, positionsOfMap, deadlineMs).catch(
          () => new Map<string, OriginalPosition | null>(),
        );
        for (const [key, result] of results) resolved.set(key, result);
      }
      return positions.map((position) => resolved.get(cacheKey(mapIds.get(position.debugId) ?? '', position)) ?? null);
    },
    close: () => runner.close(),
  };
}
