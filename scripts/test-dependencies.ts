import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  ensureApache,
  ensureCommand,
  ensureOAuthClients,
  ensurePythonDotenv,
  ensurePythonSentrySdk,
} from '../src/testing/debian-packages.ts';

/**
 * Installs the Debian packages of programs that tests start, if missing. The tests themselves run concurrently and
 * would interfere with each other. The browser is that of `CHROMIUM_PATH`, or Debian's headless shell, or Debian's Chromium.
 */
const PACKAGES: Readonly<Record<string, string>> = {
  caddy: 'caddy',
  curl: 'curl',
  'docker-compose': 'docker-compose',
  fish: 'fish',
  git: 'git',
  'git-lfs': 'git-lfs',
  go: 'golang-go',
  haproxy: 'haproxy',
  mariadbd: 'mariadb-server',
  nginx: 'nginx',
  openssl: 'openssl',
  pg_dump: 'postgresql',
  pgbouncer: 'pgbouncer',
  promtool: 'prometheus',
  ps: 'procps',
  python3: 'python3',
  'redis-server': 'redis-server',
  sqlite3: 'sqlite3',
  ssh: 'openssh-client',
  sshd: 'openssh-server',
  strace: 'strace',
  'systemd-analyze': 'systemd',
  varnishd: 'varnish',
  wget: 'wget',
  zsh: 'zsh',
};

let missing = 0;
function tryPart(part: () => void): void {
  try {
    part();
  } catch (error) {
    missing++;
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  }
}

for (const [command, debianPackage] of Object.entries(PACKAGES)) tryPart(() => ensureCommand(command, debianPackage));
tryPart(ensureOAuthClients);
tryPart(ensurePythonDotenv);
tryPart(ensurePythonSentrySdk);
tryPart(ensureApache);

const chosen = process.env['CHROMIUM_PATH'];
tryPart(() => {
  if (chosen !== undefined) {
    if (!existsSync(chosen)) throw new Error(`CHROMIUM_PATH is ${chosen}, which does not exist.`);
    return;
  }
  try {
    ensureCommand('chromium-headless-shell');
  } catch {
    ensureCommand('chromium');
  }
});

// PostgreSQL refuses to run as root, so tests run by root start it as this user.
tryPart(() => {
  if (process.getuid?.() !== 0 || spawnSync('id', ['-u', 'postgres']).status === 0) return;
  execFileSync('useradd', ['--user-group', 'postgres'], { stdio: ['ignore', 'ignore', 'inherit'] });
});

process.exitCode = missing === 0 ? 0 : 1;
