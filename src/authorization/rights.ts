import { type CredentialKind, PERMISSIONS, type Permission, SCOPES, type Scope } from '../contract/vocabulary.ts';

/** Scopes or permissions as bits, in the order of the contract's lists: what a judgement compares. */
export type RightsMask = number;

/** A bit that no credential ever has: what an unknown right asks for. */
const UNSATISFIABLE_BIT: RightsMask = 1 << 30;

const RIGHTS_BY_KIND: Readonly<Record<CredentialKind, readonly string[]>> = {
  access_token: SCOPES,
  api_key: PERMISSIONS,
};
const RIGHT_BITS: Readonly<Record<CredentialKind, ReadonlyMap<string, RightsMask>>> = {
  access_token: new Map(SCOPES.map((scope, index) => [scope, 1 << index])),
  api_key: new Map(PERMISSIONS.map((permission, index) => [permission, 1 << index])),
};
/** The bit beside its words of a token with the scope `all`. */
const ALL_SCOPES_BIT: RightsMask = 1 << 29;

/** The bit of an API key that may run guards: a flag of its own and no permission, so that no list of words has it. */
const GUARD_BIT: RightsMask = 1 << 28;

function maskOf(kind: CredentialKind, rights: readonly string[]): RightsMask {
  let mask = 0;
  for (const right of rights) mask |= RIGHT_BITS[kind].get(right) ?? UNSATISFIABLE_BIT;
  return mask;
}

/** What a credential with these rights may do; the scope `all` includes every scope. */
export function grantedMaskOf(kind: CredentialKind, rights: readonly string[], runsGuards = false): RightsMask {
  const mask = maskOf(kind, rights) & ~UNSATISFIABLE_BIT;
  if (kind === 'api_key' && runsGuards) return mask | GUARD_BIT;
  return kind === 'access_token' && rights.includes('all') ? mask | ALL_SCOPES_BIT : mask;
}

/** The rights that a mask stands for, as they were given. */
export function rightNamesOf(kind: 'access_token', mask: RightsMask): Scope[];
export function rightNamesOf(kind: 'api_key', mask: RightsMask): Permission[];
export function rightNamesOf(kind: CredentialKind, mask: RightsMask): (Scope | Permission)[];
export function rightNamesOf(kind: CredentialKind, mask: RightsMask): string[] {
  return RIGHTS_BY_KIND[kind].filter((_, index) => (mask & (1 << index)) !== 0);
}

/**
 * The same with every scope that `all` includes beside it: what services are told that compare the names,
 * in `Devpilot-Scopes` and at introspection (contract, section 5).
 */
export function effectiveRightNamesOf(kind: 'access_token', mask: RightsMask): Scope[];
export function effectiveRightNamesOf(kind: CredentialKind, mask: RightsMask): (Scope | Permission)[];
export function effectiveRightNamesOf(kind: CredentialKind, mask: RightsMask): string[] {
  return (mask & ALL_SCOPES_BIT) === 0 ? rightNamesOf(kind, mask) : [...RIGHTS_BY_KIND[kind]];
}

/**
 * What is demanded of one kind of credential: null where the kind is refused, otherwise either all
 * of some rights (none at all: any valid credential passes) or any one of some.
 */
export type KindRequirement = {
  readonly match: 'all' | 'any';
  readonly mask: RightsMask;
  readonly rights: readonly string[];
} | null;

/** What a request demands of the credential that it carries. */
export interface Requirement {
  readonly access_token: KindRequirement;
  readonly api_key: KindRequirement;
}

export function requireAll(kind: CredentialKind, rights: readonly string[]): KindRequirement {
  return { match: 'all', mask: maskOf(kind, rights), rights };
}

/** Any one of `words` suffices; an empty list is refused by nobody being able to meet it. */
export function requireAny(kind: CredentialKind, rights: readonly string[]): KindRequirement {
  return { match: 'any', mask: rights.length === 0 ? UNSATISFIABLE_BIT : maskOf(kind, rights), rights };
}

/** What running guards needs: an API key with the permission `read` and the flag `guard`. */
export const GUARD_REQUIREMENT: NonNullable<KindRequirement> = {
  match: 'all',
  mask: maskOf('api_key', ['read']) | GUARD_BIT,
  rights: ['read', 'guard'],
};

/** Tells whether what was granted suffices. Whoever has everything has each right that there is, and no other. */
export function meets(granted: RightsMask, requirement: NonNullable<KindRequirement>): boolean {
  const { match: how, mask } = requirement;
  if (how === 'all')
    return (granted & mask) === mask || ((granted & ALL_SCOPES_BIT) !== 0 && (mask & UNSATISFIABLE_BIT) === 0);
  return (granted & mask) !== 0 || ((granted & ALL_SCOPES_BIT) !== 0 && (mask & ~UNSATISFIABLE_BIT) !== 0);
}
