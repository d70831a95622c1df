import { spawnSync } from 'node:child_process';

/** The system's keychain through its own command. Each answers false or null where there is none that works. */
interface Keychain {
  keep(account: string, secret: string): boolean;
  find(account: string): string | null;
  forget(account: string): void;
}

const SERVICE = 'devpilot';
const PATIENCE = 30_000;

function run(command: string, args: readonly string[], input = ''): string | null {
  const { status, stdout } = spawnSync(command, args, {
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: PATIENCE,
  });
  return status === 0 ? stdout.replace(/\n$/, '') : null;
}

const attributes = (account: string) => ['service', SERVICE, 'account', account];
const secretService: Keychain = {
  keep: (account, secret) =>
    run('secret-tool', ['store', `--label=Devpilot (${account})`, ...attributes(account)], secret) !== null &&
    secretService.find(account) === secret,
  find: (account) => run('secret-tool', ['lookup', ...attributes(account)]),
  forget: (account) => void run('secret-tool', ['clear', ...attributes(account)]),
};

/** macOS. The secret goes in on standard input, where no process list shows it. */
const security: Keychain = {
  keep: (account, secret) =>
    /^[\w.@-]+$/.test(account) &&
    run('security', ['-i'], `add-generic-password -U -s ${SERVICE} -a ${account} -w ${secret}\n`) !== null &&
    security.find(account) === secret,
  find: (account) => run('security', ['find-generic-password', '-s', SERVICE, '-a', account, '-w']),
  forget: (account) => void run('security', ['delete-generic-password', '-s', SERVICE, '-a', account]),
};

const none: Keychain = { keep: () => false, find: () => null, forget: () => {} };

export const keychain: Keychain =
  process.env['DEVPILOT_KEYCHAIN'] === 'off' ? none : process.platform === 'darwin' ? security : secretService;
