interface CodeDefinition {
  readonly status: number;
  readonly title: string;
  /** What the reader of an error message should do next. */
  readonly advice: string;
}

/** Every error code with its HTTP status, title and advice (RFC 9457). */
export const CODES = {
  invalid_request: {
    status: 400,
    title: 'Malformed request',
    advice:
      'Send exactly one credential, in a header and never in the query string. The body must be complete, well-formed JSON.',
  },
  missing_credential: {
    status: 401,
    title: 'A credential is required',
    advice: 'Send an access token or an API key as `Authorization: Bearer <secret>`, or sign in.',
  },
  invalid_token: {
    status: 401,
    title: 'The credential is not valid',
    advice:
      'Check that the secret was copied completely. If the credential was deleted, create a new one; a secret cannot be shown again.',
  },
  passphrase_required: {
    status: 401,
    title: 'A passphrase is required for this access token',
    advice:
      'Send the passphrase in the header `Access-Token-Passphrase`, or as the password of `Authorization: Basic`.',
  },
  passphrase_incorrect: {
    status: 401,
    title: 'Incorrect passphrase',
    advice:
      'Check the passphrase. After five failures from one address within 15 minutes, further attempts are refused for a while.',
  },
  token_inactive: {
    status: 401,
    title: 'The API key is inactive',
    advice: 'An owner or admin can enable it in Settings → API Keys.',
  },
  token_expired: {
    status: 401,
    title: 'The credential has expired',
    advice: 'Create a new credential, or set a later expiry on the API key.',
  },
  credential_spent: {
    status: 401,
    title: 'The credential has reached its maximum number of uses',
    advice: 'Create a new credential, or raise `maxUses` in the restrictions of the API key.',
  },
  sign_in_failed: {
    status: 401,
    title: 'Sign-in failed',
    advice: 'Check the email address, the password and, if two-factor authentication is on, the code.',
  },
  second_factor_required: {
    status: 401,
    title: 'A two-factor code is required',
    advice: 'Sign in again with `code`: the six digits from the authenticator app, or a recovery code.',
  },
  insufficient_scope: {
    status: 403,
    title: 'The credential lacks a required scope or permission',
    advice:
      '`required` lists the scopes or permissions. Create a credential that has them, or add the permission to the API key.',
  },
  wrong_credential_kind: {
    status: 403,
    title: 'Wrong kind of credential',
    advice: '`detail` names the kind that this route accepts: a person, an access token or an API key.',
  },
  address_not_allowed: {
    status: 403,
    title: 'The credential may not be used from this address',
    advice:
      'Send the request from one of the addresses in the restrictions of the credential. Behind a proxy, check that the server trusts it (`DEVPILOT_TRUST_PROXY`).',
  },
  second_factor_needed: {
    status: 403,
    title: 'Two-factor authentication is required in this workspace',
    advice: 'Turn on two-factor authentication in your account, then try again.',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed',
    advice: 'Ask an owner or admin of the workspace.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    advice:
      'Check the URL and the workspace (header `Devpilot-Workspace`). Resources of another workspace are reported as not found.',
  },
  immutable: {
    status: 405,
    title: 'Access tokens are immutable',
    advice: 'Delete the access token and create a new one.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    advice: 'The header `Allow` lists the methods of this URL.',
  },
  conflict: {
    status: 409,
    title: 'The request conflicts with the current state',
    advice: 'Read the current state, then try again.',
  },
  idempotent_replay: {
    status: 409,
    title: 'This request was already processed',
    advice:
      '`id` identifies the resource that the first request created. Secrets are never stored, so a lost secret cannot be shown again: delete that credential and create another.',
  },
  too_large: { status: 413, title: 'The body is too large', advice: 'Send a smaller body.' },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported content type',
    advice:
      'Send `Content-Type: application/json`, or `application/x-www-form-urlencoded` where the API reference says so.',
  },
  validation_failed: {
    status: 422,
    title: 'Some fields are invalid',
    advice: '`errors` lists each field and what it accepts.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    advice: 'Wait for the number of seconds in the header `Retry-After`.',
  },
  quota_exceeded: {
    status: 429,
    title: 'Quota exceeded',
    advice:
      '`detail` names the quota. Wait for the number of seconds in the header `Retry-After`, or delete resources that are no longer needed.',
  },
  internal: {
    status: 500,
    title: 'Internal error',
    advice: 'Try again. If it keeps happening, send the `requestId` to your administrator.',
  },
  unavailable: {
    status: 503,
    title: 'Temporarily unavailable',
    advice: 'Try again after the number of seconds in the header `Retry-After`.',
  },
} as const satisfies Record<string, CodeDefinition>;
export type Code = keyof typeof CODES;

/** The error code of each reason for which a credential is refused. */
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

/** Returns the error code of a recorded reason. The reason of a route is none of the above: its access was refused. */
export const refusalCodeOf = (reason: string): RefusalCode =>
  Object.hasOwn(REFUSAL_CODES, reason) ? REFUSAL_CODES[reason as RefusalReason] : 'forbidden';
