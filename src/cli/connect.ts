import { type Client, createClient } from '../sdk/client.ts';
import { environmentSetting } from './environment-setting.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import type { OutputOptions } from './output.ts';
import { findProfile, profileName, secretOf } from './profile.ts';
import { fetchWithProgress } from './progress.ts';

/** Options of every command that calls a Devpilot server. */
export interface RemoteOptions extends OutputOptions {
  readonly url: string | undefined;
  readonly profile: string | undefined;
  readonly workspace: string | undefined;
}

const DEFAULT_URL = 'http://127.0.0.1:4000';

/** Validates the URL of a Devpilot server and normalizes it, so that two URLs can be compared. */
export function parseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new Failure('The server URL must start with http:// or https://, such as https://devpilot.example.com.');
  }
  const url = new URL(text);
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/**
 * Returns the URL of the Devpilot server: `--url`, `DEVPILOT_URL`, the profile's, or the default of `devpilot serve`.
 */
export function serverUrl({ url, profile }: Partial<RemoteOptions>): string {
  return parseUrl(url ?? environmentSetting('DEVPILOT_URL') ?? findProfile(profileName(profile))?.url ?? DEFAULT_URL);
}

/**
 * Returns the credential for a server: `DEVPILOT_TOKEN`, or the secret of the profile; null if there is none. The
 * secret of a profile is sent only to the URL that the profile was created for.
 */
function credentialFor(url: string, options: RemoteOptions): string | null {
  const environmentToken = environmentSetting('DEVPILOT_TOKEN');
  if (environmentToken !== undefined) return environmentToken;
  const name = profileName(options.profile);
  const profile = findProfile(name);
  return profile === null || parseUrl(profile.url) !== url ? null : secretOf(name, profile);
}

/** Creates a client. The passphrase in `DEVPILOT_PASSPHRASE` is sent only with an access token. */
export function openClient(
  options: Partial<RemoteOptions>,
  credential: string | (() => string) | null,
  workspace?: string | null,
): Client {
  const passphrase = environmentSetting('DEVPILOT_PASSPHRASE');
  const isAccessToken = typeof credential === 'string' && credential.startsWith('workspace_token_');
  return createClient({
    url: serverUrl(options),
    fetch: fetchWithProgress(options.quiet),
    ...(credential !== null && { credential }),
    ...(passphrase !== undefined && isAccessToken && { passphrase }),
    ...(workspace !== null && workspace !== undefined && { workspace }),
  });
}

/** Creates an authenticated client. Fails with exit code 4 if there is no credential. */
export function connect(options: RemoteOptions): Client {
  const url = serverUrl(options);
  const credential = credentialFor(url, options);
  if (credential === null) {
    throw new Failure(`Not signed in to ${url}. Run: devpilot login --url ${url}`, EXIT_CODES.signInNeeded);
  }
  const profile = environmentSetting('DEVPILOT_TOKEN') === undefined ? findProfile(profileName(options.profile)) : null;
  return openClient(
    options,
    credential,
    options.workspace ?? environmentSetting('DEVPILOT_WORKSPACE') ?? profile?.workspace,
  );
}
