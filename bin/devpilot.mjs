#!/usr/bin/env node
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 14)) {
  process.stderr.write(
    `devpilot: needs Node 24.14 or later; this is ${process.version}. Run it as "npx devpilot" in the project, which brings its own.\n`,
  );
  process.exit(1);
}
await import('../src/cli/main.ts');
