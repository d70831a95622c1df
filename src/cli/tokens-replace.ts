import { randomUUID } from 'node:crypto';
import { closeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { AccessToken } from '../contract/access-tokens.ts';
import type { Client } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { findCredential } from './credentials.ts';
import { EXIT_CODES, Failure, isTransient, toFailure } from './failure.ts';
import { parseDuration, parseExpiry, readSecret } from './input.ts';
import { onInterrupt } from './interrupt.ts';
import { print, printNote } from './output.ts';
import { startProgress } from './progress.ts';

export interface ReplaceOptions extends RemoteOptions {
  readonly expires: string | undefined;
  readonly passphrase: string | undefined;
  readonly wait: string | undefined;
}

const POLL_INTERVAL_MS = 1000;

/** The expiry that gives the new token the same lifetime as the old one. */
function sameLifetimeFromNow(old: AccessToken): string | null {
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

/** Whether the token was used. Returns false while the server is unavailable. */
async function isUsed(client: Client, id: string): Promise<boolean> {
  try {
    return (await client.accessTokens.get(id)).useCount > 0;
  } catch (error) {
    if (isTransient(error)) return false;
    throw error;
  }
}

async function waitForFirstUse(
  client: Client,
  id: string,
  timeoutMs: number,
  options: RemoteOptions,
): Promise<boolean> {
  const deadlineMs = Date.now() + timeoutMs;
  const progress = startProgress('Waiting for the new token to be used …', options.quiet);
  try {
    while (Date.now() < deadlineMs) {
      if (await isUsed(client, id)) return true;
      await wait(POLL_INTERVAL_MS);
    }
    return false;
  } finally {
    progress.end();
  }
}

/**
 * Rotates a token in four steps: creates a copy, prints its secret, waits for its first use, deletes the old token.
 * If the copy is not used in time, both remain and the command fails.
 */
export async function replaceToken(idOrName: string, options: ReplaceOptions): Promise<void> {
  const client = connect(options);
  const timeoutMs = parseDuration(options.wait ?? '15m');
  if (timeoutMs === null) throw new Failure('--wait must be a duration such as 15m.');
  const old = await findCredential(client, 'tokens', idOrName);
  if (old.kind !== 'access_token') throw new Failure('API keys cannot be replaced. Use: devpilot keys update');
  const created = await client.accessTokens.create(
    {
      name: old.name,
      scopes: old.scopes,
      passphrase: await readPassphrase(old, options),
      expiresAt: options.expires === undefined ? sameLifetimeFromNow(old) : parseExpiry(options.expires),
    },
    { idempotencyKey: randomUUID() },
  );
  printNote(`Created ${created.id} as a copy of ${old.id}. Secret (shown only once):`, options);
  await print(options.json === true ? `${JSON.stringify(created)}\n` : `${created.secret}\n`);
  // Standard output is closed here, so that the reader of the pipe gets the whole secret and can use it.
  if (process.stdout.isTTY !== true) closeSync(1);
  const bothValidNote = `Both tokens remain valid: ${old.id} and ${created.id}. Once the new token is in use, run: devpilot tokens delete ${old.id}`;
  const stopListening = onInterrupt(() => {
    process.stderr.write(`\ndevpilot: Cancelled. ${bothValidNote}\n`);
    process.exit(EXIT_CODES.cancelled);
  });
  try {
    if (!(await waitForFirstUse(client, created.id, timeoutMs, options))) {
      throw new Failure(`${created.id} was not used within the waiting time. ${bothValidNote}`);
    }
    await client.accessTokens.delete(old.id);
  } catch (error) {
    const failure = toFailure(error);
    if (failure === null || error instanceof Failure) throw error;
    throw new Failure(`${failure.message} ${bothValidNote}`, failure.exitCode);
  } finally {
    stopListening();
  }
  printNote(`${created.id} is in use; deleted ${old.id}.`, options);
}
