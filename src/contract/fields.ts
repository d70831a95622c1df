import { z } from 'zod';
import type { AuditParty } from './audit.ts';
import { AUDIT_PARTY_KINDS } from './event-names.ts';
import { instant } from './instant.ts';
import { LIMITS } from './limits.ts';
import { hasBidirectionalControls, hasVisibleCharacter } from './visible-text.ts';

export const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, { error: `must be one of: ${values.join(', ')}` });
export const integerInRange = ({ min, max }: { min: number; max: number }, example: number) =>
  z
    .int(`must be a whole number from ${min} to ${max}`)
    .min(min, `must be a whole number from ${min} to ${max}`)
    .max(max, `must be a whole number from ${min} to ${max}`)
    .meta({ examples: [example] });
export const matchingText = (pattern: RegExp, max: number, message: string, example: string) =>
  z
    .string()
    .max(max, message)
    .refine((text) => text.isWellFormed() && !hasBidirectionalControls(text) && pattern.test(text), message)
    .meta({ examples: [example] });

export const timestamps = { createdAt: instant, updatedAt: instant };
export const idOrSlug = z
  .string()
  .min(1)
  .max(64)
  .meta({ examples: ['shop'] });

/** Control characters, and the separators of lines and paragraphs. */
export const CONTROL_CHARACTERS = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const CONTROL_CHARACTERS_EXCEPT_LINE_BREAKS_AND_TABS = /[^\P{Cc}\n\r\t]/u;

/** Well-formed Unicode of up to `max` UTF-16 code units, without NUL, which PostgreSQL does not accept. */
export const wellFormedText = (max: number) =>
  z
    .string()
    .max(max, `must be at most ${max} characters`)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed Unicode without NUL');

export const hasNoDuplicates = (list: readonly string[]): boolean => new Set(list).size === list.length;

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/**
 * Text that is short enough to normalize. Normalization takes quadratic time in the number of consecutive combining
 * characters, so text that is far too long is rejected first. NFC combines at most four characters into one.
 */
const boundedText = (max: number, error: string) => z.string().max(max * 4 + 64, { error, abort: true });

function lineOfText(min: number, max: number, example: string, normalize: (text: string) => string) {
  return boundedText(max, `must be ${min} to ${max} characters`)
    .overwrite(normalize)
    .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
    .refine((text) => !CONTROL_CHARACTERS.test(text), 'must not contain control characters or line breaks')
    .refine(
      (text) => countCodePoints(text) >= min && countCodePoints(text) <= max,
      `must be ${min} to ${max} characters`,
    )
    .meta({ minLength: min, maxLength: max, examples: [example] });
}

/**
 * Text in NFC, trimmed, with `min` to `max` code points, without control characters, line breaks and lone surrogates.
 */
export const singleLineText = (min: number, max: number, example: string) =>
  lineOfText(min, max, example, (text) => text.normalize('NFC').trim());

/** Like `singleLineText`, but not trimmed. */
export const untrimmedText = (min: number, max: number, example: string) =>
  lineOfText(min, max, example, (text) => text.normalize('NFC'));

export function uniqueNames<const T extends readonly [string, ...string[]]>(names: T, itemName: string) {
  return z
    .array(oneOf(names))
    .min(1, `must contain at least one ${itemName}`)
    .max(names.length, `must not contain the same ${itemName} twice`)
    .refine(hasNoDuplicates, `must not contain the same ${itemName} twice`)
    .meta({ uniqueItems: true });
}

/** A single line with a visible character, without bidirectional controls, which can make it look like another name. */
const nameText = (limits: { min: number; max: number }, example: string) =>
  singleLineText(limits.min, limits.max, example)
    .refine(hasVisibleCharacter, 'must contain a visible character')
    .refine((text) => !hasBidirectionalControls(text), 'must not contain characters that change the direction of text');

export const name = nameText(LIMITS.name, 'CI/CD Pipeline');
export const slug = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'must be 1 to 63 characters: a-z, 0-9 and hyphens, not starting or ending with a hyphen',
  )
  .meta({ examples: ['acme'] });
export const description = boundedText(LIMITS.description.max, `must be at most ${LIMITS.description.max} characters`)
  .overwrite((text) => text.normalize('NFC').trim())
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
  .refine(
    (text) => !CONTROL_CHARACTERS_EXCEPT_LINE_BREAKS_AND_TABS.test(text),
    'must not contain control characters, except line breaks and tabs',
  )
  .refine(
    (text) => countCodePoints(text) <= LIMITS.description.max,
    `must be at most ${LIMITS.description.max} characters`,
  )
  .nullable()
  .meta({ maxLength: LIMITS.description.max, examples: ['Deploys the shop from the release pipeline'] });
export const personName = nameText(LIMITS.personName, 'Ada Lovelace');
export const email = z
  .string()
  .max(LIMITS.email.max, { error: `must be at most ${LIMITS.email.max} characters`, abort: true })
  .overwrite((text) => text.normalize('NFC').trim())
  .pipe(z.email('must be an email address'))
  .meta({ maxLength: LIMITS.email.max, examples: ['ada@example.com'] });
export const id = z
  .string()
  .max(64)
  .meta({ examples: ['tok_01kaexample0000000000000000'] });
/** A one-time code to check, such as a setup, invitation, two-factor or recovery code. */
export const submittedCode = z.string().min(1).max(255);
export const secondFactorCode = submittedCode.describe('A code from the authenticator app, or a recovery code');

export const personRef = z.object({ id, name: z.string(), email: z.string() });

/** The actor or target of an audit event. */
export const auditParty = z.object({
  kind: z.enum(AUDIT_PARTY_KINDS),
  id: z.string().nullable(),
  name: z.string().nullable(),
}) satisfies z.ZodType<AuditParty>;

// Queries

/** An integer in a query string. The OpenAPI document shows its type as integer. */
export const integerParameter = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${min} to ${max}`)
    .refine((text) => Number(text) >= min && Number(text) <= max, `must be a whole number from ${min} to ${max}`)
    .meta({ type: 'integer', minimum: min, maximum: max });
/** A boolean in a query string. The OpenAPI document shows its type as boolean, which is the type that clients use. */
export const booleanParameter = oneOf(['true', 'false']).meta({ type: 'boolean' });
/** A search term. Excludes NUL, which PostgreSQL does not accept. */
export const searchText = (max: number) =>
  z
    .string()
    .refine((text) => countCodePoints(text) <= max, `must be at most ${max} characters`)
    .refine((text) => !text.includes('\0'), 'must not contain NUL')
    .meta({ maxLength: max });
