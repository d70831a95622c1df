import { notifications } from '@mantine/notifications';
import type { ApiKey, UpdateApiKey } from '../../contract/api-keys.ts';
import { type Client, DevpilotError } from '../../sdk/client.ts';
import { shortenName } from '../components/format.ts';
import { notifyWithUndo } from '../components/undo.tsx';
import { API_KEYS } from '../credentials/kinds.ts';
import { refetchCredentials } from '../credentials/refetch-credentials.ts';
import { useWorkspace } from '../session.ts';
import { describeRemovedAccess } from './removed-access.ts';
import { strings } from './strings.ts';

/** Changes a key. Throws `conflict` if the key has changed since `before` was read, according to `updatedAt`. */
async function updateUnlessChanged(api: Client, before: ApiKey, changes: UpdateApiKey): Promise<ApiKey> {
  const { value, tag: etag } = await api.apiKeys.read(before.id);
  if (value.updatedAt !== before.updatedAt) {
    throw new DevpilotError('conflict', strings.keyUpdate.changedByOther(shortenName(before.name)), { status: 409 });
  }
  return api.apiKeys.update(before.id, changes, { ifMatch: etag });
}

/** Returns the changes that restore the previous values of the changed fields. */
function toUndoingChanges(before: ApiKey, changes: UpdateApiKey): UpdateApiKey {
  const { name, description, permissions, expiresAt, active, guard, restrictions } = before;
  const values: UpdateApiKey = { name, description, permissions, expiresAt, active, guard, restrictions };
  return Object.fromEntries(Object.entries(values).filter(([field]) => field in changes));
}

interface KeyUpdate {
  /** The key before the change. */
  readonly before: ApiKey;
  readonly changes: UpdateApiKey;
  readonly message: (name: string) => string;
}

/**
 * Returns a function that changes a key and shows a message. If the change removes access, the message says when that
 * access was last used, and the change can be undone. The function throws `conflict` if someone else has changed the
 * key.
 */
export function useKeyUpdate(): (update: KeyUpdate) => Promise<void> {
  const { api, workspace } = useWorkspace();
  const reload = () => refetchCredentials(workspace.id, API_KEYS);

  async function undo(before: ApiKey, saved: ApiKey, changes: UpdateApiKey): Promise<void> {
    await updateUnlessChanged(api, saved, changes).finally(reload);
    notifications.show({ message: strings.keyUpdate.undone(shortenName(before.name)) });
  }

  return async ({ before, changes, message }) => {
    try {
      const uses =
        changes.permissions === undefined ? undefined : await api.apiKeys.uses(before.id).catch(() => undefined);
      const saved = await updateUnlessChanged(api, before, changes);
      const removedAccess = describeRemovedAccess({ ...before, lastUsedAt: saved.lastUsedAt }, changes, uses);
      const text = [message(shortenName(saved.name)), ...removedAccess].join(' ');
      if (removedAccess.length === 0) notifications.show({ message: text });
      else notifyWithUndo(text, () => undo(before, saved, toUndoingChanges(before, changes)));
    } finally {
      await reload();
    }
  };
}
