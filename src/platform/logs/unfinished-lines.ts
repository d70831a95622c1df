import type { LogLine } from '../../contract/logs.ts';

/** Maximum number of unfinished lines of a log; the oldest is removed first. */
const MAX_UNFINISHED_LINES = 20;

const keyOf = ({ step, serverId, stream }: LogLine): string => JSON.stringify([step, serverId, stream]);

/** The current unfinished lines of a log: at most one per step, server and stream. */
export interface UnfinishedLines {
  set(line: LogLine): void;
  /** Removes the unfinished version of a line that is now complete. */
  removeVersionOf(line: LogLine): void;
  /** Returns the lines as JSON; null if there are none. */
  toJson(): string | null;
}

export function createUnfinishedLines(): UnfinishedLines {
  const lines = new Map<string, LogLine>();
  return {
    set(line) {
      const key = keyOf(line);
      lines.delete(key);
      lines.set(key, { ...line, partial: true });
      const [oldest] = lines.keys();
      if (lines.size > MAX_UNFINISHED_LINES && oldest !== undefined) lines.delete(oldest);
    },
    removeVersionOf: (line) => void lines.delete(keyOf(line)),
    toJson: () => (lines.size === 0 ? null : JSON.stringify([...lines.values()])),
  };
}
