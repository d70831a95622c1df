import type { IncomingMessage } from 'node:http';
import { secretKindOf } from '../authorization/secret.ts';
import { Problem } from '../contract/problem.ts';
import { containsSecret } from '../contract/redact.ts';
import { SECRET_PREFIXES } from '../contract/vocabulary.ts';

/** What a request carries to say who it is from. */
export type RequestCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'credential'; readonly secret: string; readonly passphrase: string | null }
  | { readonly kind: 'session'; readonly secret: string; readonly byCookie: boolean };

const NO_CREDENTIALS: RequestCredentials = { kind: 'none' };
/** What can't be any secret of ours, and is judged as such. */
const MALFORMED: RequestCredentials = { kind: 'credential', secret: '', passphrase: null };
const MAX_BASIC_LENGTH = 8192;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

function multipleCredentialsProblem(): Problem {
  return new Problem('invalid_request', 'The request contains more than one credential. Send exactly one.');
}

/** `user:password` of RFC 7617, in UTF-8. */
function parseBasic(encoded: string): RequestCredentials {
  if (encoded.length > MAX_BASIC_LENGTH || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return MALFORMED;
  const text = decodeUtf8(Buffer.from(encoded, 'base64'));
  const colon = text?.indexOf(':') ?? -1;
  if (text === null || colon === -1) return MALFORMED;
  const user = text.slice(0, colon);
  const password = text.slice(colon + 1);
  if (!user.startsWith(SECRET_PREFIXES.access_token)) {
    // An OAuth client form-encodes its secret (RFC 6749, section 2.3.1), some the underscore too.
    const secret = password.replace(/^dp%5F/i, SECRET_PREFIXES.api_key);
    return secret.startsWith(SECRET_PREFIXES.api_key) ? { kind: 'credential', secret, passphrase: null } : MALFORMED;
  }
  if (secretKindOf(password) !== null) throw multipleCredentialsProblem();
  return { kind: 'credential', secret: user, passphrase: password === '' ? null : password };
}

/** Reads an `Authorization` header: Bearer (RFC 6750) or Basic (RFC 7617). */
export function parseAuthorization(header: string): RequestCredentials {
  const space = header.indexOf(' ');
  if (space === -1) return header === '' ? NO_CREDENTIALS : MALFORMED;
  const scheme = header.slice(0, space).toLowerCase();
  const credentials = header.slice(space + 1).trim();
  if (scheme === 'bearer') {
    return credentials.startsWith(SECRET_PREFIXES.session)
      ? { kind: 'session', secret: credentials, byCookie: false }
      : { kind: 'credential', secret: credentials, passphrase: null };
  }
  return scheme === 'basic' ? parseBasic(credentials) : MALFORMED;
}

/** The session secrets in a `Cookie` header under this name. */
export function parseSessionCookies(header: string | undefined, cookieName: string): string[] {
  if (header === undefined || !header.includes(cookieName)) return [];
  const found: string[] = [];
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (pair.slice(0, equals).trim() === cookieName) found.push(pair.slice(equals + 1).trim());
  }
  return found;
}

/** Names that other APIs take a secret under in the query string; ours never does. */
const CREDENTIAL_QUERY_PARAMETERS = /(?:^|&)(?:access_token|api_key|apikey|x-api-key)=/i;

/** Throws `invalid_request` for a credential in the query string (RFC 6750, section 2.3: it ends up in logs). */
export function refuseCredentialInQuery(url: string): void {
  const queryStart = url.indexOf('?');
  if (queryStart === -1) return;
  const query = url.slice(queryStart + 1);
  if (CREDENTIAL_QUERY_PARAMETERS.test(query) || containsSecret(query)) {
    throw new Problem(
      'invalid_request',
      'A credential in the query string is refused because it ends up in logs. Send credentials in a header, and treat this one as leaked.',
    );
  }
}

/**
 * A header's one value, read from the lines as they came: undefined if there is none, null if there are
 * several, of which Node's own reading keeps the first without a word. Cheaper than having all of them sorted.
 */
export function singleHeaderValue(rawHeaders: readonly string[], name: string): string | null | undefined {
  let value: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = rawHeaders[index];
    if (header === undefined || header.length !== name.length || header.toLowerCase() !== name) continue;
    if (value !== undefined) return null;
    value = rawHeaders[index + 1];
  }
  return value;
}

/** A header that may come once. A blank one carries nothing: proxies send those for what they were not given. */
function requireSingleHeader(request: IncomingMessage, name: string): string | undefined {
  const value = singleHeaderValue(request.rawHeaders, name);
  if (value === null) throw multipleCredentialsProblem();
  return value === '' ? undefined : value;
}

/** The passphrase header's bytes as UTF-8; the parser hands each byte over as one character. */
function decodePassphrase(header: string): string {
  const text = decodeUtf8(Buffer.from(header, 'latin1'));
  if (text === null) throw new Problem('invalid_request', 'Access-Token-Passphrase must be UTF-8.');
  return text;
}

/**
 * Reads who a request says it is from: `Authorization`, `X-API-Key`, `Access-Token-Passphrase`, and the
 * session's cookie of this name unless it is null. Throws `invalid_request` for more than one credential, or
 * one in the query string. Does not judge.
 */
export function readCredentials(request: IncomingMessage, cookieName: string | null): RequestCredentials {
  refuseCredentialInQuery(request.url ?? '');
  const authorization = requireSingleHeader(request, 'authorization');
  const apiKey = requireSingleHeader(request, 'x-api-key');
  const sessions = cookieName === null ? [] : parseSessionCookies(request.headers.cookie, cookieName);

  let credentials = authorization === undefined ? NO_CREDENTIALS : parseAuthorization(authorization);
  if (apiKey !== undefined) {
    if (credentials.kind !== 'none') throw multipleCredentialsProblem();
    credentials = apiKey.startsWith(SECRET_PREFIXES.api_key)
      ? { kind: 'credential', secret: apiKey.trim(), passphrase: null }
      : MALFORMED;
  }
  const [session] = sessions;
  if (session !== undefined) {
    if (credentials.kind !== 'none' || sessions.length > 1) throw multipleCredentialsProblem();
    return { kind: 'session', secret: session, byCookie: true };
  }
  const header = requireSingleHeader(request, 'access-token-passphrase');
  if (header === undefined || credentials.kind !== 'credential') return credentials;
  const passphrase = decodePassphrase(header);
  if (credentials.passphrase !== null && credentials.passphrase !== passphrase) {
    throw new Problem('invalid_request', 'The request contains two different passphrases. Send exactly one.');
  }
  return { ...credentials, passphrase };
}
