import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'devpilot-ssh-';
const FOLDER_NAME = /^devpilot-ssh-(\d+)-/;
/** Type and permissions of a directory that only its owner can access (`st_mode`). */
const PRIVATE_FOLDER = 0o40700;

/**
 * Creates a private folder for the key and the socket of an SSH connection. Its name contains the process ID, so that
 * `sweepKeyFolders` can remove the folder after the process was killed.
 */
export const createKeyFolder = (): Promise<string> => mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));

function isProcessRunning(pid: number): boolean {
  try {
    // Signal 0 is not delivered; it only checks whether the process exists.
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * Returns whether a path is a private folder of this user. Checked because other users can also create entries in the
 * temporary directory.
 */
async function isOwnPrivateFolder(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => null);
  return stats !== null && stats.mode === PRIVATE_FOLDER && stats.uid === process.getuid?.();
}

/** Removes this user's key folders of processes that have ended. */
export async function sweepKeyFolders(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = FOLDER_NAME.exec(name)?.[1];
    if (pid === undefined || Number(pid) === 0 || isProcessRunning(Number(pid))) continue;
    const path = join(tmpdir(), name);
    if (await isOwnPrivateFolder(path)) await rm(path, { recursive: true, force: true });
  }
}
