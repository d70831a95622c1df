import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { environmentSetting } from './environment-setting.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { keychain } from './keychain.ts';

/** A server that the user is signed in to. */
export interface Profile {
  readonly url: string;
  readonly workspace: string | null;
  /** Where the secret is stored: in the keychain of the operating system, or in `secret` below. */
  readonly store: 'keychain' | 'file';
  readonly secret?: string;
}

interface Configuration {
  readonly current: string;
  readonly profiles: Readonly<Record<string, Profile>>;
}

function configurationDirectory(): string {
  const configuredDirectory = environmentSetting('DEVPILOT_CONFIG_DIR');
  if (configuredDirectory !== undefined) return configuredDirectory;
  return join(environmentSetting('XDG_CONFIG_HOME') ?? join(homedir(), '.config'), 'devpilot');
}

export const configurationFile = () => join(configurationDirectory(), 'config.json');

function readConfiguration(): Configuration {
  const file = configurationFile();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { current: 'default', profiles: {} };
    throw new Failure(
      `${file} cannot be read: ${(error as NodeJS.ErrnoException).code}. Fix its permissions, or set DEVPILOT_CONFIG_DIR.`,
    );
  }
  if ((statSync(file).mode & 0o077) !== 0) {
    chmodSync(file, 0o600);
    process.stderr.write(
      `devpilot: ${file} was accessible to other users; its mode is now 0600. Consider its secrets leaked.\n`,
    );
  }
  try {
    const { current, profiles } = JSON.parse(text) as Partial<Configuration>;
    return { current: current ?? 'default', profiles: profiles ?? {} };
  } catch {
    throw new Failure(`${file} is not valid JSON. Fix it, or delete it and sign in again.`);
  }
}

/** Writes the configuration file atomically: to a temporary file that is then renamed. */
function writeConfiguration(configuration: Configuration): void {
  mkdirSync(configurationDirectory(), { recursive: true, mode: 0o700 });
  const temporaryFile = `${configurationFile()}.${process.pid}`;
  writeFileSync(temporaryFile, `${JSON.stringify(configuration, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporaryFile, configurationFile());
}

/** Returns the profile name from `--profile` or `DEVPILOT_PROFILE`, or the name of the current profile. */
export function profileName(requestedName: string | undefined): string {
  return requestedName ?? environmentSetting('DEVPILOT_PROFILE') ?? readConfiguration().current;
}

export function findProfile(name: string): Profile | null {
  const { profiles } = readConfiguration();
  return Object.hasOwn(profiles, name) ? (profiles[name] ?? null) : null;
}

export function secretOf(name: string, profile: Profile): string | null {
  return profile.store === 'keychain' ? keychain.find(name) : (profile.secret ?? null);
}

/** Saves a profile and makes it current. The secret is stored in the keychain, or in the file if no keychain works. */
export function saveProfile(
  name: string,
  { url, workspace }: Pick<Profile, 'url' | 'workspace'>,
  secret: string,
): Profile {
  const store = keychain.save(name, secret) ? 'keychain' : 'file';
  const profile: Profile = { url, workspace, store, ...(store === 'file' && { secret }) };
  writeConfiguration({ current: name, profiles: { ...readConfiguration().profiles, [name]: profile } });
  return profile;
}

export function setProfileWorkspace(name: string, workspace: string): void {
  const { current, profiles } = readConfiguration();
  const profile = profiles[name];
  if (profile === undefined)
    throw new Failure(`Profile ${name} not found. Run: devpilot login`, EXIT_CODES.signInNeeded);
  writeConfiguration({ current, profiles: { ...profiles, [name]: { ...profile, workspace } } });
}

/**
 * Deletes a profile and its secret. If the profile was current, the first of the remaining profiles becomes current.
 */
export function forgetProfile(name: string): void {
  const { current, profiles } = readConfiguration();
  if (profiles[name]?.store === 'keychain') keychain.remove(name);
  const remaining = Object.fromEntries(Object.entries(profiles).filter(([otherName]) => otherName !== name));
  writeConfiguration({
    current: current === name ? (Object.keys(remaining)[0] ?? 'default') : current,
    profiles: remaining,
  });
}
