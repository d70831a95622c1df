/** Work that responses do not wait for, such as mail: one after the other, bounded, finished at a clean stop. */
export interface Background {
  /** Drops the work where too much of it waits. */
  run(work: () => Promise<void>): void;
  /** Resolves when everything that was started has ended. */
  idle(): Promise<void>;
}

/** `max` is how many pieces of work may wait. */
export function createBackground(max: number, onError: (error: unknown) => void): Background {
  let waiting = 0;
  let last = Promise.resolve();
  return {
    run(work) {
      if (waiting >= max) return onError(new Error('Too much work waits; some of it was dropped.'));
      waiting++;
      last = last
        .then(work)
        .catch(onError)
        .then(() => {
          waiting--;
        });
    },
    idle: () => last,
  };
}
