import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { createFairQueue } from '../contract/fair-queue.ts';
import { LIMITS } from '../contract/limits.ts';

/** argon2id with 19 MiB, two passes and one lane (OWASP Password Storage Cheat Sheet). */
const ARGON2_COST = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const TAG_LENGTH = 32;
const SALT_LENGTH = 16;

/**
 * A hash uses 19 MiB for about 20 ms, so at most two run at a time. Parties, such as workspaces, take turns. One party
 * may use half of the capacity; its further hashes fail with `unavailable`.
 */
const hashQueue = createFairQueue({ maxRunning: 2, capacity: 256 });

const PHC_STRING = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

function derive(party: string, parameters: Argon2Parameters): Promise<Buffer> {
  return hashQueue.run(
    party,
    () =>
      new Promise((resolve, reject) => {
        argon2('argon2id', parameters, (error, tag) => (error === null ? resolve(tag) : reject(error)));
      }),
  );
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '');

/**
 * Returns `text` in NFC, so that a passphrase matches whichever way it was typed. Text too long to be a passphrase is
 * returned unchanged, because the cost of normalizing is quadratic in the length of a run of combining characters.
 * Pure.
 */
export const normalizePassphrase = (text: string): string =>
  text.length > LIMITS.passphrase.max * 8 ? text : text.normalize('NFC');

/**
 * Returns the argon2id hash (RFC 9106) of a passphrase or password, normalized to NFC, as a PHC string. Runs off the
 * main thread. `party` is the workspace ID or the client's network; parties take turns. Throws `unavailable` if too
 * many hashes of the party are waiting.
 */
export async function hashPassphrase(passphrase: string, party: string): Promise<string> {
  const nonce = randomBytes(SALT_LENGTH);
  const message = Buffer.from(normalizePassphrase(passphrase));
  const tag = await derive(party, { message, nonce, tagLength: TAG_LENGTH, ...ARGON2_COST });
  return `$argon2id$v=19$m=${ARGON2_COST.memory},t=${ARGON2_COST.passes},p=${ARGON2_COST.parallelism}$${base64(nonce)}$${base64(tag)}`;
}

/**
 * Returns whether `passphrase` matches the PHC string, compared in constant time (ASVS 11.2.4), with the cost
 * parameters in the string. Throws an `Error` if the string is not argon2id, and `unavailable` like `hashPassphrase`.
 */
export async function verifyPassphrase(phc: string, passphrase: string, party: string): Promise<boolean> {
  const parts = PHC_STRING.exec(phc);
  if (parts === null) throw new Error('A stored hash is not argon2id in PHC form.');
  const [, memory, passes, parallelism, salt = '', expected = ''] = parts;
  const expectedTag = Buffer.from(expected, 'base64');
  const tag = await derive(party, {
    message: Buffer.from(normalizePassphrase(passphrase)),
    nonce: Buffer.from(salt, 'base64'),
    tagLength: expectedTag.length,
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
  });
  return timingSafeEqual(tag, expectedTag);
}
