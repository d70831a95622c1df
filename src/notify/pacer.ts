import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { SECOND } from '../contract/limits.ts';

/** The rate is adapted to the load at this interval; milliseconds. */
const INTERVAL_MS = 50;
/** Minimum and maximum rate, in messages per second. `START_TIMES_PER_PAUSE` may lower the minimum. */
const MIN_PER_SECOND = 50;
const MAX_PER_SECOND = 5_000;
/**
 * On a saturated node, the pause after a message is at least this many times the time that starting a message takes.
 * This bounds the share of CPU time that messages use, on slow and on fast machines.
 */
const START_TIMES_PER_PAUSE = 300;
/** Weight of each message in the moving average of the time to start a message. */
const AVERAGE_WEIGHT = 0.1;
const INITIAL_PER_SECOND = 500;
/** Utilizations of the event loop above which the rate is reduced slightly (`BUSY`) and strongly (`SATURATED`). */
const BUSY = 0.4;
const SATURATED = 0.7;
/** Shorter pauses are skipped, because they cost more than they save. */
const SHORTEST_PAUSE_MS = 5;

/**
 * Returns the rate for the next interval in messages per second, given the utilization of the event loop in the last
 * interval and the milliseconds that starting a message takes. Pure.
 */
export function nextRate(perSecond: number, utilization: number, startMs: number): number {
  let factor = 1.1;
  if (utilization > SATURATED) factor = 0.5;
  else if (utilization > BUSY) factor = 0.8;
  const minPerSecond = Math.min(MIN_PER_SECOND, SECOND / (startMs * START_TIMES_PER_PAUSE));
  return Math.min(Math.max(perSecond * factor, minPerSecond, 1), MAX_PER_SECOND);
}

export interface Pacer {
  /**
   * Calls `start` when the next message may be sent, and returns its result. Also rejects if the signal is aborted
   * before that call.
   */
  run<Result>(start: () => Promise<Result>, signal: AbortSignal): Promise<Result>;
}

/**
 * Prevents the messages that a node sends from starving the requests that it serves: the rate grows until the event
 * loop is busy with messages or requests, and shrinks to a minimum while the event loop is saturated. Without a pacer,
 * the throughput of `/v1/authorize` drops to a fraction while messages are sent (`npm run bench -- notify`).
 */
export function createPacer(): Pacer {
  let perSecond = INITIAL_PER_SECOND;
  let lastUtilization = performance.eventLoopUtilization();
  let lastMeasuredMs = performance.now();
  let nextStartMs = 0;
  let averageStartMs = 0;

  function adaptRate(nowMs: number): void {
    const elapsedMs = nowMs - lastMeasuredMs;
    if (elapsedMs < INTERVAL_MS) return;
    const current = performance.eventLoopUtilization();
    perSecond = nextRate(
      perSecond,
      performance.eventLoopUtilization(current, lastUtilization).utilization,
      averageStartMs,
    );
    lastUtilization = current;
    lastMeasuredMs = nowMs;
  }

  return {
    async run(start, signal) {
      const nowMs = performance.now();
      adaptRate(nowMs);
      nextStartMs = Math.max(nextStartMs, nowMs) + SECOND / perSecond;
      const pauseMs = nextStartMs - nowMs;
      if (pauseMs >= SHORTEST_PAUSE_MS) await pause(pauseMs, undefined, { signal });
      const startedMs = performance.now();
      const running = start();
      averageStartMs += (performance.now() - startedMs - averageStartMs) * AVERAGE_WEIGHT;
      return running;
    },
  };
}
