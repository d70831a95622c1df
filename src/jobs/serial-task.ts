/** A task that never runs more than once at a time. */
export interface SerialTask {
  /** Runs the task now. If it is running, it runs once more afterwards, even if this is called several times. */
  request(): void;
  /** Resolves when the current run has ended, even if another run follows. */
  currentRun(): Promise<void>;
}

/** States: idle, running, and running with another run requested. */
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
    currentRun: () => running,
  };
}
