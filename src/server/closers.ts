import { createStopDeadline } from './graceful-shutdown.ts';

/** The resources that a process has opened: closed in reverse order when it stops, and when it fails to start. */
export interface Closers {
  /**
   * Adds functions that are called together, before those added earlier. Each has until the deadline of the stop, and
   * at least `leastMs` milliseconds, to end.
   */
  add(level: readonly (() => unknown)[], leastMs?: number): void;
  /**
   * Calls each function once and waits for it; a failure keeps nothing else from being closed. Resolves to the message
   * of the first failure, null if there was none. Past the deadline it keeps waiting as long as `left`, the number of
   * items still to write, decreases.
   */
  closeAll(left?: () => number): Promise<string | null>;
}

export function createClosers(): Closers {
  const levels: { readonly level: readonly (() => unknown)[]; readonly leastMs: number | undefined }[] = [];
  return {
    add(level, leastMs) {
      levels.push({ level, leastMs });
    },
    async closeAll(left = () => 0) {
      const withinStop = createStopDeadline(left);
      let failure: string | null = null;
      for (let next = levels.pop(); next !== undefined; next = levels.pop()) {
        const { level, leastMs } = next;
        const outcomes = await Promise.allSettled(level.map((close) => withinStop(Promise.try(close), leastMs)));
        const failed = outcomes.find((outcome) => outcome.status === 'rejected');
        if (failed !== undefined) failure ??= messageOf(failed.reason);
      }
      return failure;
    },
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
