const KEY_TYPES: ReadonlySet<string> = new Set([
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
]);

/** Returns the key type that the bytes of a public key begin with (RFC 4253, section 6.6), or null. */
function embeddedKeyType(base64: string): string | null {
  let bytes: string;
  try {
    bytes = atob(base64);
  } catch {
    return null;
  }
  const byteAt = (index: number) => bytes.charCodeAt(index);
  const length = ((byteAt(0) << 24) | (byteAt(1) << 16) | (byteAt(2) << 8) | byteAt(3)) >>> 0;
  return bytes.length > 4 + length && length < 64 ? bytes.slice(4, 4 + length) : null;
}

/**
 * Returns a public key in OpenSSH's one-line format as `type base64`, without its comment; null for anything else.
 * Options, multiple lines and other key types than `KEY_TYPES` are rejected.
 */
export function parseHostKey(text: string): string | null {
  const parts = /^([a-z0-9-]{1,32}) ([A-Za-z0-9+/]{16,4096}={0,2})(?: [^\r\n]{0,255})?$/.exec(text.trim());
  const [, type = '', base64 = ''] = parts ?? [];
  return KEY_TYPES.has(type) && embeddedKeyType(base64) === type ? `${type} ${base64}` : null;
}
