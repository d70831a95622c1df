import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';

function read(pid: string, name: string): string {
  try {
    return /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/${name}`, 'latin1') : '';
  } catch {
    // The process has ended in the meantime.
    return '';
  }
}

/** Whether a process is running whose command line contains these words, separated by NUL. */
export function isRunning(...words: readonly string[]): boolean {
  return readdirSync('/proc').some((pid) => read(pid, 'cmdline').includes(words.join('\0')));
}

/** Whether a process has a child whose command line contains this text. */
export function hasChild(parent: number, part: string): boolean {
  return readdirSync('/proc').some((pid) => {
    const [, itsParent] = /\) \S+ (\d+)/.exec(read(pid, 'stat')) ?? [];
    return Number(itsParent) === parent && read(pid, 'cmdline').includes(part);
  });
}

/** Folders with private keys that belong to this process. */
export const ownKeyFolders = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`devpilot-ssh-${process.pid}-`));
