import type { ApiKey } from '../../contract/api-keys.ts';
import type { CredentialUses } from '../../contract/credentials.ts';
import { formatDate, formatRelativeTime } from '../components/format.ts';
import type { Right } from '../credentials/kinds.ts';
import { strings } from './strings.ts';

const texts = strings.removedAccess;

function describeLastUse(right: Right, { createdAt }: ApiKey, { rights, rightsSince }: CredentialUses): string {
  // `rights` is sorted by the last use, latest first.
  const lastUse = rights.find((use) => use.right === right);
  if (lastUse !== undefined) return texts.lastUsed(formatRelativeTime(lastUse.lastUsedAt));
  return createdAt >= rightsSince ? texts.neverUsed : texts.notUsedSince(formatDate(rightsSince));
}

/**
 * Describes the access that an edit removes from a key, and when that access was last used: one text for the whole key
 * if the edit disables it, otherwise one per removed permission. `uses` is undefined if the uses are unknown.
 */
export function describeRemovedAccess(
  key: ApiKey,
  after: { readonly active?: boolean | undefined; readonly permissions?: readonly Right[] | undefined },
  uses: CredentialUses | undefined,
): string[] {
  if (key.active && after.active === false) {
    return [
      texts.disabled(key.lastUsedAt === null ? texts.neverUsed : texts.lastUsed(formatRelativeTime(key.lastUsedAt))),
    ];
  }
  const { permissions = key.permissions } = after;
  return key.permissions
    .filter((permission) => !permissions.includes(permission))
    .map((permission) =>
      uses === undefined
        ? texts.removed(permission)
        : texts.removedWithUse(permission, describeLastUse(permission, key, uses)),
    );
}
