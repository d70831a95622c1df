import { notifications } from '@mantine/notifications';
import type { ApiKey, UpdateApiKey } from '../../contract/schemas.ts';
import type { Permission } from '../../contract/words.ts';
import { queryClient } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { CredentialForm, type CredentialWish } from '../credentials/credential-form.tsx';
import { API_KEYS, credentialsKey } from '../credentials/kinds.ts';
import { useWorkspace } from '../session.ts';

/** Only what was changed: what a colleague changes meanwhile is not overwritten. */
export function changesOf(before: ApiKey, wish: CredentialWish): UpdateApiKey {
  const description = wish.description.trim() === '' ? null : wish.description;
  const sameRights =
    wish.rights.length === before.permissions.length &&
    wish.rights.every((one) => before.permissions.includes(one as Permission));
  return {
    ...(wish.name !== before.name && { name: wish.name }),
    ...(description !== before.description && { description }),
    ...(!sameRights && { permissions: wish.rights as Permission[] }),
    ...(wish.expiresAt !== before.expiresAt && { expiresAt: wish.expiresAt }),
    ...(wish.active !== before.active && { active: wish.active }),
    ...(wish.guard !== before.guard && { guard: wish.guard }),
  };
}

/** Edits everything of a key but its secret. */
export function EditDialog({ apiKey, onClose }: { readonly apiKey: ApiKey; readonly onClose: () => void }) {
  const { api, workspace } = useWorkspace();
  return (
    <Dialog opened onClose={onClose} title={`Edit ${apiKey.name}`} size={620} closeOnClickOutside={false}>
      <CredentialForm
        kind={API_KEYS}
        initial={{
          name: apiKey.name,
          description: apiKey.description ?? '',
          rights: [...apiKey.permissions],
          passphrase: '',
          generatedPassphrase: false,
          expiry: { choice: 'keep', date: null },
          active: apiKey.active,
          guard: apiKey.guard,
        }}
        kept={apiKey.expiresAt}
        submit="Save"
        onCancel={onClose}
        onSubmit={async (wish) => {
          const changes = changesOf(apiKey, wish);
          if (Object.keys(changes).length > 0) {
            const { name } = await api.apiKeys.update(apiKey.id, changes);
            await queryClient.invalidateQueries({ queryKey: credentialsKey(workspace.id, API_KEYS) });
            notifications.show({ message: `Saved ${name}. Its secret is the same as before.` });
          }
          return onClose;
        }}
      />
    </Dialog>
  );
}
