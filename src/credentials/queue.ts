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

/** A line for each key: works of one key run one after the other. */
export interface Lines {
  /** Throws `unavailable` at once when too many wait in the line of `key`. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export function createLines(waiting: number): Lines {
  const lines = new Map<string, Queue>();
  return {
    async run(key, work) {
      const line = lines.get(key) ?? createQueue(1, waiting);
      lines.set(key, line);
      try {
        return await line.run(work);
      } finally {
        if (line.size() === 0) lines.delete(key);
      }
    },
  };
}
