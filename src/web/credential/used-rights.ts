import type { CredentialUses } from '../../contract/credentials.ts';
import { DAY } from '../../contract/limits.ts';
import type { CredentialKindConfig, Right } from '../credentials/kinds.ts';

/** The periods to choose from, in days. */
export const PERIODS = [7, 30, 90, 365] as const;
export const DEFAULT_PERIOD = 30;

export interface RightUsage {
  /** The uses in the period, per right and app, latest first. Their counts include uses before the period. */
  readonly uses: CredentialUses['rights'];
  /** The rights that the credential has and used in the period, in the order of the forms. */
  readonly used: readonly Right[];
  /** The rights that the credential has and did not use in the period. */
  readonly unused: readonly Right[];
}

/** Returns which of its rights a credential used in the last `days` days; `all` includes every scope. */
export function usageOfRights(
  kind: CredentialKindConfig,
  held: readonly Right[],
  uses: CredentialUses['rights'],
  days: number,
  now: number,
): RightUsage {
  const usesInPeriod = uses.filter(({ lastUsedAt }) => Date.parse(lastUsedAt) >= now - days * DAY);
  const usedNames = new Set<Right>(usesInPeriod.map(({ right }) => right));
  const available = kind.rightGroups
    .flatMap(({ rights }) => rights)
    .filter((right) => (held.includes('all') ? right !== 'all' : held.includes(right)));
  return {
    uses: usesInPeriod,
    used: available.filter((right) => usedNames.has(right)),
    unused: available.filter((right) => !usedNames.has(right)),
  };
}
