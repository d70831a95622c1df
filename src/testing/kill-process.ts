import { readFileSync } from 'node:fs';

/**
 * Kills a process, or a process group by its negative ID, during the cleanup of a test. Ignores a process that has
 * ended or was never started (null), because the cleanup must not hide the reason why a test failed.
 */
export function killProcess(pid: number | null): void {
  try {
    if (pid !== null) process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Reads a process ID from a file; null if there is no file or no ID in it. */
export function readPid(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}
