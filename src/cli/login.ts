import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '../sdk/client.ts';
import { DevpilotError } from '../sdk/errors.ts';
import { secretKindOf } from '../sdk/secret.ts';
import { openClient, type RemoteOptions, serverUrl } from './connect.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { readSecret } from './input.ts';
import { printJson, printNote } from './output.ts';
import { configurationFile, findProfile, profileName, saveProfile, secretOf } from './profile.ts';
import { startProgress } from './progress.ts';

export interface LoginOptions extends RemoteOptions {
  readonly token: string | undefined;
}

/** Polls until the sign-in request is approved, and returns the secret (RFC 8628, section 3.4). */
async function pollUntilApproved(
  client: Client,
  deviceCode: string,
  intervalSeconds: number,
  deadlineMs: number,
): Promise<string> {
  let intervalMs = intervalSeconds * 1000;
  while (Date.now() < deadlineMs) {
    await wait(intervalMs);
    try {
      return (await client.device.poll(deviceCode)).access_token;
    } catch (error) {
      if (!(error instanceof DevpilotError)) throw error;
      if (error.error === 'slow_down') intervalMs += 5000;
      else if (error.error === 'access_denied')
        throw new Failure('The sign-in request was denied.', EXIT_CODES.cancelled);
      else if (error.error === 'expired_token') break;
      else if (error.error !== 'authorization_pending') throw error;
    }
  }
  throw new Failure('The sign-in request was not approved in time. Run the command again.');
}

async function signInByDevice(options: LoginOptions): Promise<string> {
  const client = openClient(options, null);
  const started = await client.device.start({ client_id: 'devpilot-cli' });
  // Printed even with `--quiet`, because the user needs the URL and the code.
  printNote(`Open  ${started.verification_uri_complete}\nCode  ${started.user_code}`);
  const progress = startProgress('Waiting for approval in the browser …', options.quiet);
  try {
    return await pollUntilApproved(
      client,
      started.device_code,
      started.interval,
      Date.now() + started.expires_in * 1000,
    );
  } finally {
    progress.end();
  }
}

/**
 * Signs in through the browser, or with a secret from standard input, and saves the profile. Ends the previous session
 * of the profile.
 */
export async function login(options: LoginOptions): Promise<void> {
  if (options.token !== undefined && options.token !== '-') {
    throw new Failure(
      'A secret on the command line is visible in process lists and shell history. Use --token - and pipe it in.',
    );
  }
  const secret = options.token === '-' ? await readSecret('secret') : await signInByDevice(options);
  if (secretKindOf(secret) === null)
    throw new Failure('The input is not a valid secret. Check that it was copied completely.');
  const client = openClient(options, secret, options.workspace);
  const identity = await client.whoami();
  const name = profileName(options.profile);
  const previousProfile = findProfile(name);
  const url = serverUrl(options);
  const workspace = options.workspace ?? (previousProfile?.url === url ? previousProfile.workspace : null);
  const previousSecret = previousProfile === null ? null : secretOf(name, previousProfile);
  const profile = saveProfile(name, { url, workspace }, secret);
  if (
    previousProfile !== null &&
    previousSecret !== null &&
    previousSecret !== secret &&
    secretKindOf(previousSecret) === 'session'
  ) {
    await openClient({ url: previousProfile.url }, previousSecret)
      .sessions.deleteCurrent()
      .catch(() => {});
  }
  if (options.json === true) {
    await printJson({
      profile: name,
      url,
      store: profile.store,
      principal: identity.principal,
      workspace: identity.workspace,
    });
    return;
  }
  const storageName = profile.store === 'keychain' ? 'the system keychain' : configurationFile();
  printNote(`Signed in to ${url} as ${identity.principal.name}. The secret is saved in ${storageName}.`, options);
}
