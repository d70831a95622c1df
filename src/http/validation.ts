import { z } from 'zod';
import { Problem } from '../contract/problem.ts';
import { redactSecrets } from '../contract/redact.ts';
import { createYielder } from '../platform/bounded-json.ts';

const FIELD_SOURCES: Readonly<Record<string, string>> = { headers: 'header', querystring: 'query' };

/** No id and no slug has one, and not every store could look for it. */
const containsNul = (params: unknown): boolean =>
  Object.values(params ?? {}).some((text) => String(text).includes('\0'));

/** Fields that one answer names. */
const MAX_FIELD_ERRORS = 20;

/** What a client sent, as an answer repeats it: without secrets, and not at any length. */
function redactAndTruncate(text: string): string {
  const redacted = redactSecrets(text);
  return redacted.length > 1_000 ? `${redacted.slice(0, 1_000).toWellFormed()}…` : redacted;
}

function validationProblem(issues: readonly z.core.$ZodIssue[], httpPart: string | undefined): Problem {
  const fieldErrors = issues.slice(0, 2 * MAX_FIELD_ERRORS).flatMap((issue) => {
    const path = issue.path.map(String).join('.');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.slice(0, MAX_FIELD_ERRORS).map((key) => ({
        field: redactAndTruncate(path === '' ? key : `${path}.${key}`),
        message: 'must not be sent: unknown field',
      }));
    }
    const field = path === '' ? (FIELD_SOURCES[httpPart ?? ''] ?? 'body') : path;
    const { message } = (issue.code === 'invalid_key' ? issue.issues[0] : undefined) ?? issue;
    return [{ field: redactAndTruncate(field), message: redactAndTruncate(message) }];
  });
  // Two checks of one field may say the same.
  const errors = [...new Map(fieldErrors.map((error) => [`${error.field}\0${error.message}`, error])).values()];
  const [first] = errors;
  const detail = first === undefined ? undefined : `${first.field}: ${first.message}`;
  return new Problem('validation_failed', detail, { errors: errors.slice(0, MAX_FIELD_ERRORS) });
}

interface ValidationTarget {
  readonly schema: z.ZodType;
  readonly httpPart?: string;
}

/** Refuses what a schema does not take, naming each field. Unknown fields are refused by the schemas themselves. */
export function compileValidator({ schema, httpPart }: ValidationTarget) {
  return (data: unknown) => {
    // The body of a route that reads its bytes itself.
    if (httpPart === 'body' && Buffer.isBuffer(data)) return { value: data };
    if (httpPart === 'params' && containsNul(data)) return { error: new Problem('not_found') };
    const result = schema.safeParse(data);
    if (result.success) return { value: result.data };
    // An id that can't be one is an address with nothing at it.
    if (httpPart === 'params') return { error: new Problem('not_found') };
    return { error: validationProblem(result.error.issues, httpPart) };
  };
}

/** A schema of an object whose array in one field is too long to be checked at once. */
export interface SplitSchema {
  /** All but the elements. */
  readonly schemaWithoutElements: z.ZodType;
  /**
   * Checks the elements one by one, in turns of the event loop, and puts what the schema makes of them in their place.
   * Throws `validation_failed` for the first that is refused.
   */
  checkElements(body: unknown): Promise<void>;
}

/** Takes a schema apart. Throws where it has no array in `field`. */
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
