import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Failure } from '../failure.ts';
import { printNote, sanitizeInline } from '../output.ts';
import { repositoryRoot } from './git.ts';

const COMMAND = 'devpilot scan --staged';
const HOOK = `#!/bin/sh
# Created by "devpilot scan --install-hook". Rejects a commit if a file that it changes contains a Devpilot secret.
if command -v devpilot >/dev/null 2>&1; then exec ${COMMAND}; fi
exec npx ${COMMAND}
`;

/** Returns the path of the pre-commit hook. Considers `core.hooksPath` and linked worktrees. */
function hookPath(root: string): string {
  const args = ['rev-parse', '--git-path', 'hooks/pre-commit'];
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Failure(`The hooks of ${root} were not found.`);
  return resolve(root, stdout.replace(/\n$/, ''));
}

function readHook(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** Installs a pre-commit hook that scans the staged files. Never overwrites an existing hook. */
export function installHook(directory: string, options: { readonly quiet: true | undefined }): void {
  const root = repositoryRoot(directory);
  if (root === null) throw new Failure(`${directory} is not in a Git repository.`);
  const path = hookPath(root);
  const existing = readHook(path);
  if (existing?.includes(COMMAND) === true) {
    printNote(`${sanitizeInline(path)} already runs: ${COMMAND}`, options);
    return;
  }
  if (existing !== null) {
    throw new Failure(`${sanitizeInline(path)} exists already. Add this line to it: npx ${COMMAND} || exit 1`);
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, HOOK, { mode: 0o755, flag: 'wx' });
  printNote(`Installed ${sanitizeInline(path)}.`, options);
}
