import { SECRET_PREFIXES } from '../contract/vocabulary.ts';
import { API_KEY_HEADER, AUTHORIZATION_HEADER, PASSPHRASE_HEADER, type RawHeaders } from './remote-authorizer.ts';

/** Nothing is presented. */
export const NO_CREDENTIAL = Symbol('none');
/** What is for the server to read, such as a passphrase, or to refuse, such as two credentials. */
export const LEFT_TO_SERVER = Symbol('other');

/** What a request carries: one secret that may be judged as it stands, or what it has instead. */
export type HeaderCredential = string | typeof NO_CREDENTIAL | typeof LEFT_TO_SERVER;

const BEARER_PREFIX = 'Bearer ';
const SPACE_CODE = 32;

interface CredentialHeader {
  readonly name: string;
  /** As most clients write it, so that it is rarely put in lower case. */
  readonly canonicalName: string;
}
/** The header lines that say something, by the length of their names: most names are none of these, and a request has many. */
const HEADERS_BY_NAME_LENGTH: (CredentialHeader | null)[] = [];
for (const [name, usual] of [
  [AUTHORIZATION_HEADER, 'Authorization'],
  [API_KEY_HEADER, 'X-API-Key'],
  [PASSPHRASE_HEADER, 'Access-Token-Passphrase'],
] as const) {
  while (HEADERS_BY_NAME_LENGTH.length <= name.length) HEADERS_BY_NAME_LENGTH.push(null);
  HEADERS_BY_NAME_LENGTH[name.length] = { name, canonicalName: usual };
}

/** A secret as it stands in a header; blanks around it are nobody's. */
function trimSpaces(text: string): string {
  const isBare = text.charCodeAt(0) !== SPACE_CODE && text.charCodeAt(text.length - 1) !== SPACE_CODE;
  return isBare ? text : text.trim();
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

/** Reads who a request says it is from (`Authorization: Bearer` or `X-API-Key`). Does not judge. */
export function readHeaderCredential(headers: RawHeaders): HeaderCredential {
  let found: HeaderCredential = NO_CREDENTIAL;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const receivedName = headers[index] ?? '';
    const header = HEADERS_BY_NAME_LENGTH[receivedName.length];
    if (header === undefined || header === null) continue;
    const { name, canonicalName } = header;
    const value = headers[index + 1] ?? '';
    if (value === '' || (receivedName !== canonicalName && receivedName.toLowerCase() !== name)) continue;
    // Two of them, or one beside what is left to the server: nothing is picked from them here.
    if (found !== NO_CREDENTIAL || name === PASSPHRASE_HEADER) found = LEFT_TO_SERVER;
    else found = name === AUTHORIZATION_HEADER ? readBearer(value) : readApiKey(value);
  }
  return found;
}
