import type { IncomingMessage } from 'node:http';
import { secretKindOf } from '../authorization/secret.ts';
import { Problem } from '../contract/problem.ts';
import { containsSecret } from '../contract/redact.ts';
import { SECRET_PREFIXES } from '../contract/vocabulary.ts';

/** The credentials of a request. */
export type RequestCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'credential'; readonly secret: string; readonly passphrase: string | null }
  | { readonly kind: 'session'; readonly secret: string; readonly byCookie: boolean };

const NO_CREDENTIALS: RequestCredentials = { kind: 'none' };
/** The result for text that cannot be the secret of a credential. It is handled as an unknown secret. */
const MALFORMED: RequestCredentials = { kind: 'credential', secret: '', passphrase: null };
const MAX_BASIC_LENGTH = 8192;

/**
 * Whether text has the form of an imported secret of another system: it starts with a prefix that a policy declares.
 */
type IsForeignSecret = (text: string) => boolean;
const noForeignSecret: IsForeignSecret = () => false;

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

/** The kind of a foreign secret is known only from its record, so it is accepted wherever an API key is. */
const isApiKeyOrForeign = (secret: string, isForeign: IsForeignSecret): boolean =>
  secret.startsWith(SECRET_PREFIXES.api_key) || isForeign(secret);

/**
 * Decodes `user:password` (RFC 7617) as UTF-8. Either part can be the secret. The other part is the passphrase or is
 * ignored.
 */
function parseBasic(encoded: string, isForeign: IsForeignSecret): RequestCredentials {
  if (encoded.length > MAX_BASIC_LENGTH || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return MALFORMED;
  const text = decodeUtf8(Buffer.from(encoded, 'base64'));
  const colon = text?.indexOf(':') ?? -1;
  if (text === null || colon === -1) return MALFORMED;
  const user = text.slice(0, colon);
  const password = text.slice(colon + 1);
  if (secretKindOf(user) !== null && secretKindOf(password) !== null) throw multipleCredentialsProblem();
  if (secretKindOf(user) === 'api_key') return { kind: 'credential', secret: user, passphrase: null };
  const secretInUser = { kind: 'credential', secret: user, passphrase: password === '' ? null : password } as const;
  if (!user.startsWith(SECRET_PREFIXES.access_token)) {
    // A user name can begin with a prefix that another workspace declares, so a Devpilot secret takes precedence.
    const isForeignUser = isForeign(user) && secretKindOf(password) === null;
    if (isForeignUser && isForeign(password)) throw multipleCredentialsProblem();
    if (isForeignUser) return secretInUser;
    // An OAuth client form-encodes its secret (RFC 6749, section 2.3.1); some clients encode the underscore too.
    const secret = password.replace(/^dp%5F/i, SECRET_PREFIXES.api_key);
    const isSecret = isApiKeyOrForeign(secret, isForeign) || secret.startsWith(SECRET_PREFIXES.access_token);
    return isSecret ? { kind: 'credential', secret, passphrase: null } : MALFORMED;
  }
  if (secretKindOf(password) !== null) throw multipleCredentialsProblem();
  return secretInUser;
}

/** Parses an `Authorization` header: Bearer (RFC 6750) or Basic (RFC 7617). */
export function parseAuthorization(header: string, isForeign = noForeignSecret): RequestCredentials {
  const space = header.indexOf(' ');
  if (space === -1) return header === '' ? NO_CREDENTIALS : MALFORMED;
  const scheme = header.slice(0, space).toLowerCase();
  const credentialText = header.slice(space + 1).trim();
  if (scheme === 'bearer') {
    return credentialText.startsWith(SECRET_PREFIXES.session)
      ? { kind: 'session', secret: credentialText, byCookie: false }
      : { kind: 'credential', secret: credentialText, passphrase: null };
  }
  return scheme === 'basic' ? parseBasic(credentialText, isForeign) : MALFORMED;
}

/** Returns the values of all cookies with this name in a `Cookie` header. */
export function parseCookieValues(header: string | undefined, cookieName: string): string[] {
  if (header === undefined || !header.includes(cookieName)) return [];
  const values: string[] = [];
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (pair.slice(0, equals).trim() === cookieName) values.push(pair.slice(equals + 1).trim());
  }
  return values;
}

/** Query parameters in which other APIs accept a secret. This server never does. */
const CREDENTIAL_QUERY_PARAMETERS = /(?:^|&)(?:access_token|api_key|apikey|x-api-key)=/i;

