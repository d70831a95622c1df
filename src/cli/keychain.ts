import { spawnSync } from 'node:child_process';

/**
 * The secrets of profiles in the keychain of the operating system, accessed through its command-line program. If there
 * is no working keychain, `save` returns false and `find` null. `find` also returns null for an unknown profile.
 */
interface Keychain {
  save(profileName: string, secret: string): boolean;
  find(profileName: string): string | null;
  remove(profileName: string): void;
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

const attributes = (profileName: string) => ['service', SERVICE, 'account', profileName];
/** The Secret Service of Linux desktops. */
const secretServiceKeychain: Keychain = {
  save: (profileName, secret) =>
    runCommand('secret-tool', ['store', `--label=Devpilot (${profileName})`, ...attributes(profileName)], secret) !==
      null && secretServiceKeychain.find(profileName) === secret,
  find: (profileName) => runCommand('secret-tool', ['lookup', ...attributes(profileName)]),
  remove: (profileName) => void runCommand('secret-tool', ['clear', ...attributes(profileName)]),
};

/**
 * The keychain of macOS. The secret is passed on standard input, because arguments are visible in the process list.
 * There, `security` parses a command line, so only names without special characters are accepted.
 */
const macosKeychain: Keychain = {
  save: (profileName, secret) =>
    /^[\w.@-]+$/.test(profileName) &&
    runCommand('security', ['-i'], `add-generic-password -U -s ${SERVICE} -a ${profileName} -w ${secret}\n`) !== null &&
    macosKeychain.find(profileName) === secret,
  find: (profileName) => runCommand('security', ['find-generic-password', '-s', SERVICE, '-a', profileName, '-w']),
  remove: (profileName) => void runCommand('security', ['delete-generic-password', '-s', SERVICE, '-a', profileName]),
};

const noKeychain: Keychain = { save: () => false, find: () => null, remove: () => {} };

const systemKeychain = process.platform === 'darwin' ? macosKeychain : secretServiceKeychain;
export const keychain: Keychain = process.env['DEVPILOT_KEYCHAIN'] === 'off' ? noKeychain : systemKeychain;
