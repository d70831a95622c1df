import type { Code } from './error-codes.ts';

/** What the recipient of an error should do next. */
export const ADVICE: Readonly<Record<Code, string>> = {
  invalid_request:
    '`detail` states the problem. A request must contain at most one credential, in a header and never in the query string, and a complete, well-formed body.',
  missing_credential: 'Send an access token or an API key as `Authorization: Bearer <secret>`, or sign in.',
  invalid_token:
    'Check that the secret was copied completely. If the credential was deleted, create a new one; a secret cannot be shown again. If the session has ended, sign in again.',
  passphrase_required:
    'Send the passphrase in the header `Access-Token-Passphrase`, or as the password of `Authorization: Basic`.',
  passphrase_incorrect:
    'Check the passphrase. After five failures from one address within 15 minutes, further attempts are refused for a while.',
  token_inactive: 'An owner or admin can enable the API key in Settings → API Keys.',
  token_expired: 'Create a new credential, or set a later expiry on the API key.',
  credential_spent: 'Create a new credential, or raise `maxUses` in the restrictions of the API key.',
  sign_in_failed:
    '`detail` states the reason. Check the email address, the password and, if two-factor authentication is on, the code.',
  second_factor_required:
    'Send the request again with `code`: the six digits from the authenticator app, or a recovery code.',
  insufficient_scope:
    '`required` lists the required scopes or permissions. Create a credential that has them, or add the permission to the API key.',
  wrong_credential_kind: '`detail` names the kind that this route accepts: a person, an access token or an API key.',
  address_not_allowed:
    'Send the request from one of the addresses in the restrictions of the credential. Behind a proxy, check that the server trusts it (`DEVPILOT_TRUST_PROXY`).',
  second_factor_needed: 'Turn on two-factor authentication in your account, then try again.',
  forbidden: '`detail` states the reason. If you need access, ask an owner or admin of the workspace.',
  not_found:
    'Check the URL and the workspace (header `Devpilot-Workspace`). Resources of another workspace are reported as not found.',
  immutable: 'Delete the access token and create a new one.',
  method_not_allowed: 'The header `Allow` lists the methods of this URL.',
  conflict: '`detail` states the conflict. Read the current state, then try again.',
  idempotent_replay:
    '`id` identifies the resource that the first request created. Secrets are never stored, so a lost secret cannot be shown again: delete that credential and create another.',
  too_large: 'Send a smaller body, or split it into several requests.',
  unsupported_media_type:
    'Send `Content-Type: application/json`, or the content type that the API reference lists for the route.',
  validation_failed: '`errors` lists the invalid fields and what each must be.',
  rate_limited: 'Wait for the number of seconds in the header `Retry-After`.',
  quota_exceeded:
    '`detail` names the quota. If the response has the header `Retry-After`, wait for that number of seconds. Otherwise, delete resources that are no longer needed, or wait until waiting jobs start.',
  internal: 'Try again. If it keeps happening, send the `requestId` to your administrator.',
  unavailable: 'Try again later. If the response has the header `Retry-After`, wait for that number of seconds.',
};
