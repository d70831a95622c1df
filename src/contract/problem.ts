import { CODES, type Code } from './error-codes.ts';

/** The state of a credential's rate limit after a use, which the header `RateLimit` reports. */
export interface RateState {
  readonly requests: number;
  readonly seconds: number;
  /** Number of further requests that would be accepted immediately. */
  readonly remaining: number;
  /** Milliseconds until one request more than `remaining` is accepted; 0 if the bucket is full. */
  readonly waitMs: number;
}

/** What is wrong with one field of a request. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** Optional data of a problem: extension members (RFC 9457), and values of response headers. */
export interface ProblemExtensions {
  /** One entry per rejected field, for `validation_failed`. */
  readonly errors?: readonly FieldError[];
  /** The required scopes or permissions, for `insufficient_scope`. */
  readonly required?: readonly string[];
  /** Seconds to wait before retrying, for `rate_limited`, `quota_exceeded` and `unavailable`. */
  readonly retryAfter?: number;
  /** The state of the credential's rate limit, for `rate_limited`. */
  readonly rate?: RateState;
  /** The value of the header `Sunset`, if the credential expires soon. */
  readonly sunset?: string;
  /** The failed checks of a node that is not ready. */
  readonly reasons?: readonly string[];
  /** ID of the resource that the first request created, for `idempotent_replay`. */
  readonly id?: string;
  /** The error code of RFC 6749 or RFC 8628, for standard clients. */
  readonly error?: string;
  /** The methods that the URL supports, for status 405. */
  readonly allow?: readonly string[];
  readonly cause?: unknown;
}

/** The only error class for requests that cannot be served. `code` determines the HTTP status. */
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

/** Returns a `validation_failed` problem about one field. */
export function invalidField(field: string, message: string): Problem {
  return new Problem('validation_failed', `${field}: ${message}`, { errors: [{ field, message }] });
}
