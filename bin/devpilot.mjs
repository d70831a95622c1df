#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
// As a whole: an older Node, which the version below is for, has not all of its names. For the same reason this file has
// only syntax that Node 12 knows.
import * as module from 'node:module';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isTooOld = major < 24 || (major === 24 && minor < 14);
const inModules = (path) => fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url));
const ownNode = inModules(`node-${process.platform}-${process.arch}/bin/node`);

/** Hands over to the Node that is installed with the project, where the one that was found in PATH is too old. */
function runWithOwnNode() {
  const child = spawn(ownNode, process.argv.slice(1), { stdio: 'inherit' });
  // A terminal sends its interrupt to the child as well.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code === null ? 1 : code));
}

if (isTooOld && existsSync(ownNode)) {
  runWithOwnNode();
} else if (isTooOld) {
  process.stderr.write(
    `devpilot: Node 24.14 or later is required; this is ${process.version}. Install Node 26 (https://nodejs.org/), or run "npx devpilot" in the project to use the Node version it installs.\n`,
  );
  process.exitCode = 1;
} else {
  // Compiled code is kept beside the dependencies, so that a start neither compiles nor strips types anew: it
  // takes 0.7 s and 45 MB less. Where the folder can't be written, nothing is kept. Threads read the variable.
  if (process.env.NODE_COMPILE_CACHE === undefined) process.env.NODE_COMPILE_CACHE = inModules('.cache/devpilot');
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  import('../src/cli/main.ts');
}
