import { LIMITS } from '../contract/limits.ts';
import { hasBidirectionalControls, hasVisibleCharacter } from '../contract/visible-text.ts';
import { strings } from './strings.ts';

// Some of the contract's rules, checked in the browser. The `validate…` functions return an error message, or null for
// a valid value.

/** Counts code points, as the contract does. */
export function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function validateLength(
  text: string,
  { min, max }: { readonly min: number; readonly max: number },
  message: (min: number, max: number) => string,
): string | null {
  const length = countCodePoints(text);
  return length >= min && length <= max ? null : message(min, max);
}

function validateCharacters(name: string): string | null {
  if (hasBidirectionalControls(name)) return strings.validation.nameDirection;
  return hasVisibleCharacter(name) ? null : strings.validation.nameInvisible;
}

export function validateName(name: string): string | null {
  const lengthError = validateLength(name.normalize('NFC').trim(), LIMITS.name, strings.validation.nameLength);
  return lengthError ?? validateCharacters(name);
}

export function validatePersonName(name: string): string | null {
  return name.trim() === '' ? strings.validation.nameMissing : validateCharacters(name);
}

export function validateEmail(email: string): string | null {
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email.trim()) ? null : strings.validation.emailInvalid;
}

export function validatePassword(password: string): string | null {
  return validateLength(password.normalize('NFC'), LIMITS.password, strings.validation.passwordLength);
}

export function validatePassphrase(passphrase: string): string | null {
  const lengthError = validateLength(
    passphrase.normalize('NFC'),
    LIMITS.passphrase,
    strings.validation.passphraseLength,
  );
  return lengthError ?? (passphrase === passphrase.trim() ? null : strings.validation.passphraseSpaces);
}

export function validateDescription(description: string): string | null {
  const length = countCodePoints(description.normalize('NFC').trim());
  return length > LIMITS.description.max ? strings.validation.descriptionTooLong(LIMITS.description.max) : null;
}

export function validateSlug(slug: string): string | null {
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(slug) ? null : strings.validation.slugInvalid;
}

/** Validates the slug of a new resource, which may be empty: it is then derived from the name. */
export const validateNewSlug = (slug: string): string | null => (slug === '' ? null : validateSlug(slug));

export const validateInteger = (
  value: number | string,
  { min, max }: { readonly min: number; readonly max: number },
) =>
  Number.isInteger(value) && Number(value) >= min && Number(value) <= max
    ? null
    : strings.validation.integerOutOfRange(min, max);
