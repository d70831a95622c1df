import { SECRET_PREFIXES } from '../contract/words.ts';
import { API_KEY, AUTHORIZATION, type FlatHeaders, PASSPHRASE, PRESENTED } from './authorize.ts';

/**
 * What a request carries. `plain`: one secret that may be judged as it stands. `other`: something for
 * the server to read, such as a passphrase, or to refuse, such as two credentials.
 */
export type Presented =
  | { readonly kind: 'none' }
  | { readonly kind: 'other' }
  | { readonly kind: 'plain'; readonly secret: string };

const NONE: Presented = { kind: 'none' };
const OTHER: Presented = { kind: 'other' };
const SCHEME = 'Bearer ';
const SPACE = 32;

/** A secret as it stands in a header; blanks around it are nobody's. */
function plain(text: string): Presented {
  const isBare = text.charCodeAt(0) !== SPACE && text.charCodeAt(text.length - 1) !== SPACE;
  return { kind: 'plain', secret: isBare ? text : text.trim() };
}

function bearerIn(value: string): Presented {
  if (value.startsWith(SCHEME) || value.slice(0, SCHEME.length).toLowerCase() === 'bearer ') {
    return plain(value.slice(SCHEME.length));
  }
  return OTHER;
}

function keyIn(value: string): Presented {
  const presented = plain(value);
  return presented.kind === 'plain' && presented.secret.startsWith(SECRET_PREFIXES.api_key) ? presented : OTHER;
}

/** Reads who a request says it is from (`Authorization: Bearer` or `X-API-Key`). Does not judge. */
export function presentedIn(headers: FlatHeaders): Presented {
  let found = NONE;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? '';
    // By its length first: most names are none of these, and a request has many.
    const { length } = name;
    if (length !== AUTHORIZATION.length && length !== API_KEY.length && length !== PASSPHRASE.length) continue;
    const value = headers[at + 1] ?? '';
    const lower = name.toLowerCase();
    if (value === '' || !PRESENTED.includes(lower)) continue;
    // Two of them, or one beside what is left to the server: nothing is picked from them here.
    if (found !== NONE || lower === PASSPHRASE) found = OTHER;
    else found = lower === AUTHORIZATION ? bearerIn(value) : keyIn(value);
  }
  return found;
}
