import type { CredentialUses } from '../../contract/credentials.ts';
import { DAY } from '../../contract/limits.ts';
import type { CredentialKindConfig, Right } from '../credentials/kinds.ts';

/** The periods to choose from, in days. */
export const PERIODS = [7, 30, 90, 365] as const;
/** In days. */
export const DEFAULT_PERIOD = 30;

export interface ClassifiedRights {
  /** One entry per right and app last used in the period, latest first. Its `count` is the total, with earlier uses. */
  readonly lastUsedInPeriod: CredentialUses['rights'];
  /** The rights of the credential that it used in the period, in the order of the credential form. */
  readonly usedRights: readonly Right[];
  /** The rights of the credential that it did not use in the period, in the same order. */
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
  const lastUsedInPeriod = uses.filter(({ lastUsedAt }) => Date.parse(lastUsedAt) >= now - days * DAY);
  const rightsInPeriod = new Set<Right>(lastUsedInPeriod.map(({ right }) => right));
  const availableRights = kind.rightGroups
    .flatMap(({ rights }) => rights)
    .filter((right) => (heldRights.includes('all') ? right !== 'all' : heldRights.includes(right)));
  return {
    lastUsedInPeriod,
    usedRights: availableRights.filter((right) => rightsInPeriod.has(right)),
    unusedRights: availableRights.filter((right) => !rightsInPeriod.has(right)),
  };
}
