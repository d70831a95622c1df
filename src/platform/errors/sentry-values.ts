import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { redactSecrets } from '../../contract/redact.ts';
import { asArray, asObject } from '../json-values.ts';

/** Returns the elements of a list, which SDKs send as an array or as `{ values: [...] }`. */
export const valuesOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : asArray(asObject(value)['values']);

/**
 * Returns a string, number or boolean as text for storage: truncated, without secrets, NUL characters and lone
 * surrogates. Returns null for an empty text and for any other value.
 */
export function toText(value: unknown, max: number): string | null {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return null;
  // Secrets are redacted before the text is truncated, because a truncated secret is not recognized.
  const text = redactSecrets(String(value).replaceAll('\0', '')).slice(0, max).toWellFormed();
  return text === '' ? null : text;
}
export const toShortText = (value: unknown): string | null => toText(value, RESOURCE_LIMITS.errorFieldLength);
export const toInteger = (value: unknown): number | null => (Number.isSafeInteger(value) ? (value as number) : null);
