/** Claims about a person, from the ID token and the provider's userinfo endpoint. */
export type Claims = Readonly<Record<string, unknown>>;

/** An account at the provider: the claims that single sign-on uses. */
export interface ProviderAccount {
  readonly issuer: string;
  readonly subject: string;
  /** Null unless the provider has verified the email address. */
  readonly verifiedEmail: string | null;
  readonly email: string | null;
  readonly name: string | null;
  /** Whether the provider states that several factors were used (RFC 8176). */
  readonly isMultiFactor: boolean;
  /** The ID of the session at the provider (`sid`). */
  readonly providerSession: string | null;
  /** When the person authenticated at the provider, in epoch milliseconds; null if the provider does not state it. */
  readonly authenticatedAt: number | null;
  readonly claims: Claims;
}

/** Maximum lengths of claims. The subject's is from OpenID Connect Core 1.0, section 2; the others are our own. */
export const MAX_CLAIM_LENGTH = { sub: 255, sid: 512, email: 1024, name: 1024 };

/** Returns a claim that is a string of 1 to `maxLength` characters, otherwise null. Pure. */
export function textClaim(value: unknown, maxLength: number): string | null {
  return typeof value === 'string' && value !== '' && value.length <= maxLength ? value : null;
}

/**
 * Whether the provider has verified the email address. Entra ID does not send `email_verified`, and the administrator
 * of an Entra directory can set any email address. The claim `xms_edov` states that the directory owns the domain.
 */
function isEmailVerified(issuer: string, claims: Claims): boolean {
  if (claims['email_verified'] === true) return true;
  const isEntraId = new URL(issuer).origin === 'https://login.microsoftonline.com';
  return isEntraId && [true, 1, '1', 'true'].some((value) => claims['xms_edov'] === value);
}

/** Returns the account that the claims describe, or null if they have no valid subject. Pure. */
export function toProviderAccount(issuer: string, claims: Claims): ProviderAccount | null {
  const subject = textClaim(claims['sub'], MAX_CLAIM_LENGTH.sub);
  if (subject === null) return null;
  const email = textClaim(claims['email'], MAX_CLAIM_LENGTH.email);
  const { amr, auth_time: authTime } = claims;
  return {
    issuer,
    subject,
    email,
    verifiedEmail: isEmailVerified(issuer, claims) ? email : null,
    name:
      textClaim(claims['name'], MAX_CLAIM_LENGTH.name) ??
      textClaim(claims['preferred_username'], MAX_CLAIM_LENGTH.name),
    isMultiFactor: Array.isArray(amr) && amr.includes('mfa'),
    providerSession: textClaim(claims['sid'], MAX_CLAIM_LENGTH.sid),
    authenticatedAt: typeof authTime === 'number' ? Math.floor(authTime * 1000) : null,
    claims,
  };
}

/** Returns the value of a claim by its name or, for a nested claim, by its path, such as `realm_access.roles`. Pure. */
function findClaim(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Claims)[part];
  }
  return value;
}

/** Returns the strings in a claim that is a string or a list; empty for a missing claim. Pure. */
export function claimValues(claims: Claims, path: string): readonly string[] {
  const value = findClaim(claims, path);
  return [value].flat().filter((entry) => typeof entry === 'string');
}
