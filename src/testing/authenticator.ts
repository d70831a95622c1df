import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { PasskeyAssertion, PasskeyRegistration } from '../contract/passkeys.ts';

/** Values for a WebAuthn response. Tests can pass incorrect ones. */
export interface CeremonyOptions {
  readonly challenge: string;
  readonly origin: string;
  readonly rpId: string;
  readonly counter?: number;
  readonly userVerified?: boolean;
  readonly userHandle?: string;
}

/**
 * A software authenticator with one ES256 key (WebAuthn level 3, section 6). Its functions are named like those of
 * `navigator.credentials`: `create` registers the passkey, `get` signs in with it.
 */
export interface TestAuthenticator {
  readonly credentialId: string;
  create(ceremony: CeremonyOptions): PasskeyRegistration;
  get(ceremony: CeremonyOptions): PasskeyAssertion;
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const sha256 = (bytes: Uint8Array | string): Buffer => createHash('sha256').update(bytes).digest();

/** Major types of CBOR items (RFC 8949, section 3.1). */
const CBOR_MAJOR_TYPES = { unsignedInteger: 0, negativeInteger: 1, bytes: 2, text: 3, map: 5 } as const;
/** Values of the low five bits of an item's first byte, if a length of one or two bytes follows. */
const CBOR_ONE_BYTE_LENGTH = 24;
const CBOR_TWO_BYTE_LENGTH = 25;

/** Encodes the head of a CBOR item: its major type, and its length or integer value below 65,536. */
function cborHead(type: keyof typeof CBOR_MAJOR_TYPES, length: number): Buffer {
  const typeBits = CBOR_MAJOR_TYPES[type] << 5;
  if (length < CBOR_ONE_BYTE_LENGTH) return Buffer.from([typeBits | length]);
  if (length < 256) return Buffer.from([typeBits | CBOR_ONE_BYTE_LENGTH, length]);
  return Buffer.from([typeBits | CBOR_TWO_BYTE_LENGTH, length >> 8, length & 0xff]);
}
const cborText = (text: string): Buffer => Buffer.concat([cborHead('text', text.length), Buffer.from(text)]);
const cborBytes = (bytes: Uint8Array): Buffer => Buffer.concat([cborHead('bytes', bytes.length), bytes]);
const cborInt = (value: number): Buffer =>
  value < 0 ? cborHead('negativeInteger', -1 - value) : cborHead('unsignedInteger', value);
const cborMap = (pairs: readonly (readonly [key: Buffer, value: Buffer])[]): Buffer =>
  Buffer.concat([cborHead('map', pairs.length), ...pairs.flat()]);

/** Labels and values of a COSE key (RFC 9052, section 7, and RFC 9053, sections 2.1 and 7.1). */
const COSE_LABELS = { keyType: 1, algorithm: 3, curve: -1, x: -2, y: -3 } as const;
const COSE_KEY_TYPE_EC2 = 2;
const COSE_ALGORITHM_ES256 = -7;
const COSE_CURVE_P256 = 1;

/** Encodes the public key as a COSE key. */
function coseKey(publicKey: KeyObject): Buffer {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  return cborMap([
    [cborInt(COSE_LABELS.keyType), cborInt(COSE_KEY_TYPE_EC2)],
    [cborInt(COSE_LABELS.algorithm), cborInt(COSE_ALGORITHM_ES256)],
    [cborInt(COSE_LABELS.curve), cborInt(COSE_CURVE_P256)],
    [cborInt(COSE_LABELS.x), cborBytes(Buffer.from(x, 'base64url'))],
    [cborInt(COSE_LABELS.y), cborBytes(Buffer.from(y, 'base64url'))],
  ]);
}

/** Flags of authenticator data (WebAuthn level 3, section 6.1). */
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const HAS_CREDENTIAL = 0x40;
const AAGUID_BYTES = 16;

/**
 * Encodes the attested credential data: the AAGUID (zeros), the length of the credential ID in two bytes, the ID, the
 * key.
 */
function attestedCredential(id: Buffer, publicKey: KeyObject): Buffer {
  return Buffer.concat([Buffer.alloc(AAGUID_BYTES), Buffer.from([0, id.length]), id, coseKey(publicKey)]);
}

/** Encodes authenticator data. `credential` is the attested credential data, empty for a sign-in. */
function authenticatorData(ceremony: CeremonyOptions, credential: Buffer): Buffer {
  const flags =
    USER_PRESENT |
    (ceremony.userVerified === false ? 0 : USER_VERIFIED) |
    (credential.length === 0 ? 0 : HAS_CREDENTIAL);
  const counter = Buffer.alloc(4);
  counter.writeUInt32BE(ceremony.counter ?? 0);
  return Buffer.concat([sha256(ceremony.rpId), Buffer.from([flags]), counter, credential]);
}

function clientData(type: 'webauthn.create' | 'webauthn.get', { challenge, origin }: CeremonyOptions): Buffer {
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
}

export function createTestAuthenticator(): TestAuthenticator {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = randomBytes(32);
  const credentialId = base64url(id);
  const credentialFields = { id: credentialId, rawId: credentialId, type: 'public-key' as const };
  return {
    credentialId,
    create(ceremony) {
      const credential = attestedCredential(id, publicKey);
      const attestation = cborMap([
        [cborText('fmt'), cborText('none')],
        [cborText('attStmt'), cborMap([])],
        [cborText('authData'), cborBytes(authenticatorData(ceremony, credential))],
      ]);
      const clientDataJSON = base64url(clientData('webauthn.create', ceremony));
      return {
        ...credentialFields,
        response: { clientDataJSON, attestationObject: base64url(attestation), transports: ['internal'] },
      };
    },
    get(ceremony) {
      const data = authenticatorData(ceremony, Buffer.alloc(0));
      const client = clientData('webauthn.get', ceremony);
      const signature = sign('sha256', Buffer.concat([data, sha256(client)]), privateKey);
      return {
        ...credentialFields,
        response: {
          clientDataJSON: base64url(client),
          authenticatorData: base64url(data),
          signature: base64url(signature),
          ...(ceremony.userHandle !== undefined && { userHandle: ceremony.userHandle }),
        },
      };
    },
  };
}
