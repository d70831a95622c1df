import type { Credential } from './store.ts';

/** An instant as the wire shows it: ISO 8601, UTC, milliseconds. */
export const toIsoString = (epochMs: number): string => new Date(epochMs).toISOString();
export const toIsoStringOrNull = (epochMs: number | null): string | null =>
  epochMs === null ? null : toIsoString(epochMs);

/** What access tokens and API keys show alike. Pure. */
export function toSharedFields(credential: Credential) {
  const { id, name, hint, createdBy, useCount } = credential;
  return {
    id,
    name,
    hint,
    expiresAt: toIsoStringOrNull(credential.expiresAt),
    createdAt: toIsoString(credential.createdAt),
    createdBy,
    lastUsedAt: toIsoStringOrNull(credential.lastUsedAt),
    useCount,
  };
}
