import { SECRET_PREFIXES } from '../contract/vocabulary.ts';
import { API_KEY_HEADER, AUTHORIZATION_HEADER, PASSPHRASE_HEADER, type RawHeaders } from './remote-authorizer.ts';

/** The request has no credential. */
export const NO_CREDENTIAL = Symbol('no credential');
/** The server must evaluate the headers, for example because of a passphrase or two credentials. */
export const LEFT_TO_SERVER = Symbol('left to server');

/** A request's credential: a single secret that can be checked locally, or one of the symbols above. */
export type HeaderCredential = string | typeof NO_CREDENTIAL | typeof LEFT_TO_SERVER;

const BEARER_PREFIX = 'Bearer ';
const SPACE_CODE = 32;

interface CredentialHeader {
  readonly name: string;
  /** The usual capitalization, checked first to avoid lower-casing. */
  readonly canonicalName: string;
}
/**
 * The relevant headers, indexed by the length of their names, so that most headers of a request are skipped without
 * comparing or lower-casing their names. To check whether this is still faster, compare every name with the three
 * headers instead and measure the time of a decision with `bench/guard.ts`; if it does not increase, delete this index.
 */
const HEADERS_BY_NAME_LENGTH: (CredentialHeader | null)[] = [];
for (const [name, canonicalName] of [
  [AUTHORIZATION_HEADER, 'Authorization'],
  [API_KEY_HEADER, 'X-API-Key'],
  [PASSPHRASE_HEADER, 'Access-Token-Passphrase'],
] as const) {
  while (HEADERS_BY_NAME_LENGTH.length <= name.length) HEADERS_BY_NAME_LENGTH.push(null);
  HEADERS_BY_NAME_LENGTH[name.length] = { name, canonicalName };
}

/** Removes surrounding spaces, which are not part of a secret. */
function trimSpaces(text: string): string {
  const isTrimmed = text.charCodeAt(0) !== SPACE_CODE && text.charCodeAt(text.length - 1) !== SPACE_CODE;
  return isTrimmed ? text : text.trim();
}

function readBearer(value: string): HeaderCredential {
  if (value.startsWith(BEARER_PREFIX) || value.slice(0, BEARER_PREFIX.length).toLowerCase() === 'bearer ') {
    return trimSpaces(value.slice(BEARER_PREFIX.length));
  }
  return LEFT_TO_SERVER;
}

function readApiKey(value: string): HeaderCredential {
  const secret = trimSpaces(value);
  return secret.startsWith(SECRET_PREFIXES.api_key) ? secret : LEFT_TO_SERVER;
}

/** Reads the credential from `Authorization: Bearer` or `X-API-Key`, without checking it. */
export function readHeaderCredential(headers: RawHeaders): HeaderCredential {
  let credential: HeaderCredential = NO_CREDENTIAL;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const receivedName = headers[index] ?? '';
    const header = HEADERS_BY_NAME_LENGTH[receivedName.length];
    if (header === undefined || header === null) continue;
    const { name, canonicalName } = header;
    const value = headers[index + 1] ?? '';
    if (value === '' || (receivedName !== canonicalName && receivedName.toLowerCase() !== name)) continue;
    // With two credentials or a passphrase, the server decides.
    if (credential !== NO_CREDENTIAL || name === PASSPHRASE_HEADER) credential = LEFT_TO_SERVER;
    else credential = name === AUTHORIZATION_HEADER ? readBearer(value) : readApiKey(value);
  }
  return credential;
}
