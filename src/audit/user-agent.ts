import { redactLogText } from '../contract/redact.ts';

const MAX_LENGTH = 512;

/**
 * Returns a user agent in the form in which it is stored: without secrets and truncated. The result is a copy, because
 * a substring would keep the whole string in memory.
 */
export function toStoredUserAgent(userAgent: string | null): string | null {
  if (userAgent === null) return null;
  const redacted = redactLogText(userAgent);
  return redacted.length <= MAX_LENGTH ? redacted : Buffer.from(redacted.slice(0, MAX_LENGTH)).toString();
}
