/**
 * Installs the Debian packages of missing programs that tests start, before the tests run, because installations by
 * concurrent tests would interfere with each other. The browser is `CHROMIUM_PATH` if set, otherwise Debian's headless
 * shell or Chromium.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  ensureApache,
  ensureCommand,
  ensureOAuthClients,
  ensurePythonDotenv,
  ensurePythonSentrySdk,
} from '../src/testing/debian-packages.ts';

/** The Debian package of each command. */
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

let hasFailed = false;
function tryInstall(install: () => void): void {
  try {
    install();
  } catch (error) {
    hasFailed = true;
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  }
}

for (const [command, debianPackage] of Object.entries(PACKAGES))
  tryInstall(() => ensureCommand(command, debianPackage));
tryInstall(ensureOAuthClients);
tryInstall(ensurePythonDotenv);
tryInstall(ensurePythonSentrySdk);
tryInstall(ensureApache);

const chromiumPath = process.env['CHROMIUM_PATH'];
tryInstall(() => {
  if (chromiumPath !== undefined) {
    if (!existsSync(chromiumPath)) throw new Error(`CHROMIUM_PATH is ${chromiumPath}, which does not exist.`);
    return;
  }
  try {
    ensureCommand('chromium-headless-shell');
  } catch {
    ensureCommand('chromium');
  }
});

// PostgreSQL refuses to run as root, so tests that run as root start it as this user.
tryInstall(() => {
  if (process.getuid?.() !== 0 || spawnSync('id', ['-u', 'postgres']).status === 0) return;
  execFileSync('useradd', ['--user-group', 'postgres'], { stdio: ['ignore', 'ignore', 'inherit'] });
});

process.exitCode = hasFailed ? 1 : 0;
