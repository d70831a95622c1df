import { LIMITS } from '../contract/limits.ts';

/** The contract's limits, checked in the page. Each function returns an error message, or null for a valid value. */

/** Counts code points, as the contract does. */
export function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function validateLength(label: string, text: string, min: number, max: number): string | null {
  const length = countCodePoints(text);
  if (length >= min && length <= max) return null;
  return `${label} must be ${min} to ${max} characters`;
}

export function validateName(name: string): string | null {
  return validateLength('A name', name.normalize('NFC').trim(), LIMITS.name.min, LIMITS.name.max);
}

export function validatePersonName(name: string): string | null {
  return name.trim() === '' ? 'Enter your name' : null;
}

export function validateEmail(email: string): string | null {
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email.trim()) ? null : 'Enter a valid email address';
}

export function validatePassword(password: string): string | null {
  return validateLength('A password', password.normalize('NFC'), LIMITS.password.min, LIMITS.password.max);
}

export function validatePassphrase(passphrase: string): string | null {
  return validateLength('A passphrase', passphrase.normalize('NFC'), LIMITS.passphrase.min, LIMITS.passphrase.max);
}

export function validateDescription(description: string): string | null {
  const length = countCodePoints(description.normalize('NFC').trim());
  return length > LIMITS.description.max ? `A description must be at most ${LIMITS.description.max} characters` : null;
}

export function validateSlug(slug: string): string | null {
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(slug)
    ? null
    : 'Must be 1–63 characters: a–z, 0–9 and hyphens, not starting or ending with a hyphen';
}

/** Validates the slug of a new resource, which may be empty: it is then derived from the name. */
export const validateNewSlug = (slug: string): string | null => (slug === '' ? null : validateSlug(slug));

/** Returns the validation error of a whole number within bounds, or null. */
export const validateInteger = (
  value: number | string,
  { min, max }: { readonly min: number; readonly max: number },
) =>
  Number.isInteger(value) && Number(value) >= min && Number(value) <= max
    ? null
    : `Must be a whole number from ${min} to ${max}`;
