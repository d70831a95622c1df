import { Problem } from '../contract/problem.ts';

export interface Queue {
  /** Runs `work` when its turn comes. Throws `unavailable` at once when the line is full. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Works running and waiting. */
  size(): number;
}

/** At most `running` works at a time and `waiting` more in line; who finds the line full is refused. */
export function createQueue(running: number, waiting: number): Queue {
  let active = 0;
  const line: (() => void)[] = [];
  return {
    async run(work) {
      if (active >= running) {
        if (line.length >= waiting) throw new Problem('unavailable', 'Too much work at once.', { retryAfter: 1 });
        await new Promise<void>((resolve) => line.push(resolve));
      } else active++;
      try {
        return await work();
      } finally {
        // The place is handed on, so `active` stays as it is.
        const next = line.shift();
        if (next === undefined) active--;
        else next();
      }
    },
    size: () => active + line.length,
  };
}
