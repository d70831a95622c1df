import { toIsoString, toIsoStringOrNull } from '../contract/instant.ts';
import type { Credential } from './credential.ts';

/** Returns the fields that access tokens and API keys have in common, in the format of the API. Pure. */
export function toSharedFields(credential: Credential) {
  const { id, name, hint, createdBy, useCount, replaces, replacedBy, restrictions } = credential;
  return {
    id,
    name,
    hint,
    expiresAt: toIsoStringOrNull(credential.expiresAt),
    createdAt: toIsoString(credential.createdAt),
    createdBy,
    lastUsedAt: toIsoStringOrNull(credential.lastUsedAt),
    useCount,
    restrictions,
    replaces,
    replacedBy,
  };
}
