import { spawnSync } from 'node:child_process';

/**
 * The keychain of the operating system, accessed through its command-line program. `save` returns false and `find` null
 * if there is no working keychain.
 */
interface Keychain {
  save(account: string, secret: string): boolean;
  find(account: string): string | null;
  remove(account: string): void;
}

const SERVICE = 'devpilot';
const COMMAND_TIMEOUT_MS = 30_000;

function runCommand(command: string, args: readonly string[], input = ''): string | null {
  const { status, stdout } = spawnSync(command, args, {
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: COMMAND_TIMEOUT_MS,
  });
  return status === 0 ? stdout.replace(/\n$/, '') : null;
}

const attributes = (account: string) => ['service', SERVICE, 'account', account];
/** The Secret Service of Linux desktops. */
const secretServiceKeychain: Keychain = {
  save: (account, secret) =>
    runCommand('secret-tool', ['store', `--label=Devpilot (${account})`, ...attributes(account)], secret) !== null &&
    secretServiceKeychain.find(account) === secret,
  find: (account) => runCommand('secret-tool', ['lookup', ...attributes(account)]),
  remove: (account) => void runCommand('secret-tool', ['clear', ...attributes(account)]),
};

/** The keychain of macOS. The secret is passed on standard input, because arguments are visible in the process list. */
const macosKeychain: Keychain = {
  save: (account, secret) =>
    /^[\w.@-]+$/.test(account) &&
    runCommand('security', ['-i'], `add-generic-password -U -s ${SERVICE} -a ${account} -w ${secret}\n`) !== null &&
    macosKeychain.find(account) === secret,
  find: (account) => runCommand('security', ['find-generic-password', '-s', SERVICE, '-a', account, '-w']),
  remove: (account) => void runCommand('security', ['delete-generic-password', '-s', SERVICE, '-a', account]),
};

const noKeychain: Keychain = { save: () => false, find: () => null, remove: () => {} };

const systemKeychain = process.platform === 'darwin' ? macosKeychain : secretServiceKeychain;
export const keychain: Keychain = process.env['DEVPILOT_KEYCHAIN'] === 'off' ? noKeychain : systemKeychain;
