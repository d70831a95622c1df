#!/usr/bin/env node
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 14)) {
  process.stderr.write(
    `devpilot: needs Node 24.14 or later; this is ${process.version}. Run it as "npx devpilot" in the project, which brings its own.\n`,
  );
  process.exit(1);
}
// Types are stripped once and not at every start. Inside the project: a shared temporary directory is not to be trusted.
module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/devpilot', import.meta.url)));
await import('../src/cli/main.ts');
