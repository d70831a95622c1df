import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'last-backup.json';

/** Records a completed backup in the data directory, if there is one; `startedAt` is in epoch milliseconds. */
export function recordBackupTime(dataDirectory: string, startedAt: number): void {
  if (!existsSync(dataDirectory)) return;
  const path = join(dataDirectory, FILE);
  writeFileSync(`${path}.new`, `${JSON.stringify({ at: new Date(startedAt).toISOString() })}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Returns the start time of the last completed backup in epoch milliseconds; 0 if none is known. */
export function readLastBackupTime(dataDirectory: string): number {
  try {
    const { at: completedAt } = JSON.parse(readFileSync(join(dataDirectory, FILE), 'utf8')) as { at?: unknown };
    return Date.parse(String(completedAt)) || 0;
  } catch {
    return 0;
  }
}
