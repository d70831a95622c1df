interface CodeDefinition {
  readonly status: number;
  readonly title: string;
  /** What the reader of an error page should do next. */
  readonly advice: string;
}

/** Every error code with its HTTP status (RFC 9457 problem types). */
export const CODES = {
  invalid_request: {
    status: 400,
    title: 'The request cannot be read',
    advice:
      'Send exactly one credential, in a header and never in the query string, and a body that is complete, well-formed JSON.',
  },
  missing_credential: {
    status: 401,
    title: 'A credential is needed',
    advice: 'Present an access token or an API key as `Authorization: Bearer <secret>`, or sign in.',
  },
  invalid_token: {
    status: 401,
    title: 'The credential is not valid',
    advice:
      'Check that the secret was copied whole. If the credential was deleted, create a new one; a secret cannot be shown again.',
  },
  passphrase_required: {
    status: 401,
    title: 'The access token asks for its passphrase',
    advice:
      'Send the passphrase in the header `Access-Token-Passphrase`, or as the password of `Authorization: Basic`.',
  },
  passphrase_incorrect: {
    status: 401,
    title: 'The passphrase is not right',
    advice:
      'Check the passphrase. After five failures from one address within 15 minutes further tries are refused for a while.',
  },
  token_inactive: {
    status: 401,
    title: 'The API key is inactive',
    advice: 'An owner or admin can switch it on again in Settings → API Keys.',
  },
  token_expired: {
    status: 401,
    title: 'The credential has expired',
    advice: 'Create a new credential; an API key can also be given a later expiry.',
  },
  sign_in_failed: {
    status: 401,
    title: 'Signing in failed',
    advice: 'Check the email address, the password and, if set, the code of the second factor.',
  },
  second_factor_required: {
    status: 401,
    title: 'The second factor is needed',
    advice: 'Sign in again with `code`: the six digits of the authenticator app, or a recovery code.',
  },
  insufficient_scope: {
    status: 403,
    title: 'The credential may not do this',
    advice: '`required` names what is needed. Create a credential that has it, or add the permission to the API key.',
  },
  wrong_credential_kind: {
    status: 403,
    title: 'Another kind of credential is needed here',
    advice: 'The message says which kind this route takes: a person, an access token or an API key.',
  },
  forbidden: {
    status: 403,
    title: 'This is not allowed',
    advice: 'Ask an owner or admin of the workspace.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    advice:
      'Check the address and the workspace (header `Devpilot-Workspace`). What belongs to another workspace looks just like what does not exist.',
  },
  immutable: {
    status: 405,
    title: 'Access tokens are immutable',
    advice: 'Delete the access token and create a new one.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The method is not allowed here',
    advice: 'The header `Allow` names the methods of this address.',
  },
  conflict: {
    status: 409,
    title: 'The request conflicts with what is there',
    advice: 'Read the current state, then try again.',
  },
  idempotent_replay: {
    status: 409,
    title: 'This request was carried out before',
    advice:
      '`id` names what the first call made. A secret is never kept to be told twice: if it was lost, delete that credential and create another.',
  },
  too_large: { status: 413, title: 'The body is too large', advice: 'Send a smaller body.' },
  unsupported_media_type: {
    status: 415,
    title: 'The content type is not supported',
    advice: 'Send `Content-Type: application/json`, or `application/x-www-form-urlencoded` where the page says so.',
  },
  validation_failed: {
    status: 422,
    title: 'Some fields are not valid',
    advice: '`errors` names each field and what it takes.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many failures',
    advice: 'Wait as many seconds as the header `Retry-After` says.',
  },
  quota_exceeded: {
    status: 429,
    title: 'The quota is used up',
    advice:
      '`detail` names the quota. Wait as many seconds as the header `Retry-After` says, or delete what is no longer needed.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong here',
    advice: 'Try again. If it stays, give the operator the `requestId`.',
  },
  unavailable: {
    status: 503,
    title: 'Not available at the moment',
    advice: 'Try again after the seconds in `Retry-After`.',
  },
} as const satisfies Record<string, CodeDefinition>;
export type Code = keyof typeof CODES;
