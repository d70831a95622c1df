import { containsRange, parseAddressRange } from './address-ranges.ts';
import type { Restrictions } from './restrictions.ts';

type Rate = NonNullable<Restrictions['rate']>;

function areAddressesWider(granted: readonly string[], requested: readonly string[]): boolean {
  if (granted.length === 0) return false;
  const grantedRanges = granted.map(parseAddressRange);
  return (
    requested.length === 0 ||
    requested.some((text) => {
      const range = parseAddressRange(text);
      return range === null || !grantedRanges.some((outer) => outer !== null && containsRange(outer, range));
    })
  );
}

const isRateWider = (granted: Rate, requested: Rate | null): boolean =>
  requested === null ||
  requested.requests > granted.requests ||
  requested.requests * granted.seconds > granted.requests * requested.seconds;

/**
 * Returns the name of a requested restriction that would allow more than the granted one, or null. If a project is
 * granted, its apps cannot be requested instead, because they can be moved to another project. Pure.
 */
export function widerRestriction(granted: Restrictions, requested: Restrictions): keyof Restrictions | null {
  if (granted.projects.length + granted.apps.length > 0) {
    if (requested.projects.some((id) => !granted.projects.includes(id))) return 'projects';
    if (requested.apps.some((id) => !granted.apps.includes(id))) return 'apps';
    if (requested.projects.length + requested.apps.length === 0)
      return granted.projects.length > 0 ? 'projects' : 'apps';
  }
  if (areAddressesWider(granted.addresses, requested.addresses)) return 'addresses';
  if (granted.rate !== null && isRateWider(granted.rate, requested.rate)) return 'rate';
  if (granted.maxUses !== null && (requested.maxUses === null || requested.maxUses > granted.maxUses)) return 'maxUses';
  return null;
}
