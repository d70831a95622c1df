import { type Code, SECRET_PREFIXES, SECRET_RANDOM_LENGTH } from '../contract/words.ts';

/** What can go wrong before the server has answered, or when something else answers in its place. */
export type TransportCode = 'unreachable' | 'timed_out' | 'unexpected_answer';

export interface ErrorFacts {
  /** The HTTP status; 0 where nothing answered. */
  readonly status: number;
  readonly requestId?: string | undefined;
  /** One entry per refused field, for `validation_failed`. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[] | undefined;
  /** The scopes or permissions that were needed, for `insufficient_scope`. */
  readonly required?: readonly string[] | undefined;
  /** Seconds until another try makes sense. */
  readonly retryAfter?: number | undefined;
  /** What the first call made, for `idempotent_replay`. */
  readonly id?: string | undefined;
  /** The error word of RFC 6749 and RFC 8628 (`authorization_pending`, `slow_down`, …). */
  readonly error?: string | undefined;
  readonly cause?: unknown;
}

const SECRETS = new RegExp(`(?:${Object.values(SECRET_PREFIXES).join('|')})[0-9A-Za-z]{${SECRET_RANDOM_LENGTH},}`, 'g');

/** The one error of this package. Its text never holds a secret. */
export class DevpilotError extends Error {
  readonly code: Code | TransportCode;
  readonly status: number;
  readonly requestId: string | undefined;
  readonly errors: readonly { readonly field: string; readonly message: string }[];
  readonly required: readonly string[];
  readonly retryAfter: number | undefined;
  readonly id: string | undefined;
  readonly error: string | undefined;

  constructor(code: Code | TransportCode, message: string, facts: ErrorFacts) {
    super(message.replace(SECRETS, '[secret]'), facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'DevpilotError';
    this.code = code;
    this.status = facts.status;
    this.requestId = facts.requestId;
    this.errors = facts.errors ?? [];
    this.required = facts.required ?? [];
    this.retryAfter = facts.retryAfter;
    this.id = facts.id;
    this.error = facts.error;
  }
}
