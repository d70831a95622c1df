import type { Credential } from './credential.ts';

/** Returns a time in the format of the API: ISO 8601, UTC, with milliseconds. */
export const toIsoString = (epochMs: number): string => new Date(epochMs).toISOString();
export const toIsoStringOrNull = (epochMs: number | null): string | null =>
  epochMs === null ? null : toIsoString(epochMs);

/** Returns the fields that access tokens and API keys have in common, in the format of the API. Pure. */
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
