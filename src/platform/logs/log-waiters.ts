/** Poll interval for lines written by other nodes. */
const POLL_INTERVAL_MS = 300;

/** Wakes the readers on this node that are waiting for more lines of a log. */
export interface LogWaiters {
  /** Resolves when a log may have more lines, or the signal is aborted. */
  wait(logId: string, signal: AbortSignal): Promise<void>;
  wake(logId: string): void;
  wakeAll(): void;
}

export function createLogWaiters(): LogWaiters {
  const waitersByLog = new Map<string, Set<() => void>>();

  function wake(logId: string): void {
    for (const wakeWaiter of waitersByLog.get(logId) ?? []) wakeWaiter();
  }

  function wait(logId: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiters = waitersByLog.get(logId) ?? new Set();
      waitersByLog.set(logId, waiters);
      const wakeWaiter = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wakeWaiter);
        waiters.delete(wakeWaiter);
        if (waiters.size === 0) waitersByLog.delete(logId);
        resolve();
      };
      const timer = setTimeout(wakeWaiter, POLL_INTERVAL_MS);
      signal.addEventListener('abort', wakeWaiter, { once: true });
      waiters.add(wakeWaiter);
    });
  }

  return {
    wait,
    wake,
    wakeAll() {
      for (const logId of [...waitersByLog.keys()]) wake(logId);
    },
  };
}
