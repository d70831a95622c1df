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

/** A software authenticator with one ES256 key (WebAuthn level 3, section 6). */
export interface TestAuthenticator {
  readonly credentialId: string;
  create(ceremony: CeremonyOptions): PasskeyRegistration;
  get(ceremony: CeremonyOptions): PasskeyAssertion;
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const sha256 = (bytes: Uint8Array | string): Buffer => createHash('sha256').update(bytes).digest();

/** Encodes the head of a CBOR item (RFC 8949): a major type with a length below 65,536. */
function cborHead(major: number, length: number): Buffer {
  const type = major << 5;
  if (length < 24) return Buffer.from([type | length]);
  return length < 256 ? Buffer.from([type | 24, length]) : Buffer.from([type | 25, length >> 8, length & 255]);
}
const cborText = (text: string): Buffer => Buffer.concat([cborHead(3, text.length), Buffer.from(text)]);
const cborBytes = (bytes: Uint8Array): Buffer => Buffer.concat([cborHead(2, bytes.length), bytes]);
const cborInt = (value: number): Buffer => (value < 0 ? cborHead(1, -1 - value) : cborHead(0, value));

/** Encodes the public key as COSE (RFC 9053): EC2, ES256, P-256. */
function coseKey(publicKey: KeyObject): Buffer {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const pairs = [
    [cborInt(1), cborInt(2)],
    [cborInt(3), cborInt(-7)],
    [cborInt(-1), cborInt(1)],
    [cborInt(-2), cborBytes(Buffer.from(x, 'base64url'))],
    [cborInt(-3), cborBytes(Buffer.from(y, 'base64url'))],
  ];
  return Buffer.concat([cborHead(5, pairs.length), ...pairs.flat()]);
}

const USER_PRESENT = 1;
const USER_VERIFIED = 4;
const HAS_CREDENTIAL = 64;

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
      const credential = Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, coseKey(publicKey)]);
      const attestation = Buffer.concat([
        cborHead(5, 3),
        cborText('fmt'),
        cborText('none'),
        cborText('attStmt'),
        cborHead(5, 0),
        cborText('authData'),
        cborBytes(authenticatorData(ceremony, credential)),
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
