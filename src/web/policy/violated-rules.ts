import type { Policy } from '../../contract/policy.ts';
import { latestExpiry, violationsOf } from '../../contract/policy-rules.ts';
import type { CredentialRule } from '../../contract/vocabulary.ts';
import { type Credential, getRights, hasPassphrase } from '../credentials/kinds.ts';

/** Whether the policy's maximum lifetime has replaced the later expiry that a credential was created with. */
function isShortened(policy: Policy, createdAt: number, expiresAt: number | null): boolean {
  const latest = latestExpiry(policy, createdAt);
  if (latest === null || policy.bindsExistingFrom === null) return false;
  return expiresAt === Math.max(latest, Date.parse(policy.bindsExistingFrom));
}

/**
 * Returns the expiry that the policy's maximum lifetime gives to a credential, and the time from which the maximum
 * lifetime applies to existing credentials; null if the policy does not shorten the credential's lifetime.
 */
export function getPolicyExpiry(
  policy: Policy | undefined,
  { createdAt, expiresAt }: Pick<Credential, 'createdAt' | 'expiresAt'>,
): { readonly expiresAt: string; readonly from: string } | null {
  if (policy === undefined || policy.bindsExistingFrom === null || expiresAt === null) return null;
  if (!isShortened(policy, Date.parse(createdAt), Date.parse(expiresAt))) return null;
  return { expiresAt, from: policy.bindsExistingFrom };
}

/** Returns the rules that a credential violates. An expired credential violates none. */
export function findViolatedRules(policy: Policy, credential: Credential): CredentialRule[] {
  if (credential.status === 'expired') return [];
  const createdAt = Date.parse(credential.createdAt);
  const expiresAt = credential.expiresAt === null ? null : Date.parse(credential.expiresAt);
  return violationsOf(policy, {
    kind: credential.kind,
    rights: getRights(credential),
    hasPassphrase: hasPassphrase(credential),
    createdAt,
    addresses: credential.restrictions.addresses,
    // The response does not contain the original, later expiry. Null (no expiry) violates the rule as well.
    expiresAt: isShortened(policy, createdAt, expiresAt) ? null : expiresAt,
  }).map(({ rule }) => rule);
}
