import { createHash } from 'node:crypto';
import { Problem } from '../contract/problem.ts';

/**
 * Returns the entity tag of a representation (RFC 9110, section 8.8.3). The field `nextRunAt` is ignored, because it
 * changes without an edit.
 */
export function etagOf(representation: object): string {
  const text = JSON.stringify(representation, (field, value: unknown) => (field === 'nextRunAt' ? undefined : value));
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
}

/**
 * Throws `conflict` if the caller's `If-Match` does not match the current state. Weak tags are compared like strong
 * tags, because proxies that compress responses make tags weak.
 */
export function checkIfMatch(ifMatch: string | null, representation: object): void {
  if (ifMatch === null || ifMatch.trim() === '*') return;
  const etags = ifMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (etags.includes(etagOf(representation))) return;
  throw new Problem('conflict', 'The resource was changed since you read it (If-Match). Read it again, then retry.');
}
