import type { CredentialUses } from '../../contract/credentials.ts';
import { DAY } from '../../contract/limits.ts';
import type { CredentialKindConfig, Right } from '../credentials/kinds.ts';

/** The periods to choose from, in days. */
export const PERIODS = [7, 30, 90, 365] as const;
export const DEFAULT_PERIOD = 30;

export interface RightUsage {
  /** The uses in the period, per right and app, latest first. Their counts are those of the whole time. */
  readonly uses: CredentialUses['rights'];
  /** What it may do and did in the period, in the order of the forms. */
  readonly used: readonly Right[];
  /** What it may do and did not. */
  readonly unused: readonly Right[];
}

/** Returns which of its rights a credential used in the last `days` days; `all` stands for every scope. Pure. */
export function usageOfRights(
  kind: CredentialKindConfig,
  held: readonly Right[],
  uses: CredentialUses['rights'],
  days: number,
  now: number,
): RightUsage {
  const usesInPeriod = uses.filter(({ lastUsedAt }) => Date.parse(lastUsedAt) >= now - days * DAY);
  const names = new Set<Right>(usesInPeriod.map(({ right }) => right));
  const available = kind.rightGroups
    .flatMap(({ rights }) => rights)
    .filter((right) => (held.includes('all') ? right !== 'all' : held.includes(right)));
  return {
    uses: usesInPeriod,
    used: available.filter((right) => names.has(right)),
    unused: available.filter((right) => !names.has(right)),
  };
}
