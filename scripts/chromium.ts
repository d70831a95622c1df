import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Makes sure of a Chromium for the tests in the browser: `CHROMIUM_PATH`, else Debian's, installed if it is missing. */
const path = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
if (!existsSync(path)) {
  if (process.env['CHROMIUM_PATH'] !== undefined) {
    process.stderr.write(`CHROMIUM_PATH names ${path}, where there is nothing.\n`);
    process.exit(1);
  }
  try {
    process.stdout.write('Installing Chromium …\n');
    const options = { stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'] };
    execFileSync('apt-get', ['update', '-qq'], options);
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], options);
  } catch {
    process.stderr.write('Chromium could not be installed. Install it yourself and set CHROMIUM_PATH.\n');
    process.exit(1);
  }
}
