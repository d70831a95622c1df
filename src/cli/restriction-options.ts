import type { RestrictionsInput } from '../contract/restrictions.ts';
import { parseCount } from './input.ts';

export interface RestrictionOptions {
  readonly address: readonly string[] | undefined;
  readonly maxUses: string | undefined;
}

/** Returns the restrictions that the options name, as a field of a request; no field if they name none. */
export function readRestrictions({ address, maxUses }: RestrictionOptions): { restrictions?: RestrictionsInput } {
  const isAny = address?.length === 1 && address[0] === 'any';
  const uses = maxUses === 'unlimited' ? null : parseCount('--max-uses', maxUses);
  const restrictions = {
    ...(address !== undefined && { addresses: isAny ? [] : [...address] }),
    ...(uses !== undefined && { maxUses: uses }),
  };
  return Object.keys(restrictions).length === 0 ? {} : { restrictions };
}
