import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { createFairQueue } from '../contract/fair-queue.ts';
import { LIMITS } from '../contract/limits.ts';

/** argon2id at 19 MiB, two passes, one lane (OWASP Password Storage; contract section 4). */
const ARGON2_COST = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const TAG_LENGTH = 32;
const SALT_LENGTH = 16;

/**
 * About 20 ms and 19 MiB each, so two at a time, from the parties in turn. One party alone may have half of the places,
 * and is answered `unavailable` beyond its share.
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
 * A passphrase as it is compared: in NFC. Text that is too long to be one stays as it is, since normalizing costs
 * the square of the combining characters in a row. Pure.
 */
export const normalizePassphrase = (text: string): string =>
  text.length > LIMITS.passphrase.max * 8 ? text : text.normalize('NFC');

/**
 * Returns the argon2id hash of a passphrase or password in PHC form. It is normalised to NFC first,
 * here and in `verifyPassphrase` alike, so that it matches whatever keyboard it is typed on.
 * Runs off the main thread. `party` is the workspace or the network of the client that it is for: parties take turns.
 * Throws `unavailable` when too many hashes of the party wait.
 */
export async function hashPassphrase(passphrase: string, party: string): Promise<string> {
  const nonce = randomBytes(SALT_LENGTH);
  const message = Buffer.from(normalizePassphrase(passphrase));
  const tag = await derive(party, { message, nonce, tagLength: TAG_LENGTH, ...ARGON2_COST });
  return `$argon2id$v=19$m=${ARGON2_COST.memory},t=${ARGON2_COST.passes},p=${ARGON2_COST.parallelism}$${base64(nonce)}$${base64(tag)}`;
}

/** Tells whether `passphrase` is the one that was hashed, in constant time (ASVS 11.2.4). `party` as for `hashPassphrase`. */
export async function verifyPassphrase(phc: string, passphrase: string, party: string): Promise<boolean> {
  const parts = PHC_STRING.exec(phc);
  if (parts === null) throw new Error('A stored hash is not argon2id in PHC form.');
  const [, memory, passes, parallelism, salt = '', expected = ''] = parts;
  const tag = Buffer.from(expected, 'base64');
  const found = await derive(party, {
    message: Buffer.from(normalizePassphrase(passphrase)),
    nonce: Buffer.from(salt, 'base64'),
    tagLength: tag.length,
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
  });
  return timingSafeEqual(found, tag);
}
