import type { CredentialUses } from '../../contract/credentials.ts';
import { DAY } from '../../contract/limits.ts';
import type { CredentialKindConfig, Right } from '../credentials/kinds.ts';

/** The periods to choose from, in days. */
export const PERIODS = [7, 30, 90, 365] as const;
/** In days. */
export const DEFAULT_PERIOD = 30;

export interface ClassifiedRights {
  /** The uses in the period, per right and app, latest first. Their counts include uses before the period. */
  readonly usesInPeriod: CredentialUses['rights'];
  /** The rights that the credential has and used in the period, in the order of the forms. */
  readonly usedRights: readonly Right[];
  /** The rights that the credential has and did not use in the period. */
  readonly unusedRights: readonly Right[];
}

/** Returns which of its rights a credential used in the last `days` days; `all` includes every scope. */
export function classifyRights(
  kind: CredentialKindConfig,
  heldRights: readonly Right[],
  uses: CredentialUses['rights'],
  days: number,
  now: number,
): ClassifiedRights {
  const usesInPeriod = uses.filter(({ lastUsedAt }) => Date.parse(lastUsedAt) >= now - days * DAY);
  const rightsInPeriod = new Set<Right>(usesInPeriod.map(({ right }) => right));
  const availableRights = kind.rightGroups
    .flatMap(({ rights }) => rights)
    .filter((right) => (heldRights.includes('all') ? right !== 'all' : heldRights.includes(right)));
  return {
    usesInPeriod,
    usedRights: availableRights.filter((right) => rightsInPeriod.has(right)),
    unusedRights: availableRights.filter((right) => !rightsInPeriod.has(right)),
  };
}
