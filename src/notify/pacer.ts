import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { SECOND } from '../contract/limits.ts';

/** How often the rate follows the load. */
const INTERVAL_MS = 50;
/** Messages per second that a node sends however busy it is, if each takes no time, and at most. */
const MIN_PER_SECOND = 50;
const MAX_PER_SECOND = 5_000;
/**
 * The pause after a message of a saturated node, in multiples of the time that starting a message takes, which is a
 * fraction of what it takes in all: it bounds the share of messages on slow and fast machines alike.
 */
const START_TIMES_PER_PAUSE = 300;
/** How much of the average time to start a message each message determines. */
const WEIGHT = 0.1;
const FIRST_PER_SECOND = 500;
/** The event loop's utilization above which messages are sent less often, and above which others certainly wait for it. */
const BUSY = 0.4;
const SATURATED = 0.7;
/** Shorter pauses cost more than they save. */
const SHORTEST_PAUSE_MS = 5;

/**
 * Returns the messages per second of the next interval, for the utilization of the event loop in the last one and the
 * milliseconds that starting a message takes. Pure.
 */
export function nextRate(perSecond: number, utilization: number, startMs: number): number {
  const factor = utilization > SATURATED ? 0.5 : utilization > BUSY ? 0.8 : 1.1;
  const least = Math.min(MIN_PER_SECOND, SECOND / (startMs * START_TIMES_PER_PAUSE));
  return Math.min(Math.max(perSecond * factor, least, 1), MAX_PER_SECOND);
}

export interface Pacer {
  /** Calls `start` when the next message may be sent, and returns its result. Rejects if the signal is aborted. */
  run<Result>(start: () => Promise<Result>, signal: AbortSignal): Promise<Result>;
}

/**
 * Keeps the messages that a node sends from taking the event loop from its requests: the rate grows until the loop is
 * busy, with messages or with requests, and shrinks to a minimum while it is saturated. Without it, `/v1/authorize` had
 * a fraction of its throughput while messages were sent (`npm run bench -- notify`).
 */
export function createPacer(): Pacer {
  let perSecond = FIRST_PER_SECOND;
  let measured = performance.eventLoopUtilization();
  let measuredMs = performance.now();
  let nextMs = 0;
  let startMs = 0;

  function follow(nowMs: number): void {
    const elapsedMs = nowMs - measuredMs;
    if (elapsedMs < INTERVAL_MS) return;
    const current = performance.eventLoopUtilization();
    perSecond = nextRate(perSecond, performance.eventLoopUtilization(current, measured).utilization, startMs);
    measured = current;
    measuredMs = nowMs;
  }

  return {
    async run(start, signal) {
      const nowMs = performance.now();
      follow(nowMs);
      nextMs = Math.max(nextMs, nowMs) + SECOND / perSecond;
      const pauseMs = nextMs - nowMs;
      if (pauseMs >= SHORTEST_PAUSE_MS) await pause(pauseMs, undefined, { signal });
      const startedMs = performance.now();
      const running = start();
      startMs += (performance.now() - startedMs - startMs) * WEIGHT;
      return running;
    },
  };
}
