import type { Code } from '../contract/error-codes.ts';
import { SECRET_PREFIXES, SECRET_RANDOM_LENGTH } from '../contract/vocabulary.ts';

/** Failures without a response from Devpilot: a network error, a timeout, or a response that is not Devpilot's. */
export type TransportCode = 'unreachable' | 'timed_out' | 'unexpected_answer';

export interface ErrorDetails {
  /** The HTTP status; 0 without a response. */
  readonly status: number;
  readonly requestId?: string | undefined;
  /** One entry per rejected field, for `validation_failed`. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[] | undefined;
  /** The required scopes or permissions, for `insufficient_scope`. */
  readonly required?: readonly string[] | undefined;
  /** Seconds to wait before retrying. */
  readonly retryAfter?: number | undefined;
  /** ID of the resource that the first request with the same key created, for `idempotent_replay`. */
  readonly id?: string | undefined;
  /** The error code of RFC 6749 and RFC 8628 (`authorization_pending`, `slow_down`, …). */
  readonly error?: string | undefined;
  readonly cause?: unknown;
}

const SECRET_PATTERN = new RegExp(
  `(?:${Object.values(SECRET_PREFIXES).join('|')})[0-9A-Za-z]{${SECRET_RANDOM_LENGTH},}`,
  'g',
);

/** The only error class that this package defines. Its message never contains a secret. */
export class DevpilotError extends Error {
  readonly code: Code | TransportCode;
  readonly status: number;
  readonly requestId: string | undefined;
  readonly errors: readonly { readonly field: string; readonly message: string }[];
  readonly required: readonly string[];
  readonly retryAfter: number | undefined;
  readonly id: string | undefined;
  readonly error: string | undefined;

  constructor(code: Code | TransportCode, message: string, details: ErrorDetails) {
    super(
      message.replace(SECRET_PATTERN, '[secret]'),
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.name = 'DevpilotError';
    this.code = code;
    this.status = details.status;
    this.requestId = details.requestId;
    this.errors = details.errors ?? [];
    this.required = details.required ?? [];
    this.retryAfter = details.retryAfter;
    this.id = details.id;
    this.error = details.error;
  }
}
