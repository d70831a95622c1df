/** A task that never runs more than once at a time. */
export interface SerialTask {
  /** Starts the task. While it is running, any number of calls make it run once more after the current run. */
  request(): void;
  /** Resolves when the current run, if any, has ended, even if another run follows. */
  currentRun(): Promise<void>;
}

export function createSerialTask(work: () => Promise<void>, onError: (error: unknown) => void): SerialTask {
  /** `requested`: running, and another run was requested. */
  let state: 'idle' | 'running' | 'requested' = 'idle';
  let currentRun: Promise<void> = Promise.resolve();
  function run(): void {
    state = 'running';
    currentRun = work()
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
    currentRun: () => currentRun,
  };
}
