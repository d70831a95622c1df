import { randomUUID } from 'node:crypto';
import { closeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { AccessToken } from '../contract/access-tokens.ts';
import type { Client } from '../sdk/client.ts';
import { DevpilotError } from '../sdk/errors.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { apiOf, type Credential, type CredentialCommand, requireCredential } from './credentials.ts';
import { EXIT_CODES, Failure, isTransient, toFailure } from './failure.ts';
import { parseDuration, parseExpiry, readSecret } from './input.ts';
import { onInterrupt } from './interrupt.ts';
import { print, printJson, printNote } from './output.ts';
import { startProgress } from './progress.ts';

export interface ReplaceOptions extends RemoteOptions {
  readonly expires: string | undefined;
  readonly passphrase: string | undefined;
  readonly wait: string | undefined;
}

const POLL_INTERVAL_MS = 1000;

/** Returns the expiry that gives the new credential the same lifetime as the old one. */
function sameLifetimeFromNow(old: Credential): string | null {
  if (old.expiresAt === null) return null;
  return new Date(Date.now() + Date.parse(old.expiresAt) - Date.parse(old.createdAt)).toISOString();
}

async function readPassphrase(old: AccessToken, options: ReplaceOptions): Promise<string | null> {
  if (options.passphrase !== undefined && options.passphrase !== '-')
    throw new Failure('--passphrase must be - to read the passphrase from standard input.');
  if (options.passphrase === '-') return readSecret('passphrase');
  if (!old.hasPassphrase) return null;
  throw new Failure(
    `${old.name} has a passphrase, which cannot be copied. Set one for the new token with --passphrase -`,
  );
}

/** Removes copies that earlier runs created: they have the same name as the credential they replace. */
function withoutReplacements(credentials: readonly Credential[]): Credential[] {
  const ids = new Set(credentials.map(({ id }) => id));
  return credentials.filter(({ replaces }) => replaces === null || !ids.has(replaces));
}

/** Returns whether the credential was used, or false while the server is unavailable. */
async function isUsed(client: Client, command: CredentialCommand, id: string): Promise<boolean> {
  try {
    return (await apiOf(client, command).get(id)).useCount > 0;
  } catch (error) {
    if (isTransient(error)) return false;
    throw error;
  }
}

async function waitForFirstUse(
  client: Client,
  command: CredentialCommand,
  id: string,
  timeoutMs: number,
  options: RemoteOptions,
): Promise<boolean> {
  const deadlineMs = Date.now() + timeoutMs;
  const progress = startProgress(`Waiting for ${id} to be used …`, options.quiet);
  try {
    while (Date.now() < deadlineMs) {
      if (await isUsed(client, command, id)) return true;
      await wait(POLL_INTERVAL_MS);
    }
    return false;
  } finally {
    progress.end();
  }
}

/**
 * Creates a copy that replaces the credential. Fails for an inactive API key: an inactive copy would never be used, and
 * an active copy would grant new access.
 */
async function createCopy(
  client: Client,
  old: Credential,
  options: ReplaceOptions,
): Promise<Credential & { secret: string }> {
  const common = {
    name: old.name,
    expiresAt: options.expires === undefined ? sameLifetimeFromNow(old) : parseExpiry(options.expires),
    replaces: old.id,
    restrictions: old.restrictions,
  };
  const call = { idempotencyKey: randomUUID() };
  if (old.kind === 'access_token') {
    const passphrase = await readPassphrase(old, options);
    return client.accessTokens.create({ ...common, scopes: old.scopes, passphrase }, call);
  }
  if (!old.active) throw new Failure(`${old.name} is inactive. Enable it first: devpilot keys enable ${old.id}`);
  const { description, permissions, guard } = old;
  return client.apiKeys.create({ ...common, description, permissions, guard }, call);
}

/**
 * Creates a copy and prints its secret. If a replacement exists already, prints the replacement without its secret.
 * Returns the ID of the replacement.
 */
async function createOrResume(
  client: Client,
  command: CredentialCommand,
  old: Credential,
  options: ReplaceOptions,
): Promise<string> {
  if (old.replacedBy === null) {
    const created = await createCopy(client, old, options);
    printNote(`Created ${created.id} as a copy of ${old.id}. Secret (shown only once):`, options);
    await print(options.json === true ? `${JSON.stringify(created)}\n` : `${created.secret}\n`);
    return created.id;
  }
  const { replacedBy } = old;
  const replacement = await apiOf(client, command).get(replacedBy);
  printNote(
    `${replacedBy}, created ${replacement.createdAt}, already replaces ${old.id}. If its secret is lost, delete it and run this command again: devpilot ${command} delete ${replacedBy}`,
    options,
  );
  if (options.json === true) await printJson(replacement);
  return replacedBy;
}

/**
 * Rotates a credential in four steps: creates a copy, prints its secret, waits for its first use, deletes the old one.
 * If a replacement exists already, runs only the last two steps. If the replacement is not used in time, both
 * credentials remain and the command fails.
 */
export async function replaceCredential(
  command: CredentialCommand,
  idOrName: string,
  options: ReplaceOptions,
): Promise<void> {
  const client = connect(options);
  const timeoutMs = parseDuration(options.wait ?? '15m');
  if (timeoutMs === null) throw new Failure('--wait must be a duration such as 15m.');
  const old = await requireCredential(client, command, idOrName, withoutReplacements);
  const newId = await createOrResume(client, command, old, options);
  // Standard output is closed now, so that the process that reads the pipe sees its end and can use the secret.
  if (process.stdout.isTTY !== true) closeSync(1);
  const bothRemainNote = `Both ${command} remain valid: ${old.id} and ${newId}. To wait for the first use of the new one and delete the old one, run this command again.`;
  const stopListening = onInterrupt(() => {
    process.stderr.write(`\ndevpilot: Cancelled. ${bothRemainNote}\n`);
    process.exit(EXIT_CODES.cancelled);
  });
  try {
    if (!(await waitForFirstUse(client, command, newId, timeoutMs, options))) {
      throw new Failure(`${newId} was not used within the waiting time. ${bothRemainNote}`);
    }
    await apiOf(client, command).delete(old.id);
  } catch (error) {
    const failure = toFailure(error);
    if (failure === null || error instanceof Failure) throw error;
    const isDeleted = error instanceof DevpilotError && error.code === 'not_found';
    const message = isDeleted
      ? `${old.id} or ${newId} was deleted while this command was waiting.`
      : `${failure.message} ${bothRemainNote}`;
    throw new Failure(message, failure.exitCode);
  } finally {
    stopListening();
  }
  printNote(`${newId} is in use; deleted ${old.id}.`, options);
}
