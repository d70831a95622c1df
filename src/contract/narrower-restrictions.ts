import { containsRange, parseAddressRange } from './address-ranges.ts';
import type { Restrictions } from './restrictions.ts';

type Rate = NonNullable<Restrictions['rate']>;

function areAddressesWider(held: readonly string[], wanted: readonly string[]): boolean {
  if (held.length === 0) return false;
  const ranges = held.map(parseAddressRange);
  return (
    wanted.length === 0 ||
    wanted.some((text) => {
      const inner = parseAddressRange(text);
      return inner === null || !ranges.some((outer) => outer !== null && containsRange(outer, inner));
    })
  );
}

const isRateWider = (held: Rate, wanted: Rate | null): boolean =>
  wanted === null || wanted.requests > held.requests || wanted.requests * held.seconds > held.requests * wanted.seconds;

/**
 * Returns the member of `wanted` that would allow more than `held`, or null; projects and apps before others. An app of
 * a project in `held` is not accepted in its place, because it may be moved to another project. Pure.
 */
export function widerRestriction(held: Restrictions, wanted: Restrictions): keyof Restrictions | null {
  if (held.projects.length + held.apps.length > 0) {
    if (wanted.projects.some((id) => !held.projects.includes(id))) return 'projects';
    if (wanted.apps.some((id) => !held.apps.includes(id))) return 'apps';
    if (wanted.projects.length + wanted.apps.length === 0) return held.projects.length > 0 ? 'projects' : 'apps';
  }
  if (areAddressesWider(held.addresses, wanted.addresses)) return 'addresses';
  if (held.rate !== null && isRateWider(held.rate, wanted.rate)) return 'rate';
  if (held.maxUses !== null && (wanted.maxUses === null || wanted.maxUses > held.maxUses)) return 'maxUses';
  return null;
}
