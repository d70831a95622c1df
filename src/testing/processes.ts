import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';

function read(pid: string, name: string): string {
  try {
    return /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/${name}`, 'latin1') : '';
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

/** Whether a process is there whose command line holds these words, NUL between them. */
export function isRunning(...words: readonly string[]): boolean {
  return readdirSync('/proc').some((pid) => read(pid, 'cmdline').includes(words.join('\0')));
}

/** Whether a process has a child whose command line holds this. */
export function hasChild(parent: number, part: string): boolean {
  return readdirSync('/proc').some((pid) => {
    const [, itsParent] = /\) \S+ (\d+)/.exec(read(pid, 'stat')) ?? [];
    return Number(itsParent) === parent && read(pid, 'cmdline').includes(part);
  });
}

/** The folders with private keys that this process has. */
export const ownKeyFolders = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`devpilot-ssh-${process.pid}-`));
