import { readFileSync } from 'node:fs';

/**
 * Kills a process, or a whole process group by its negative id, in the clean-up of a test. One that has ended
 * already, or was never started (null), is no failure: clean-up must not hide the reason why a test failed.
 */
export function killProcess(pid: number | null): void {
  try {
    if (pid !== null) process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The process id that a file holds, null where there is no such file or no id in it. */
export function readPid(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}
