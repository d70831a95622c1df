import type { Policy } from '../../contract/policy.ts';
import { latestExpiry, violationsOf } from '../../contract/policy-rules.ts';
import type { CredentialRule } from '../../contract/vocabulary.ts';
import { type Credential, getRights, hasPassphrase } from '../credentials/kinds.ts';

/** Whether the maximum lifetime has ended or will end a credential earlier than it was created to expire. */
function isBound(policy: Policy, createdAt: number, expiresAt: number | null): boolean {
  const latest = latestExpiry(policy, createdAt);
  if (latest === null || policy.bindsExistingFrom === null) return false;
  return expiresAt === Math.max(latest, Date.parse(policy.bindsExistingFrom));
}

/** Returns when the policy, not its own expiry, ends a credential, and since when it applies to it; null if neither. */
export function policyExpiry(
  policy: Policy | undefined,
  { createdAt, expiresAt }: Pick<Credential, 'createdAt' | 'expiresAt'>,
): { readonly expiresAt: string; readonly from: string } | null {
  if (policy === undefined || policy.bindsExistingFrom === null || expiresAt === null) return null;
  if (!isBound(policy, Date.parse(createdAt), Date.parse(expiresAt))) return null;
  return { expiresAt, from: policy.bindsExistingFrom };
}

/** Returns the rules that a credential violates. An expired one violates none. */
export function violatedRules(policy: Policy, credential: Credential): CredentialRule[] {
  if (credential.status === 'expired') return [];
  const createdAt = Date.parse(credential.createdAt);
  const expiresAt = credential.expiresAt === null ? null : Date.parse(credential.expiresAt);
  return violationsOf(policy, {
    kind: credential.kind,
    rights: getRights(credential),
    hasPassphrase: hasPassphrase(credential),
    createdAt,
    addresses: credential.restrictions.addresses,
    // The expiry that was chosen is later, and is not part of the response.
    expiresAt: isBound(policy, createdAt, expiresAt) ? null : expiresAt,
  }).map(({ rule }) => rule);
}
