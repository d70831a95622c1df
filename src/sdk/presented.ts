import { SECRET_PREFIXES } from '../contract/words.ts';
import { API_KEY, AUTHORIZATION, type FlatHeaders, PASSPHRASE } from './authorize.ts';

/** Nothing is presented. */
export const NONE = Symbol('none');
/** What is for the server to read, such as a passphrase, or to refuse, such as two credentials. */
export const OTHER = Symbol('other');

/** What a request carries: one secret that may be judged as it stands, or what it has instead. */
export type Presented = string | typeof NONE | typeof OTHER;

const SCHEME = 'Bearer ';
const SPACE = 32;

interface Line {
  readonly name: string;
  /** As most clients write it, so that it is rarely put in lower case. */
  readonly usual: string;
}
/** The header lines that say something, by the length of their names: most names are none of these, and a request has many. */
const LINES: (Line | null)[] = [];
for (const [name, usual] of [
  [AUTHORIZATION, 'Authorization'],
  [API_KEY, 'X-API-Key'],
  [PASSPHRASE, 'Access-Token-Passphrase'],
] as const) {
  while (LINES.length <= name.length) LINES.push(null);
  LINES[name.length] = { name, usual };
}

/** A secret as it stands in a header; blanks around it are nobody's. */
function plain(text: string): string {
  const isBare = text.charCodeAt(0) !== SPACE && text.charCodeAt(text.length - 1) !== SPACE;
  return isBare ? text : text.trim();
}

function bearerIn(value: string): Presented {
  if (value.startsWith(SCHEME) || value.slice(0, SCHEME.length).toLowerCase() === 'bearer ') {
    return plain(value.slice(SCHEME.length));
  }
  return OTHER;
}

function keyIn(value: string): Presented {
  const secret = plain(value);
  return secret.startsWith(SECRET_PREFIXES.api_key) ? secret : OTHER;
}

/** Reads who a request says it is from (`Authorization: Bearer` or `X-API-Key`). Does not judge. */
export function presentedIn(headers: FlatHeaders): Presented {
  let found: Presented = NONE;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const given = headers[at] ?? '';
    const line = LINES[given.length];
    if (line === undefined || line === null) continue;
    const { name, usual } = line;
    const value = headers[at + 1] ?? '';
    if (value === '' || (given !== usual && given.toLowerCase() !== name)) continue;
    // Two of them, or one beside what is left to the server: nothing is picked from them here.
    if (found !== NONE || name === PASSPHRASE) found = OTHER;
    else found = name === AUTHORIZATION ? bearerIn(value) : keyIn(value);
  }
  return found;
}
