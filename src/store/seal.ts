import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const SEAL_VERSION = 'v1';

/** Keeps secrets that must be read back, and makes MACs, under keys derived from `DEVPILOT_SECRET`. */
export interface Seal {
  /** AES-256-GCM of `plain`, bound to the row `identity` (associated data) and marked with the key's id. */
  seal(plain: string, identity: string): string;
  /** Reads back what `seal` made for the same identity. Throws for anything else. */
  open(sealed: string, identity: string): string;
  /** Tells whether a secret of ours sealed it; what it is bound to shows when it is opened. */
  hasKeyFor(sealed: string): boolean;
  /** HMAC-SHA-256 of `text` in hex, under a key of its own for `purpose`. */
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

/** The first secret seals; all of them open, so that a secret can be replaced (design: key id for rotation). */
export function createSeal(secrets: readonly [Buffer, ...Buffer[]]): Seal {
  const all = secrets.map(deriveKeys);
  const current = deriveKeys(secrets[0]);
  return {
    seal(plain, identity) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', current.sealing, nonce);
      cipher.setAAD(Buffer.from(`${SEAL_VERSION}\0${current.id}\0${identity}`));
      const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      const packed = Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url');
      return `${SEAL_VERSION}.${current.id}.${packed}`;
    },
    open(sealed, identity) {
      const [version, id, packed] = sealed.split('.');
      const keys = all.find((one) => one.id === id);
      if (version !== SEAL_VERSION || keys === undefined || packed === undefined) {
        throw new Error('Encrypted with a key that DEVPILOT_SECRET does not provide.');
      }
      const bytes = Buffer.from(packed, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', keys.sealing, bytes.subarray(0, 12));
      decipher.setAAD(Buffer.from(`${SEAL_VERSION}\0${id}\0${identity}`));
      decipher.setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
    },
    hasKeyFor: (sealed) => all.some(({ id }) => sealed.startsWith(`${SEAL_VERSION}.${id}.`)),
    mac: (purpose, text) =>
      createHmac('sha256', deriveKey(current.secret, `mac ${purpose}`))
        .update(text)
        .digest('hex'),
  };
}
