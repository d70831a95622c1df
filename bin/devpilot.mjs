#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
// A namespace import, because a named import that an older Node lacks would fail before the version message is printed.
// For the same reason, this file contains only syntax that Node 12 supports.
import * as module from 'node:module';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isTooOld = major < 24 || (major === 24 && minor < 14);
const pathInNodeModules = (path) => fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url));
const installedNode = pathInNodeModules(`node-${process.platform}-${process.arch}/bin/node`);

/** Runs this file again with the Node version that is installed with the project. */
function runWithInstalledNode() {
  const child = spawn(installedNode, process.argv.slice(1), { stdio: 'inherit' });
  // On Ctrl-C in a terminal, the terminal itself sends SIGINT to the child.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code === null ? 1 : code));
}

if (isTooOld && existsSync(installedNode)) {
  runWithInstalledNode();
} else if (isTooOld) {
  process.stderr.write(
    `devpilot: Node 24.14 or later is required; this is ${process.version}. Install Node 26 (https://nodejs.org/), or run "npx devpilot" in the project to use the Node version it installs.\n`,
  );
  process.exitCode = 1;
} else {
  // The compile cache lets later starts skip type stripping and compilation, which saves 0.7 s and 45 MB per start. If
  // its directory is not writable, nothing is cached. Worker threads find it through NODE_COMPILE_CACHE.
  if (process.env.NODE_COMPILE_CACHE === undefined)
    process.env.NODE_COMPILE_CACHE = pathInNodeModules('.cache/devpilot');
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  import('../src/cli/main.ts');
}
