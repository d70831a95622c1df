import type { Credential } from './store.ts';

/** An instant as the wire shows it: ISO 8601, UTC, milliseconds. */
export const instant = (at: number): string => new Date(at).toISOString();
export const maybeInstant = (at: number | null): string | null => (at === null ? null : instant(at));

/** What access tokens and API keys show alike. Pure. */
export function showFacts(credential: Credential) {
  const { id, name, hint, createdBy, useCount } = credential;
  return {
    id,
    name,
    hint,
    expiresAt: maybeInstant(credential.expiresAt),
    createdAt: instant(credential.createdAt),
    createdBy,
    lastUsedAt: maybeInstant(credential.lastUsedAt),
    useCount,
  };
}
