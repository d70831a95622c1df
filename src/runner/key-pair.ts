import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** Encodes a string of the SSH protocol: its length and its bytes (RFC 4251, section 5). */
function sshString(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as Uint8Array);
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
  const { x = '', d = '' } = pair.privateKey.export({ format: 'jwk' });
  const point = Buffer.from(x, 'base64url');
  const seed = Buffer.from(d, 'base64url');
  const type = 'ssh-ed25519';
  const publicBlob = Buffer.concat([sshString(type), sshString(point)]);
  const check = randomBytes(4);
  const secrets = [
    check,
    check,
    sshString(type),
    sshString(point),
    sshString(Buffer.concat([seed, point])),
    sshString(comment),
  ];
  const block = Buffer.concat(secrets);
  const padding = Buffer.from(Array.from({ length: (8 - (block.length % 8)) % 8 }, (_, index) => index + 1));
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    sshString('none'),
    sshString('none'),
    sshString(''),
    sshUint32(1),
    sshString(publicBlob),
    sshString(Buffer.concat([block, padding])),
  ]);
  const lines = body.toString('base64').match(/.{1,70}/g) ?? [];
  return {
    publicKey: `${type} ${publicBlob.toString('base64')} ${comment}`,
    privateKey: ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n'),
  };
}
