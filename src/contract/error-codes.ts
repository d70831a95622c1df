interface CodeDefinition {
  readonly status: number;
  readonly title: string;
}

/** Every error code, with its HTTP status and its title (RFC 9457). */
export const CODES = {
  invalid_request: {
    status: 400,
    title: 'Malformed request',
  },
  missing_credential: {
    status: 401,
    title: 'A credential is required',
  },
  invalid_token: {
    status: 401,
    title: 'The credential is not valid',
  },
  passphrase_required: {
    status: 401,
    title: 'A passphrase is required for this access token',
  },
  passphrase_incorrect: {
    status: 401,
    title: 'Incorrect passphrase',
  },
  token_inactive: {
    status: 401,
    title: 'The API key is inactive',
  },
  token_expired: {
    status: 401,
    title: 'The credential has expired',
  },
  credential_spent: {
    status: 401,
    title: 'The credential has reached its maximum number of uses',
  },
  sign_in_failed: {
    status: 401,
    title: 'Sign-in failed',
  },
  second_factor_required: {
    status: 401,
    title: 'The two-factor code is missing',
  },
  insufficient_scope: {
    status: 403,
    title: 'The credential lacks a required scope or permission',
  },
  wrong_credential_kind: {
    status: 403,
    title: 'Wrong kind of credential',
  },
  address_not_allowed: {
    status: 403,
    title: 'The credential cannot be used from this address',
  },
  second_factor_needed: {
    status: 403,
    title: 'Two-factor authentication must be turned on for this workspace',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed',
  },
  not_found: {
    status: 404,
    title: 'Not found',
  },
  immutable: {
    status: 405,
    title: 'Access tokens are immutable',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
  },
  conflict: {
    status: 409,
    title: 'The request conflicts with the current state',
  },
  idempotent_replay: {
    status: 409,
    title: 'This request was already processed',
  },
  too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported content type',
  },
  validation_failed: {
    status: 422,
    title: 'Some fields are invalid',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
  },
  quota_exceeded: {
    status: 429,
    title: 'Quota exceeded',
  },
  internal: {
    status: 500,
    title: 'Internal error',
  },
  unavailable: {
    status: 503,
    title: 'Temporarily unavailable',
  },
} as const satisfies Record<string, CodeDefinition>;
export type Code = keyof typeof CODES;

/** The error code for each reason to refuse a credential. */
export const REFUSAL_CODES = {
  invalid_token: 'invalid_token',
  passphrase_required: 'passphrase_required',
  passphrase_incorrect: 'passphrase_incorrect',
  rate_limited: 'rate_limited',
  token_inactive: 'token_inactive',
  token_expired: 'token_expired',
  credential_spent: 'credential_spent',
  address_not_allowed: 'address_not_allowed',
  wrong_credential_kind: 'wrong_credential_kind',
  insufficient_scope: 'insufficient_scope',
  other_workspace: 'forbidden',
  resource_not_allowed: 'forbidden',
  rate_exceeded: 'rate_limited',
} as const satisfies Record<string, Code>;
export type RefusalReason = keyof typeof REFUSAL_CODES;
export type RefusalCode = (typeof REFUSAL_CODES)[RefusalReason];

/**
 * Returns the error code for a recorded reason. A reason that is not in `REFUSAL_CODES` was recorded by a route that
 * refused access.
 */
export const refusalCodeOf = (reason: string): RefusalCode =>
  Object.hasOwn(REFUSAL_CODES, reason) ? REFUSAL_CODES[reason as RefusalReason] : 'forbidden';
