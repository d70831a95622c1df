import { type CredentialKind, PERMISSIONS, type Permission, SCOPES, type Scope } from '../contract/vocabulary.ts';

/** Scopes or permissions as bits, in the order of `SCOPES` or `PERMISSIONS`. */
export type RightsMask = number;

/** Required for unknown rights; no credential has it. */
const UNSATISFIABLE_BIT: RightsMask = 1 << 30;

const RIGHTS_BY_KIND: Readonly<Record<CredentialKind, readonly string[]>> = {
  access_token: SCOPES,
  api_key: PERMISSIONS,
};
const RIGHT_BITS: Readonly<Record<CredentialKind, ReadonlyMap<string, RightsMask>>> = {
  access_token: new Map(SCOPES.map((scope, index) => [scope, 1 << index])),
  api_key: new Map(PERMISSIONS.map((permission, index) => [permission, 1 << index])),
};
/** Set in addition to the bits of its scopes for a token with the scope `all`. */
const ALL_SCOPES_BIT: RightsMask = 1 << 29;

/**
 * Set for an API key that may run guards. It is a flag and not a permission, so that no list of permissions grants it.
 */
const GUARD_BIT: RightsMask = 1 << 28;

function maskOf(kind: CredentialKind, rights: readonly string[]): RightsMask {
  let mask = 0;
  for (const right of rights) mask |= RIGHT_BITS[kind].get(right) ?? UNSATISFIABLE_BIT;
  return mask;
}

/**
 * Returns the rights of a credential as a mask; the scope `all` includes every scope. Unknown rights grant nothing.
 * Pure.
 */
export function grantedMaskOf(kind: CredentialKind, rights: readonly string[], runsGuards = false): RightsMask {
  const mask = maskOf(kind, rights) & ~UNSATISFIABLE_BIT;
  if (kind === 'api_key' && runsGuards) return mask | GUARD_BIT;
  return kind === 'access_token' && rights.includes('all') ? mask | ALL_SCOPES_BIT : mask;
}

/** Returns the names of the granted rights, in the order of the contract; `all` is not expanded. Pure. */
export function rightNamesOf(kind: 'access_token', mask: RightsMask): Scope[];
export function rightNamesOf(kind: 'api_key', mask: RightsMask): Permission[];
export function rightNamesOf(kind: CredentialKind, mask: RightsMask): (Scope | Permission)[];
export function rightNamesOf(kind: CredentialKind, mask: RightsMask): string[] {
  return RIGHTS_BY_KIND[kind].filter((_, index) => (mask & (1 << index)) !== 0);
}

/**
 * Like `rightNamesOf`, but a token with the scope `all` has every scope, including `all`, for services that compare
 * names: `Devpilot-Scopes` and introspection. Pure.
 */
export function effectiveRightNamesOf(kind: 'access_token', mask: RightsMask): Scope[];
export function effectiveRightNamesOf(kind: CredentialKind, mask: RightsMask): (Scope | Permission)[];
export function effectiveRightNamesOf(kind: CredentialKind, mask: RightsMask): string[] {
  return (mask & ALL_SCOPES_BIT) === 0 ? rightNamesOf(kind, mask) : [...RIGHTS_BY_KIND[kind]];
}

/**
 * The requirement for one kind of credential: null if the kind is refused, otherwise all or any one of a list of
 * rights. If `match` is `all`, an empty list accepts any valid credential of the kind.
 */
export type KindRequirement = {
  readonly match: 'all' | 'any';
  readonly mask: RightsMask;
  readonly rights: readonly string[];
} | null;

/** What a request requires of its credential. */
export interface Requirement {
  readonly access_token: KindRequirement;
  readonly api_key: KindRequirement;
}

export function requireAll(kind: CredentialKind, rights: readonly string[]): KindRequirement {
  return { match: 'all', mask: maskOf(kind, rights), rights };
}

/** Requires at least one of `rights`. An empty list is never met. */
export function requireAny(kind: CredentialKind, rights: readonly string[]): KindRequirement {
  return { match: 'any', mask: rights.length === 0 ? UNSATISFIABLE_BIT : maskOf(kind, rights), rights };
}

/** Set in a mask of exercised rights for permissions of an API key, so that the mask alone determines their names. */
const PERMISSIONS_BIT: RightsMask = 1 << 27;

/**
 * Returns the rights that a credential exercises by meeting the requirement: all required rights, or the first one that
 * it has if any one is enough. Pure.
 */
export function exercisedMaskOf(
  kind: CredentialKind,
  granted: RightsMask,
  requirement: NonNullable<KindRequirement>,
): RightsMask {
  const knownRights = (1 << RIGHTS_BY_KIND[kind].length) - 1;
  const required = requirement.mask & knownRights;
  const held = (granted & ALL_SCOPES_BIT) === 0 ? required & granted : required;
  /** The lowest bit of `held`. */
  const firstHeld = held & -held;
  const exercised = requirement.match === 'all' ? required : firstHeld;
  return kind === 'api_key' ? exercised | PERMISSIONS_BIT : exercised;
}

/** Returns the names of the rights in a mask of `exercisedMaskOf`. Pure. */
export function exercisedRightNamesOf(exercised: RightsMask): (Scope | Permission)[] {
  return rightNamesOf((exercised & PERMISSIONS_BIT) === 0 ? 'access_token' : 'api_key', exercised);
}

/** The requirement for running guards: an API key with the permission `read` and the flag `guard`. */
export const GUARD_REQUIREMENT: NonNullable<KindRequirement> = {
  match: 'all',
  mask: maskOf('api_key', ['read']) | GUARD_BIT,
  rights: ['read', 'guard'],
};

/**
 * Returns whether the granted rights meet the requirement. The scope `all` includes every known right but no unknown
 * right. Pure.
 */
export function meets(granted: RightsMask, requirement: NonNullable<KindRequirement>): boolean {
  const { match, mask } = requirement;
  if (match === 'all')
    return (granted & mask) === mask || ((granted & ALL_SCOPES_BIT) !== 0 && (mask & UNSATISFIABLE_BIT) === 0);
  return (granted & mask) !== 0 || ((granted & ALL_SCOPES_BIT) !== 0 && (mask & ~UNSATISFIABLE_BIT) !== 0);
}
