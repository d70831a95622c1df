import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import addressparser from 'nodemailer/lib/addressparser';
import { type LeakKeySource, parseLeakKey } from '../http/leak-signatures.ts';
import { parsePostgresUrl } from '../store/postgres-url.ts';

export const SECRET_BYTES = 32;

/** Thrown by `SettingDeclaration.parse`. Its message replaces `accepts`. */
export class NotAcceptedError extends Error {}

export function oneOf<const Word extends string>(words: readonly Word[]) {
  return {
    accepts: `one of: ${words.join(', ')}`,
    parse: (text: string): Word | undefined => words.find((word) => word === text),
  };
}

export function wholeNumber(max: number, unit: string) {
  return {
    accepts: `a whole number of ${unit} from 1 to ${max}`,
    parse: (text: string): number | undefined =>
      /^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= max ? Number(text) : undefined,
  };
}

export function parsePort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

/** Returns the content of a file without surrounding white space; undefined if it cannot be read. */
export function readTextFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

export function parseHost(text: string): string | undefined {
  // A name whose last label is a number would be interpreted as an IP address: 1.2.3 means 1.2.0.3.
  const isName = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/.test(text) && !/(?:^|\.)\d+$/.test(text);
  return isIP(text) !== 0 || isName ? text : undefined;
}

export function parseDatabaseUrl(text: string): string | undefined {
  if (!/^postgres(?:ql)?:\/\//.test(text)) return undefined;
  try {
    parsePostgresUrl(text);
  } catch (error) {
    throw new NotAcceptedError(`a postgres:// URL ${(error as Error).message}`);
  }
  return text;
}

export function parseSecret(text: string): Buffer | undefined {
  return Buffer.byteLength(text) < SECRET_BYTES ? undefined : Buffer.from(text);
}

export function parseSecretFile(path: string): Buffer | undefined {
  const text = readTextFile(path);
  if (text === undefined) throw new NotAcceptedError('the path of a file that can be read');
  return parseSecret(text);
}

/** Parses an http(s) URL without a query, a fragment or credentials. */
function parseHttpUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isPlain = url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  return /^https?:$/.test(url.protocol) && isPlain ? url : undefined;
}

export function parseOrigin(text: string): string | undefined {
  const url = parseHttpUrl(text);
  return url?.pathname === '/' ? url.origin : undefined;
}

/** Parses the URL of published keys, or reads a file with public keys in PEM format. */
export function parseLeakKeys(text: string): LeakKeySource | undefined {
  if (/^https?:/.test(text)) return parseHttpUrl(text) && { url: text };
  const pems = readTextFile(text)?.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? [];
  const keys = pems.map(parseLeakKey);
  return keys.length > 0 && keys.every((key) => key !== null) ? { keys } : undefined;
}

/** Returns the issuer unchanged, because it is compared exactly with the discovery document and with every token. */
export function parseIssuer(text: string): string | undefined {
  const url = parseHttpUrl(text);
  if (url === undefined || text.length > 1024) return undefined;
  const isLoopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  return url.protocol === 'https:' || isLoopback ? text : undefined;
}

export function parseScopes(text: string): string | undefined {
  const scopes = text.split(/ +/).filter((scope) => scope !== '');
  const areValid = scopes.every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/.test(scope));
  return areValid && scopes.includes('openid') && text.length <= 1024 ? scopes.join(' ') : undefined;
}

export function parseBucket(text: string): string | undefined {
  const url = parseHttpUrl(text);
  if (url === undefined || !/^(?:\/[A-Za-z0-9._-]+)*\/?$/.test(url.pathname)) return undefined;
  return (url.origin + url.pathname).replace(/\/$/, '');
}

function canBeDecoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

export function parseSmtpUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, username, password, pathname } = new URL(text);
  if (protocol !== 'smtp:' && protocol !== 'smtps:') return undefined;
  return [username, password, pathname].every(canBeDecoded) ? text : undefined;
}

/**
 * Parses the sender of emails: one address, optionally with a name (RFC 5322), such as `Devpilot <devpilot@localhost>`.
 */
export function parseSender(text: string): string | undefined {
  if (/\p{Cc}/u.test(text)) return undefined;
  const [sender, ...others] = addressparser(text);
  if (sender?.address === undefined || others.length > 0) return undefined;
  return /^[^\s@<>()",:;]{1,64}@[\p{L}\p{M}\p{N}._-]{1,255}$/u.test(sender.address) ? text : undefined;
}

/** A prefix length of 0 is refused, because the `X-Forwarded-For` headers of all clients would be trusted. */
function isProxyRange(entry: string): boolean {
  const [address = '', prefixLength, ...extraParts] = entry.split('/');
  const version = isIP(address);
  if (version === 0 || extraParts.length > 0) return false;
  if (prefixLength === undefined) return true;
  const maxLength = version === 4 ? 32 : 128;
  return /^\d{1,3}$/.test(prefixLength) && Number(prefixLength) >= 1 && Number(prefixLength) <= maxLength;
}

export function parseProxies(text: string): string[] | undefined {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  return entries.every(isProxyRange) ? entries : undefined;
}

/** Parses `2s` or `500ms` into milliseconds. */
export function parseRevocationBound(text: string): number | undefined {
  const parts = /^(\d{1,6})(ms|s)$/.exec(text);
  const ms = parts === null ? Number.NaN : Number(parts[1]) * (parts[2] === 's' ? 1000 : 1);
  return ms >= 200 && ms <= 60_000 ? ms : undefined;
}

export function parseListener(text: string): { readonly host: string; readonly port: number } | null | undefined {
  if (text === 'off') return null;
  const parts = /^(?:(\[[0-9a-fA-F:]+\]|[^:[\]\s]+):)?(\d+)$/.exec(text);
  const port = parsePort(parts?.[2] ?? '');
  return port === undefined ? undefined : { host: (parts?.[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port };
}

export const visibleAscii = (max: number) => (text: string) =>
  text.length <= max && /^[\x21-\x7e]+$/.test(text) ? text : undefined;
