import type { Code } from '../contract/error-codes.ts';
import type { Problem } from '../contract/problem.ts';

/** OAuth error codes by the status of a problem (RFC 6749, sections 4.1.2.1 and 5.2). */
const ERRORS_BY_STATUS: Readonly<Record<number, string>> = {
  401: 'invalid_client',
  403: 'unauthorized_client',
  429: 'temporarily_unavailable',
  500: 'server_error',
  503: 'temporarily_unavailable',
};
/** OAuth error codes that the status does not determine (RFC 6749, section 4.1.2.1, and RFC 6750, section 3.1). */
const ERRORS_BY_CODE: Partial<Record<Code, string>> = {
  insufficient_scope: 'insufficient_scope',
  second_factor_needed: 'access_denied',
};

/** Replaces the characters that an error description must not contain (RFC 6749, section 5.2). */
export const toErrorDescription = (detail: string): string => detail.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, ' ');

/**
 * Returns the status of a problem for OAuth clients, and the members to add to its body. The status of invalid fields
 * is 400, as RFC 6749, section 5.2, requires, instead of 422.
 */
export function toOAuthError({ code, message, status, extensions }: Problem) {
  const oauthStatus = code === 'validation_failed' ? 400 : status;
  const error = extensions.error ?? ERRORS_BY_CODE[code] ?? ERRORS_BY_STATUS[status] ?? 'invalid_request';
  return { status: oauthStatus, members: { error, error_description: toErrorDescription(message) } };
}
