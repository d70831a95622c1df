import { z } from 'zod';
import { Problem } from '../contract/problem.ts';
import { redactSecrets } from '../contract/redact.ts';
import { createYielder } from '../platform/bounded-json.ts';

/**
 * The field of an error that concerns a part of the request as a whole, by the name of the part. For a part that is not
 * listed, the field is `body`.
 */
const FIELD_OF_PART: Readonly<Record<string, string>> = { headers: 'header', querystring: 'query' };

/** No ID or slug contains NUL, and not every database can search for it. */
const containsNul = (params: unknown): boolean =>
  Object.values(params ?? {}).some((text) => String(text).includes('\0'));

/** Zod's message for a missing field. */
const MISSING = /^Invalid input: expected .*, received undefined$/;

/** The unit of a limit, by the type of the value. */
const UNITS: Readonly<Record<string, string>> = {
  string: 'characters',
  array: 'items',
  set: 'items',
  map: 'items',
};

/**
 * Returns the message for a value beyond a limit. Returns null for other issues, and if the schema has its own message.
 */
function limitMessage(issue: z.core.$ZodIssue): string | null {
  const isTooSmall = issue.code === 'too_small';
  if ((!isTooSmall && issue.code !== 'too_big') || !/^Too (?:small|big): /.test(issue.message)) return null;
  const limit = isTooSmall ? issue.minimum : issue.maximum;
  const bound = `${isTooSmall ? 'at least' : 'at most'} ${limit}`;
  const unit = UNITS[issue.origin];
  if (unit === undefined) return `must be ${bound}`;
  return isTooSmall && Number(limit) === 1 ? 'must not be empty' : `must have ${bound} ${unit}`;
}

/** Maximum number of field errors in a response. */
const MAX_FIELD_ERRORS = 20;

/** Maximum number of characters of a field's path or message in a response. */
const MAX_TEXT_LENGTH = 1_000;

/** Redacts secrets in a text from a request and truncates it, for use in a response. */
function redactAndTruncate(text: string): string {
  const redacted = redactSecrets(text);
  return redacted.length > MAX_TEXT_LENGTH ? `${redacted.slice(0, MAX_TEXT_LENGTH).toWellFormed()}…` : redacted;
}

/** Returns the problem `validation_failed` for issues that zod found in a part of a request, such as `querystring`. */
export function validationProblem(issues: readonly z.core.$ZodIssue[], httpPart: string | undefined): Problem {
  const fieldErrors = issues.slice(0, 2 * MAX_FIELD_ERRORS).flatMap((issue) => {
    const path = issue.path.map(String).join('.');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.slice(0, MAX_FIELD_ERRORS).map((key) => ({
        field: redactAndTruncate(path === '' ? key : `${path}.${key}`),
        message: 'is not a known field; remove it',
      }));
    }
    const field = path === '' ? (FIELD_OF_PART[httpPart ?? ''] ?? 'body') : path;
    // The issue of an invalid key contains the issues that the schema of the key reported.
    const issueOfKey = issue.code === 'invalid_key' ? issue.issues[0] : undefined;
    const { message } = issueOfKey ?? issue;
    if (MISSING.test(message)) return [{ field: redactAndTruncate(field), message: 'is required' }];
    return [{ field: redactAndTruncate(field), message: redactAndTruncate(limitMessage(issue) ?? message) }];
  });
  // Two checks of one field can produce the same message.
  const errorsByText = new Map(fieldErrors.map((error) => [`${error.field}\0${error.message}`, error]));
  const errors = [...errorsByText.values()];
  const [firstError] = errors;
  const detail = firstError === undefined ? undefined : `${firstError.field}: ${firstError.message}`;
  return new Problem('validation_failed', detail, { errors: errors.slice(0, MAX_FIELD_ERRORS) });
}

interface ValidationTarget {
  readonly schema: z.ZodType;
  readonly httpPart?: string;
}

/** Compiles a validator whose error names each invalid field. The schemas themselves reject unknown fields. */
export function compileValidator({ schema, httpPart }: ValidationTarget) {
  return (data: unknown) => {
    // Routes that receive bytes parse the body themselves.
    if (httpPart === 'body' && Buffer.isBuffer(data)) return { value: data };
    if (httpPart === 'params' && containsNul(data)) return { error: new Problem('not_found') };
    const result = schema.safeParse(data);
    if (result.success) return { value: result.data };
    // No resource has a malformed ID.
    if (httpPart === 'params') return { error: new Problem('not_found') };
    return { error: validationProblem(result.error.issues, httpPart) };
  };
}

/** The schema of an object with one array that is too long to be validated in one turn of the event loop. */
export interface SplitSchema {
  /** The schema of the object, without checks of the array's elements. */
  readonly schemaWithoutElements: z.ZodType;
  /**
   * Validates the elements over several turns of the event loop and replaces each element with the schema's output.
   * Throws `validation_failed` for the first invalid element.
   */
  checkElements(body: unknown): Promise<void>;
}

/** Splits an object schema into the array in `field` and everything else. Throws if `field` is not an array. */
export function splitLongArray(schema: z.ZodType | undefined, field: string): SplitSchema {
  const list = schema instanceof z.ZodObject ? schema.shape[field] : undefined;
  if (!(schema instanceof z.ZodObject && list instanceof z.ZodArray)) throw new Error(`${field} must be an array.`);
  const element: z.core.$ZodType = list.element;
  return {
    schemaWithoutElements: schema.extend({ [field]: z.clone(list, { ...list.def, element: z.unknown() }) }),
    async checkElements(body) {
      const elements = (body as Record<string, unknown[]>)[field] ?? [];
      const yieldIfDue = createYielder();
      for (const [index, value] of elements.entries()) {
        const result = z.safeParse(element, value);
        if (!result.success) {
          const issues = result.error.issues.map((issue) => ({ ...issue, path: [field, index, ...issue.path] }));
          throw validationProblem(issues, 'body');
        }
        elements[index] = result.data;
        await yieldIfDue();
      }
    },
  };
}
