import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const SEAL_VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Characters of a sealed value before its base64url part (`v1.`, the 8 characters of the key ID and a period), and
 * bytes of the nonce and the tag at the beginning of that part.
 */
export const SEAL_OVERHEAD = { characters: 12, bytes: NONCE_BYTES + TAG_BYTES } as const;

/** Returns the UTF-8 length in bytes of the text in a sealed value, without decrypting it. */
export const unsealedByteLength = (sealed: string): number =>
  Math.floor(((sealed.length - SEAL_OVERHEAD.characters) * 3) / 4) - SEAL_OVERHEAD.bytes;

/** Encrypts secrets that must be read back, and computes MACs, with keys derived from `DEVPILOT_SECRET`. */
export interface Seal {
  /**
   * Encrypts a text with AES-256-GCM and returns it with the ID of the key. `associatedData` identifies where the value
   * is stored, such as a row.
   */
  seal(plaintext: string, associatedData: string): string;
  /** Decrypts the result of `seal` with the same associated data. Throws for anything else. */
  open(sealed: string, associatedData: string): string;
  /** Returns whether one of the configured secrets sealed a value. Only `open` checks the associated data. */
  hasKeyFor(sealed: string): boolean;
  /** Returns the HMAC-SHA-256 of `text` in hex, with a separate key per `purpose`. Changes with the first secret. */
  mac(purpose: string, text: string): string;
}

interface Keys {
  readonly id: string;
  readonly sealing: Buffer;
  readonly secret: Buffer;
}

function deriveKey(secret: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'devpilot', purpose, 32));
}

function deriveKeys(secret: Buffer): Keys {
  const id = createHash('sha256').update(deriveKey(secret, 'key id')).digest('hex').slice(0, 8);
  return { id, sealing: deriveKey(secret, 'sealing'), secret };
}

/**
 * Creates a seal. The first secret encrypts and computes MACs; all of them decrypt, so that a secret can be rotated.
 */
export function createSeal(secrets: readonly [Buffer, ...Buffer[]]): Seal {
  const allKeys = secrets.map(deriveKeys);
  const current = deriveKeys(secrets[0]);
  return {
    seal(plaintext, associatedData) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', current.sealing, nonce);
      cipher.setAAD(Buffer.from(`${SEAL_VERSION}\0${current.id}\0${associatedData}`));
      const encrypted = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      const packed = Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64url');
      return `${SEAL_VERSION}.${current.id}.${packed}`;
    },
    open(sealed, associatedData) {
      const [version, id, packed] = sealed.split('.');
      const keys = allKeys.find((candidate) => candidate.id === id);
      if (version !== SEAL_VERSION || keys === undefined || packed === undefined) {
        throw new Error('The value is not encrypted with a key that DEVPILOT_SECRET provides.');
      }
      const bytes = Buffer.from(packed, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', keys.sealing, bytes.subarray(0, NONCE_BYTES));
      decipher.setAAD(Buffer.from(`${SEAL_VERSION}\0${id}\0${associatedData}`));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, SEAL_OVERHEAD.bytes));
      return Buffer.concat([decipher.update(bytes.subarray(SEAL_OVERHEAD.bytes)), decipher.final()]).toString('utf8');
    },
    hasKeyFor: (sealed) => allKeys.some(({ id }) => sealed.startsWith(`${SEAL_VERSION}.${id}.`)),
    mac: (purpose, text) =>
      createHmac('sha256', deriveKey(current.secret, `mac ${purpose}`))
        .update(text)
        .digest('hex'),
  };
}
