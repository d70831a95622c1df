/** A task of which one call runs at a time. */
export interface SerialTask {
  /** Runs it now; while it runs, once more afterwards, however often this is called. */
  request(): void;
  /** Resolves when the call under way has ended. */
  idle(): Promise<void>;
}

/** States: idle, running, and running with another call requested. */
export function createSerialTask(work: () => Promise<void>, onError: (error: unknown) => void): SerialTask {
  let state: 'idle' | 'running' | 'requested' = 'idle';
  let running: Promise<void> = Promise.resolve();
  function run(): void {
    state = 'running';
    running = work()
      .catch(onError)
      .then(() => {
        if (state === 'requested') run();
        else state = 'idle';
      });
  }
  return {
    request() {
      if (state === 'idle') run();
      else state = 'requested';
    },
    idle: () => running,
  };
}
