import { type CredentialKind, PERMISSIONS, type Permission, SCOPES, type Scope } from '../contract/words.ts';

/** Scopes or permissions as bits, in the order of the contract's lists: what a judgement compares. */
export type RightsMask = number;

/** A bit that no credential ever has: what an unknown right asks for. */
const NOBODY: RightsMask = 1 << 30;

const WORDS: Readonly<Record<CredentialKind, readonly string[]>> = { access_token: SCOPES, api_key: PERMISSIONS };
const BITS: Readonly<Record<CredentialKind, ReadonlyMap<string, RightsMask>>> = {
  access_token: new Map(SCOPES.map((scope, at) => [scope, 1 << at])),
  api_key: new Map(PERMISSIONS.map((permission, at) => [permission, 1 << at])),
};
/** The bit beside its words of a token with the scope `all`. */
const EVERYTHING: RightsMask = 1 << 29;

/** The bit of an API key that may run guards: a flag of its own and no permission, so that no list of words has it. */
const GUARD: RightsMask = 1 << 28;

function maskOf(kind: CredentialKind, words: readonly string[]): RightsMask {
  let mask = 0;
  for (const word of words) mask |= BITS[kind].get(word) ?? NOBODY;
  return mask;
}

/** What a credential with these rights may do; the scope `all` includes every scope. */
export function grantedBy(kind: CredentialKind, words: readonly string[], runsGuards = false): RightsMask {
  const mask = maskOf(kind, words) & ~NOBODY;
  if (kind === 'api_key' && runsGuards) return mask | GUARD;
  return kind === 'access_token' && words.includes('all') ? mask | EVERYTHING : mask;
}

/** The rights that a mask stands for, as they were given. */
export function wordsOf(kind: 'access_token', mask: RightsMask): Scope[];
export function wordsOf(kind: 'api_key', mask: RightsMask): Permission[];
export function wordsOf(kind: CredentialKind, mask: RightsMask): (Scope | Permission)[];
export function wordsOf(kind: CredentialKind, mask: RightsMask): string[] {
  return WORDS[kind].filter((_, at) => (mask & (1 << at)) !== 0);
}

/**
 * The same with every scope that `all` includes beside it: what services are told that compare the names,
 * in `Devpilot-Scopes` and at introspection (contract, section 5).
 */
export function grantedWordsOf(kind: 'access_token', mask: RightsMask): Scope[];
export function grantedWordsOf(kind: CredentialKind, mask: RightsMask): (Scope | Permission)[];
export function grantedWordsOf(kind: CredentialKind, mask: RightsMask): string[] {
  return (mask & EVERYTHING) === 0 ? wordsOf(kind, mask) : [...WORDS[kind]];
}

/**
 * What is demanded of one kind of credential: null where the kind is refused, otherwise either all
 * of some rights (none at all: any valid credential passes) or any one of some.
 */
export type Need = { readonly how: 'all' | 'any'; readonly mask: RightsMask; readonly words: readonly string[] } | null;

/** What a request demands of the credential that it carries. */
export interface Demand {
  readonly access_token: Need;
  readonly api_key: Need;
}

export function needAll(kind: CredentialKind, words: readonly string[]): Need {
  return { how: 'all', mask: maskOf(kind, words), words };
}

/** Any one of `words` suffices; an empty list is refused by nobody being able to meet it. */
export function needAny(kind: CredentialKind, words: readonly string[]): Need {
  return { how: 'any', mask: words.length === 0 ? NOBODY : maskOf(kind, words), words };
}

/** What running guards needs: an API key with the permission `read` and the flag `guard`. */
export const NEED_GUARD: NonNullable<Need> = {
  how: 'all',
  mask: maskOf('api_key', ['read']) | GUARD,
  words: ['read', 'guard'],
};

/** Tells whether what was granted suffices. Whoever has everything has each right that there is, and no other. */
export function meets(granted: RightsMask, need: NonNullable<Need>): boolean {
  const { how, mask } = need;
  if (how === 'all') return (granted & mask) === mask || ((granted & EVERYTHING) !== 0 && (mask & NOBODY) === 0);
  return (granted & mask) !== 0 || ((granted & EVERYTHING) !== 0 && (mask & ~NOBODY) !== 0);
}
