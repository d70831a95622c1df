import { parseAddressRange } from '../../contract/address-ranges.ts';
import { RESTRICTION_LIMITS } from '../../contract/limits.ts';
import { strings } from './strings.ts';

/** Returns the addresses and ranges of a text, one per line. */
export const toAddresses = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Returns what is wrong with the addresses of a form, or null. */
export function validateAddresses(text: string, isRequired: boolean): string | null {
  const addresses = toAddresses(text);
  if (isRequired && addresses.length === 0) return strings.addressesField.required;
  if (addresses.length > RESTRICTION_LIMITS.entries) return strings.addressesField.tooMany(RESTRICTION_LIMITS.entries);
  const invalid = addresses.find((address) => parseAddressRange(address) === null);
  return invalid === undefined ? null : strings.addressesField.invalid(invalid);
}
