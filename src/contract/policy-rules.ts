/**
 * The requirements of a policy for a credential. Runs in browsers, so that a form can be checked against the policy
 * before it is sent.
 */
import { DAY } from './limits.ts';
import type { Policy } from './policy.ts';
import type { CredentialKind, CredentialRule } from './vocabulary.ts';

/**
 * Matches a range that is larger than /7. A list of 64 ranges, the maximum, cannot contain all IPv4 or all IPv6
 * addresses without such a range.
 */
const VAST_RANGE = /\/[0-6]$/;

/** The properties of a credential for which a policy has rules; times in epoch milliseconds. */
export interface PolicySubject {
  readonly kind: CredentialKind;
  readonly rights: readonly string[];
  readonly hasPassphrase: boolean;
  readonly createdAt: number;
  /** The chosen expiry; null for never. */
  readonly expiresAt: number | null;
  /** The addresses from which the credential can be used; empty for any address. */
  readonly addresses: readonly string[];
}

/** A violated rule, the field that violates it, and what the field must be. */
export interface PolicyViolation {
  readonly rule: CredentialRule;
  readonly field: string;
  readonly message: string;
}

/**
 * Returns whether an access token with these scopes must have a passphrase. The scope `all` of a token includes every
 * scope that the policy lists. Pure.
 */
export function requiresPassphrase(policy: Policy, scopes: readonly string[]): boolean {
  const { passphraseScopes } = policy;
  return (
    passphraseScopes.length > 0 && scopes.some((scope) => scope === 'all' || passphraseScopes.includes(scope as never))
  );
}

/** Returns the latest expiry that the policy allows a credential created at `createdAt`, or null for any. Pure. */
export function latestExpiry({ maxLifetimeDays }: Policy, createdAt: number): number | null {
  return maxLifetimeDays === null ? null : createdAt + maxLifetimeDays * DAY;
}

/** Returns the rules of a policy that a credential violates, in the order of `CREDENTIAL_RULES`. Pure. */
export function violationsOf(policy: Policy, subject: PolicySubject): PolicyViolation[] {
  const { kind, rights, hasPassphrase, createdAt, expiresAt, addresses } = subject;
  const violations: PolicyViolation[] = [];
  const latest = latestExpiry(policy, createdAt);
  if (latest !== null && (expiresAt === null || expiresAt > latest)) {
    violations.push({
      rule: 'maxLifetimeDays',
      field: 'expiresAt',
      message: `must be at most ${policy.maxLifetimeDays} days after creation (policy rule maxLifetimeDays)`,
    });
  }
  const isToken = kind === 'access_token';
  if (isToken && !hasPassphrase && requiresPassphrase(policy, rights)) {
    violations.push({
      rule: 'passphraseScopes',
      field: 'passphrase',
      message: 'is required for these scopes (policy rule passphraseScopes)',
    });
  }
  if (isToken && !policy.allowAll && rights.includes('all')) {
    violations.push({
      rule: 'allowAll',
      field: 'scopes',
      message: 'must not contain the scope all (policy rule allowAll)',
    });
  }
  if (policy.requireAddresses && (addresses.length === 0 || addresses.some((range) => VAST_RANGE.test(range)))) {
    violations.push({
      rule: 'requireAddresses',
      field: 'restrictions.addresses',
      message: 'must not be empty or contain a range larger than /7 (policy rule requireAddresses)',
    });
  }
  return violations;
}