/**
 * Throws `invalid_request` for a credential in the query string, because URLs end up in logs (RFC 6750, section 2.3).
 */
export function refuseCredentialInQuery(url: string): void {
  const queryStart = url.indexOf('?');
  if (queryStart === -1) return;
  const query = url.slice(queryStart + 1);
  if (CREDENTIAL_QUERY_PARAMETERS.test(query) || containsSecret(query)) {
    throw new Problem(
      'invalid_request',
      'A credential in the query string is refused, because URLs are logged. Send credentials in a header. Replace this one: it may have leaked.',
    );
  }
}

/**
 * Returns the value of the header with this lower-case name: undefined if the header is missing, null if it is repeated
 * (Node would use the first value or join the values, depending on the header). Reads the raw headers, which is faster
 * than `request.headers`.
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

/**
 * Returns the value of a header. A blank value counts as missing, because proxies send blank headers for missing
 * values. Throws `invalid_request` for a repeated header.
 */
function readUniqueHeader(request: IncomingMessage, name: string): string | undefined {
  const value = singleHeaderValue(request.rawHeaders, name);
  if (value === null) throw new Problem('invalid_request', `The header ${name} is repeated. Send it once.`);
  return value === '' ? undefined : value;
}

/** Decodes the passphrase header as UTF-8; Node's parser returns one character per byte. */
function decodePassphrase(header: string): string {
  const text = decodeUtf8(Buffer.from(header, 'latin1'));
  if (text === null) throw new Problem('invalid_request', 'Access-Token-Passphrase must be UTF-8.');
  return text;
}

/** Reads the client secret, which is an API key, from the form of an OAuth client (RFC 6749, section 2.3.1). */
export function readClientSecret(form: unknown, isForeign = noForeignSecret): RequestCredentials {
  const { client_secret: secret } = (form ?? {}) as { client_secret?: unknown };
  if (secret === undefined || secret === '') return NO_CREDENTIALS;
  return typeof secret === 'string' && isApiKeyOrForeign(secret.trim(), isForeign)
    ? { kind: 'credential', secret: secret.trim(), passphrase: null }
    : MALFORMED;
}

/**
 * For a request with a credential in its headers: throws `invalid_request` if the form also contains a client secret.
 */
export function refuseClientSecret(form: unknown): void {
  if (readClientSecret(form).kind !== 'none') throw multipleCredentialsProblem();
}

/**
 * Reads the credentials of a request from `Authorization`, `X-API-Key`, `Access-Token-Passphrase` and, unless
 * `cookieName` is null, the session cookie. Throws `invalid_request` for more than one credential or passphrase, a
 * repeated header, a passphrase that is not UTF-8, or a credential in the query string. Does not check the credentials.
 */
export function readCredentials(
  request: IncomingMessage,
  cookieName: string | null,
  isForeign: IsForeignSecret,
): RequestCredentials {
  refuseCredentialInQuery(request.url ?? '');
  const authorization = readUniqueHeader(request, 'authorization');
  const apiKey = readUniqueHeader(request, 'x-api-key');
  const sessionSecrets = cookieName === null ? [] : parseCookieValues(request.headers.cookie, cookieName);

  let credentials = authorization === undefined ? NO_CREDENTIALS : parseAuthorization(authorization, isForeign);
  if (apiKey !== undefined) {
    if (credentials.kind !== 'none') throw multipleCredentialsProblem();
    credentials = isApiKeyOrForeign(apiKey.trim(), isForeign)
      ? { kind: 'credential', secret: apiKey.trim(), passphrase: null }
      : MALFORMED;
  }
  const [sessionSecret] = sessionSecrets;
  if (sessionSecret !== undefined) {
    if (credentials.kind !== 'none' || sessionSecrets.length > 1) throw multipleCredentialsProblem();
    return { kind: 'session', secret: sessionSecret, byCookie: true };
  }
  const header = readUniqueHeader(request, 'access-token-passphrase');
  if (header === undefined || credentials.kind !== 'credential') return credentials;
  const passphrase = decodePassphrase(header);
  if (credentials.passphrase !== null && credentials.passphrase !== passphrase) {
    throw new Problem('invalid_request', 'The request contains two different passphrases. Send exactly one.');
  }
  return { ...credentials, passphrase };
}
