import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'devpilot-ssh-';
const FOLDER_NAME = /^devpilot-ssh-(\d+)-/;
const PRIVATE_FOLDER = 0o40700;

/**
 * Creates a private folder for a key; its name contains the process id, so that it can be removed if the process is
 * killed.
 */
export const createKeyFolder = (): Promise<string> => mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));

function isProcessRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Returns whether no other user can have created or changed a folder, because the temporary directory is shared. */
async function isOwnKeyFolder(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => null);
  return found !== null && found.mode === PRIVATE_FOLDER && found.uid === process.getuid?.();
}

/** Removes this user's key folders of processes that no longer run. */
export async function sweepKeyFolders(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(FOLDER_NAME.exec(name)?.[1]);
    const path = join(tmpdir(), name);
    if (pid > 0 && !isProcessRunning(pid) && (await isOwnKeyFolder(path)))
      await rm(path, { recursive: true, force: true });
  }
}
