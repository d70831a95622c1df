import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';

function readProcFile(pid: string, name: string): string {
  try {
    return /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/${name}`, 'latin1') : '';
  } catch {
    // The process has ended.
    return '';
  }
}

/** Returns whether a process is running whose command line contains these consecutive arguments. */
export function isRunning(...args: readonly string[]): boolean {
  return readdirSync('/proc').some((pid) => readProcFile(pid, 'cmdline').includes(args.join('\0')));
}

/** Returns whether a process has a child whose command line contains this text. */
export function hasChild(parent: number, text: string): boolean {
  return readdirSync('/proc').some((pid) => {
    const [, parentPid] = /\) \S+ (\d+)/.exec(readProcFile(pid, 'stat')) ?? [];
    return Number(parentPid) === parent && readProcFile(pid, 'cmdline').includes(text);
  });
}

/** Returns the names of the folders in which this process stores SSH private keys. */
export const listOwnKeyFolders = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`devpilot-ssh-${process.pid}-`));
