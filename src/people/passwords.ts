import { clientNetwork } from '../authorization/client-network.ts';
import { hashPassphrase } from '../authorization/passphrase.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import { invalidField } from '../contract/problem.ts';

let common: Promise<Set<string>> | null = null;

/** Returns about 49,000 common passwords in lower case, which are loaded when the first password is chosen. */
function commonPasswords(): Promise<Set<string>> {
  common ??= import('@zxcvbn-ts/language-common').then(({ dictionary }) => new Set(dictionary['passwords-common']));
  return common;
}

/**
 * Returns the hash of a chosen password, whose length and characters the schema has checked. Throws `validation_failed`
 * if the password is common (ASVS 6.2.4) or equals the person's name, email address or the part of it before the `@`,
 * in any case. There are no composition rules (ASVS 6.2.5), and nothing is truncated (ASVS 6.2.8).
 */
export async function hashChosenPassword(
  field: string,
  password: string,
  person: { readonly name: string; readonly email: string },
  origin: Pick<RequestOrigin, 'address'>,
): Promise<string> {
  const lowerCase = password.toLowerCase();
  if ((await commonPasswords()).has(lowerCase)) {
    throw invalidField(field, 'must not be one of the most common passwords');
  }
  const guesses = [person.email, person.email.split('@')[0], person.name];
  if (guesses.some((guess) => guess?.toLowerCase() === lowerCase)) {
    throw invalidField(field, 'must not be your name, your email address or the part of it before the @');
  }
  return hashPassphrase(password, clientNetwork(origin.address ?? ''));
}
