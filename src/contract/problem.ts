import { CODES, type Code } from './error-codes.ts';

/** What a problem may say beside its code (RFC 9457 extension members). */
export interface ProblemExtensions {
  /** One entry per refused field, for `validation_failed`. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
  /** The scopes or permissions that were needed, for `insufficient_scope`. */
  readonly required?: readonly string[];
  /** Seconds until another try makes sense, for `rate_limited` and `unavailable`. */
  readonly retryAfter?: number;
  /** Why a node is not ready, one word each. */
  readonly reasons?: readonly string[];
  /** What the first call made, for `idempotent_replay`. */
  readonly id?: string;
  /** The error word of RFC 6749 or RFC 8628, where a standard client looks for one. */
  readonly error?: string;
  /** The methods that an address takes, for 405. */
  readonly allow?: readonly string[];
  readonly cause?: unknown;
}

/** The one error of this project: thrown when a request can't be served. */
export class Problem extends Error {
  readonly code: Code;
  readonly extensions: ProblemExtensions;

  constructor(code: Code, detail: string = CODES[code].title, extensions: ProblemExtensions = {}) {
    super(detail, extensions.cause === undefined ? undefined : { cause: extensions.cause });
    this.name = 'Problem';
    this.code = code;
    this.extensions = extensions;
  }

  get status(): number {
    return CODES[this.code].status;
  }
}

/** A `validation_failed` problem about one field. */
export function invalidField(field: string, message: string): Problem {
  return new Problem('validation_failed', `${field}: ${message}`, { errors: [{ field, message }] });
}
