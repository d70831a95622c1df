import type { RestrictionsInput } from '../contract/restrictions.ts';
import { parseCount } from './input.ts';

export interface RestrictionOptions {
  readonly address: readonly string[] | undefined;
  readonly project: readonly string[] | undefined;
  readonly app: readonly string[] | undefined;
  readonly maxUses: string | undefined;
}

/** Returns the restrictions that the options name, as a field of a request; no field if they name none. */
export function readRestrictions({ address, project, app, maxUses }: RestrictionOptions): {
  restrictions?: RestrictionsInput;
} {
  const listOf = (values: readonly string[]) => (values.join() === 'any' ? [] : [...values]);
  const uses = maxUses === 'unlimited' ? null : parseCount('--max-uses', maxUses);
  const restrictions = {
    ...(address !== undefined && { addresses: listOf(address) }),
    ...(project !== undefined && { projects: listOf(project) }),
    ...(app !== undefined && { apps: listOf(app) }),
    ...(uses !== undefined && { maxUses: uses }),
  };
  return Object.keys(restrictions).length === 0 ? {} : { restrictions };
}
