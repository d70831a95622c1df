import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '../sdk/client.ts';
import { DevpilotError } from '../sdk/errors.ts';
import { secretKindOf } from '../sdk/secret.ts';
import { type Common, openClient, serverUrl } from './connect.ts';
import { EXIT, Failure } from './failure.ts';
import { readSecretInput } from './input.ts';
import { note, printJson } from './output.ts';
import { configurationFile, findProfile, keepProfile, profileName, secretOf } from './profile.ts';
import { startProgress } from './progress.ts';

export interface LoginOptions extends Common {
  readonly token?: string;
}

/** Waits until a person has let this device in (RFC 8628, section 3.4). */
async function pollUntilApproved(client: Client, code: string, seconds: number, until: number): Promise<string> {
  let interval = seconds * 1000;
  while (Date.now() < until) {
    await wait(interval);
    try {
      return (await client.device.poll(code)).access_token;
    } catch (error) {
      if (!(error instanceof DevpilotError)) throw error;
      if (error.error === 'slow_down') interval += 5000;
      else if (error.error === 'access_denied') throw new Failure('The request was turned away.', EXIT.cancelled);
      else if (error.error === 'expired_token') break;
      else if (error.error !== 'authorization_pending') throw error;
    }
  }
  throw new Failure('Nobody approved it in time. Run the command again.');
}

async function signInByDevice(options: LoginOptions): Promise<string> {
  const client = openClient(options, null);
  const started = await client.device.start({ client_id: 'devpilot-cli' });
  // Without a terminal too: somebody has to read it somewhere.
  note(`Open  ${started.verification_uri_complete}\nCode  ${started.user_code}`);
  const progress = startProgress('Waiting for the approval in the browser …', options.quiet);
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

/** Signs in through the browser, or with a secret from standard input, and keeps what it got. */
export async function login(options: LoginOptions): Promise<void> {
  if (options.token !== undefined && options.token !== '-') {
    throw new Failure(
      'A secret in a command line ends up in process lists and histories. Give --token - and pipe it in.',
    );
  }
  const secret = options.token === '-' ? await readSecretInput('secret') : await signInByDevice(options);
  if (secretKindOf(secret) === null) throw new Failure('This has not the form of a secret. Was it copied whole?');
  const client = openClient(options, secret, options.workspace);
  const who = await client.whoami();
  const name = profileName(options.profile);
  const before = findProfile(name);
  const url = serverUrl(options);
  const workspace = options.workspace ?? (before?.url === url ? before.workspace : null);
  const replaced = before === null ? null : secretOf(name, before);
  const kept = keepProfile(name, { url, workspace }, secret);
  if (before !== null && replaced !== null && replaced !== secret && secretKindOf(replaced) === 'session') {
    // The session that this one replaces is of no more use to anybody.
    await openClient({ url: before.url }, replaced)
      .sessions.deleteCurrent()
      .catch(() => {});
  }
  if (options.json === true) {
    await printJson({ profile: name, url, store: kept.store, principal: who.principal, workspace: who.workspace });
    return;
  }
  const place = kept.store === 'keychain' ? "the system's keychain" : configurationFile();
  note(`Signed in to ${url} as ${who.principal.name}. The secret is in ${place}.`, options);
}
