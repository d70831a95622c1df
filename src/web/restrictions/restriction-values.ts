import { parseAddressRange } from '../../contract/address-ranges.ts';
import { ID_PREFIXES } from '../../contract/id.ts';
import { RESTRICTION_LIMITS } from '../../contract/limits.ts';
import type { Restrictions } from '../../contract/restrictions.ts';
import { splitLines } from '../form-values.ts';
import { validateInteger } from '../validation.ts';
import { strings } from './strings.ts';

/** The restrictions in a form. Null means not restricted; an empty value means restricted, but not filled in yet. */
export type RestrictionValues = {
  /** IP addresses and CIDR ranges, one per line. */
  readonly addresses: string | null;
  readonly maxUses: number | string | null;
  /** IDs of projects and apps. */
  readonly resources: readonly string[] | null;
  readonly rate: { readonly requests: number | string; readonly seconds: number } | null;
};

export const UNRESTRICTED: RestrictionValues = { addresses: null, resources: null, rate: null, maxUses: null };

export const toRestrictionValues = ({ addresses, projects, apps, rate, maxUses }: Restrictions): RestrictionValues => ({
  addresses: addresses.length === 0 ? null : addresses.join('\n'),
  resources: projects.length + apps.length === 0 ? null : [...projects, ...apps],
  rate,
  maxUses,
});

export const isProjectId = (id: string): boolean => id.startsWith(ID_PREFIXES.project);

/** Converts valid form values to restrictions. */
export const toRestrictions = ({ addresses, resources, rate, maxUses }: RestrictionValues): Restrictions => ({
  addresses: addresses === null ? [] : splitLines(addresses),
  projects: (resources ?? []).filter(isProjectId),
  apps: (resources ?? []).filter((id) => !isProjectId(id)),
  rate: rate === null ? null : { ...rate, requests: Number(rate.requests) },
  maxUses: maxUses === null ? null : Number(maxUses),
});

/** Returns the validation error of the addresses, or null. */
export function validateAddresses(
  text: string | null,
  { isRequired }: { readonly isRequired: boolean },
): string | null {
  if (text === null) return isRequired ? strings.validation.addressesRequired : null;
  const addresses = splitLines(text);
  if (addresses.length === 0) {
    return isRequired ? strings.validation.addressesRequired : strings.validation.addressesMissing;
  }
  if (addresses.length > RESTRICTION_LIMITS.entries)
    return strings.validation.tooManyAddresses(RESTRICTION_LIMITS.entries);
  const invalid = addresses.find((address) => parseAddressRange(address) === null);
  return invalid === undefined ? null : strings.validation.invalidAddress(invalid);
}

/** Returns the validation error of the projects and apps, or null. */
export function validateResources(resources: readonly string[] | null): string | null {
  if (resources === null) return null;
  if (resources.length === 0) return strings.validation.resourcesMissing;
  const { projects, apps } = toRestrictions({ ...UNRESTRICTED, resources });
  const isTooLong = Math.max(projects.length, apps.length) > RESTRICTION_LIMITS.entries;
  return isTooLong ? strings.validation.tooManyResources(RESTRICTION_LIMITS.entries) : null;
}

/** Returns the validation error of a number, or null. */
function validateNumber(value: number | string, limits: { readonly min: number; readonly max: number }): string | null {
  return validateInteger(value, limits) === null ? null : strings.validation.outOfRange(limits.min, limits.max);
}

export const validateMaxUses = (value: number | string | null): string | null =>
  value === null ? null : validateNumber(value, RESTRICTION_LIMITS.maxUses);

export const validateRate = (rate: RestrictionValues['rate']): string | null =>
  rate === null ? null : validateNumber(rate.requests, RESTRICTION_LIMITS.rateRequests);

/** Maximum number of resources that the summary names. */
const MAX_NAMED = 3;

function describeResources(resources: readonly string[], names: ReadonlyMap<string, string>): string {
  if (validateResources(resources) !== null) return strings.summary.noValidResources;
  const knownNames = resources.flatMap((id) => names.get(id) ?? []);
  if (knownNames.length === resources.length && knownNames.length <= MAX_NAMED) {
    return strings.summary.onlyOnNamed(knownNames);
  }
  const { projects, apps } = toRestrictions({ ...UNRESTRICTED, resources });
  return strings.summary.onlyOn(projects.length, apps.length);
}

/**
 * Describes each restriction for the summary of a credential. If the input of a restriction is missing or invalid, its
 * description says so. `names` contains the known names of projects and apps, by ID.
 */
export function describeRestrictions(
  { addresses, resources, rate, maxUses }: RestrictionValues,
  names: ReadonlyMap<string, string>,
): string[] {
  const notes: string[] = [];
  if (addresses !== null) {
    const isValid = validateAddresses(addresses, { isRequired: false }) === null;
    notes.push(isValid ? strings.summary.onlyFrom(splitLines(addresses)) : strings.summary.noValidAddresses);
  }
  if (resources !== null) notes.push(describeResources(resources, names));
  if (rate !== null) {
    const isValid = validateRate(rate) === null;
    notes.push(isValid ? strings.summary.rate(Number(rate.requests), rate.seconds) : strings.summary.noValidRate);
  }
  if (maxUses !== null) {
    const isValid = validateMaxUses(maxUses) === null;
    notes.push(isValid ? strings.summary.maxUses(Number(maxUses)) : strings.summary.noValidMaxUses);
  }
  return notes;
}
