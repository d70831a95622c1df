import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryDirectory } from './temporary-directory.ts';

/** A Git repository in a temporary directory. */
export interface TestRepository {
  readonly path: string;
  /** Writes files, commits all changes and returns the hash of the commit. */
  commit(files: Readonly<Record<string, string>>, message?: string): string;
  /** Runs a Git command in the repository and returns its output. */
  git(...args: string[]): string;
}

export function createTestRepository(): TestRepository {
  const path = temporaryDirectory();
  const environment = {
    PATH: process.env['PATH'],
    HOME: path,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  };
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', path, ...args], { env: environment, encoding: 'utf8' }).trim();
  git('init', '--quiet', '--initial-branch=main');
  return {
    path,
    git,
    commit(files, message = 'Work') {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(path, name)), { recursive: true });
        writeFileSync(join(path, name), text);
      }
      git('add', '--all');
      git('commit', '--quiet', '--allow-empty', '--message', message);
      return git('rev-parse', 'HEAD');
    },
  };
}
