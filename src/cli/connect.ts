import { type Client, createClient } from '../sdk/client.ts';
import { EXIT, Failure } from './failure.ts';
import { findProfile, profileName, secretOf } from './profile.ts';
import { tellingFetch } from './progress.ts';

/** What every command that talks to a server takes. */
export interface Common {
  readonly url?: string;
  readonly profile?: string;
  readonly workspace?: string;
  readonly json?: true;
  readonly quiet?: true;
}

const STANDARD_URL = 'http://127.0.0.1:4000';

function setting(name: string): string | undefined {
  const text = process.env[name];
  return text === undefined || text === '' ? undefined : text;
}

/** An address in the one form that addresses are compared in. */
export function readUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new Failure('The address takes http:// or https://, such as https://devpilot.example.com.');
  }
  const url = new URL(text);
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** Where the server is: `--url`, `DEVPILOT_URL`, the profile, or the address that `npm start` serves. */
export function serverUrl({ url, profile }: Common): string {
  return readUrl(url ?? setting('DEVPILOT_URL') ?? findProfile(profileName(profile))?.url ?? STANDARD_URL);
}

/**
 * The credential for a server: `DEVPILOT_TOKEN`, or the profile's secret. That one is sent to no other
 * address than the one it was given by.
 */
function credentialFor(url: string, common: Common): string | null {
  const given = setting('DEVPILOT_TOKEN');
  if (given !== undefined) return given;
  const name = profileName(common.profile);
  const profile = findProfile(name);
  return profile === null || readUrl(profile.url) !== url ? null : secretOf(name, profile);
}

export function openClient(common: Common, credential: string | null, workspace?: string | null): Client {
  const passphrase = setting('DEVPILOT_PASSPHRASE');
  return createClient({
    url: serverUrl(common),
    fetch: tellingFetch(common.quiet),
    ...(credential !== null && { credential }),
    ...(passphrase !== undefined && credential?.startsWith('workspace_token_') && { passphrase }),
    ...(workspace !== null && workspace !== undefined && { workspace }),
  });
}

/** A client that is signed in. Ends with 4 if there is nothing to sign in with. */
export function connect(common: Common): Client {
  const url = serverUrl(common);
  const credential = credentialFor(url, common);
  if (credential === null) {
    throw new Failure(`Not signed in to ${url}. Run: devpilot login --url ${url}`, EXIT.signInNeeded);
  }
  const profile = setting('DEVPILOT_TOKEN') === undefined ? findProfile(profileName(common.profile)) : null;
  return openClient(common, credential, common.workspace ?? setting('DEVPILOT_WORKSPACE') ?? profile?.workspace);
}
