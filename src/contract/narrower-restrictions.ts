import { containsRange, parseAddressRange } from './address-ranges.ts';
import type { Restrictions } from './restrictions.ts';

type Rate = NonNullable<Restrictions['rate']>;

function areAddressesWider(granted: readonly string[], requested: readonly string[]): boolean {
  if (granted.length === 0) return false;
  const ranges = granted.map(parseAddressRange);
  return (
    requested.length === 0 ||
    requested.some((text) => {
      const inner = parseAddressRange(text);
      return inner === null || !ranges.some((outer) => outer !== null && containsRange(outer, inner));
    })
  );
}

const isRateWider = (granted: Rate, requested: Rate | null): boolean =>
  requested === null ||
  requested.requests > granted.requests ||
  requested.requests * granted.seconds > granted.requests * requested.seconds;

/**
 * Returns the member of `requested` that would allow more than `granted`, or null; projects and apps are checked first.
 * An app is not accepted in place of its granted project, because it may be moved to another project. Pure.
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
