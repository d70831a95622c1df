import { createStopDeadline } from './graceful-shutdown.ts';

/** The open resources of a process. They are closed in reverse order when it stops, or when it fails to start. */
export interface Closers {
  /**
   * Adds a level: functions that are called concurrently, and before the levels that were added earlier. Each must end
   * before the deadline of the shutdown, but has at least `minimumMs` milliseconds.
   */
  add(functions: readonly (() => unknown)[], minimumMs?: number): void;
  /**
   * Closes each level once, after the previous level has ended, even if functions fail. Resolves to the message of the
   * first failure; null if none failed. After the deadline, it continues to wait as long as `remaining()`, the number
   * of items still to write, decreases.
   */
  closeAll(remaining?: () => number): Promise<string | null>;
}

export function createClosers(): Closers {
  const levels: { readonly functions: readonly (() => unknown)[]; readonly minimumMs: number | undefined }[] = [];
  return {
    add(functions, minimumMs) {
      levels.push({ functions, minimumMs });
    },
    async closeAll(remaining = () => 0) {
      const waitUntilDeadline = createStopDeadline(remaining);
      let failure: string | null = null;
      for (let level = levels.pop(); level !== undefined; level = levels.pop()) {
        const { functions, minimumMs } = level;
        const outcomes = await Promise.allSettled(
          functions.map((close) => waitUntilDeadline(Promise.try(close), minimumMs)),
        );
        const failed = outcomes.find((outcome) => outcome.status === 'rejected');
        if (failed !== undefined) failure ??= messageOf(failed.reason);
      }
      return failure;
    },
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
