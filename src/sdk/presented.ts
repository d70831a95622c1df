import { SECRET_PREFIXES } from '../contract/words.ts';
import { type FlatHeaders, PRESENTED } from './authorize.ts';

/**
 * What a request carries. `plain`: one secret that may be judged as it stands. `other`: something for
 * the server to read, such as a passphrase, or to refuse, such as two credentials.
 */
export type Presented =
  | { readonly kind: 'none' }
  | { readonly kind: 'other' }
  | { readonly kind: 'plain'; readonly secret: string };

const LENGTHS = new Set(PRESENTED.map(({ length }) => length));
const NONE: Presented = { kind: 'none' };
const OTHER: Presented = { kind: 'other' };

/** Reads who a request says it is from (`Authorization: Bearer` or `X-API-Key`). Does not judge. */
export function presentedIn(headers: FlatHeaders): Presented {
  let found: Presented = NONE;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? '';
    // By its length first: most names are none of these, and a request has many.
    if (!LENGTHS.has(name.length)) continue;
    const value = headers[at + 1] ?? '';
    const lower = name.toLowerCase();
    const isBearer = lower === 'authorization';
    if (!isBearer && lower !== 'x-api-key') {
      if (lower === 'access-token-passphrase' && value !== '') found = OTHER;
      continue;
    }
    if (value === '') continue;
    // Two of them, or a second after what is left to the server: nothing is picked from them here.
    if (found !== NONE) return OTHER;
    const secret = isBearer ? bearerOf(value) : value.trim();
    found = secret === null || (!isBearer && !secret.startsWith(SECRET_PREFIXES.api_key)) ? OTHER : plain(secret);
  }
  return found;
}

const plain = (secret: string): Presented => ({ kind: 'plain', secret });

function bearerOf(value: string): string | null {
  return /^bearer /i.test(value) ? value.slice(7).trim() : null;
}
