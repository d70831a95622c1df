import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** Encodes a `string` of the SSH protocol: its length in bytes, and the bytes (RFC 4251, section 5). */
function sshString(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function sshUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/**
 * Generates an ed25519 key pair in OpenSSH's formats: the public key as one line (RFC 8709), the private key as
 * `openssh-key-v1` without a passphrase (OpenSSH's PROTOCOL.key).
 */
export function generateKeyPair(comment: string): { readonly publicKey: string; readonly privateKey: string } {
  const pair = generateKeyPairSync('ed25519');
  // RFC 8037: `x` is the public key and `d` the private key.
  const { x = '', d = '' } = pair.privateKey.export({ format: 'jwk' });
  const publicBytes = Buffer.from(x, 'base64url');
  const privateBytes = Buffer.from(d, 'base64url');
  const type = 'ssh-ed25519';
  const publicBlob = Buffer.concat([sshString(type), sshString(publicBytes)]);
  // The same random number twice; a reader compares them to notice a wrong passphrase.
  const checkNumber = randomBytes(4);
  const privateFields = [
    checkNumber,
    checkNumber,
    sshString(type),
    sshString(publicBytes),
    sshString(Buffer.concat([privateBytes, publicBytes])),
    sshString(comment),
  ];
  const block = Buffer.concat(privateFields);
  // The bytes 1, 2, 3 … up to a multiple of the block size, 8.
  const padding = Buffer.from(Array.from({ length: (8 - (block.length % 8)) % 8 }, (_, index) => index + 1));
  const cipher = sshString('none');
  const keyDerivation = [sshString('none'), sshString('')];
  const keyCount = sshUint32(1);
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    cipher,
    ...keyDerivation,
    keyCount,
    sshString(publicBlob),
    sshString(Buffer.concat([block, padding])),
  ]);
  const lines = body.toString('base64').match(/.{1,70}/g) ?? [];
  return {
    publicKey: `${type} ${publicBlob.toString('base64')} ${comment}`,
    privateKey: ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n'),
  };
}
