import { notifications } from '@mantine/notifications';
import type { ApiKey, UpdateApiKey } from '../../contract/api-keys.ts';
import type { Permission } from '../../contract/vocabulary.ts';
import { queryClient } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { useDiscardConfirmation } from '../components/discard-confirmation.tsx';
import { CredentialForm } from '../credentials/credential-form.tsx';
import type { CredentialRequest } from '../credentials/credential-form-values.ts';
import { API_KEYS, credentialsKey } from '../credentials/kinds.ts';
import { changedFields, emptyToNull } from '../form-values.ts';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

/** Converts the form to the changes of the key. The order of its permissions has no meaning. */
export function toUpdateRequest(before: ApiKey, request: CredentialRequest): UpdateApiKey {
  const { name, description, rights, expiresAt, active, guard, addresses } = request;
  const hasSameAddresses = addresses.join() === before.restrictions.addresses.join();
  const hasSameRights =
    rights.length === before.permissions.length &&
    rights.every((right) => before.permissions.includes(right as Permission));
  const permissions = hasSameRights ? before.permissions : (rights as Permission[]);
  return {
    ...changedFields<UpdateApiKey>(before, {
      name,
      description: emptyToNull(description),
      permissions,
      expiresAt,
      active,
      guard,
    }),
    ...(!hasSameAddresses && { restrictions: { addresses: [...addresses] } }),
  };
}

/** Edits all properties of a key except its secret. */
export function EditApiKeyDialog({ apiKey, onClose }: { readonly apiKey: ApiKey; readonly onClose: () => void }) {
  const { api, workspace } = useWorkspace();
  const { setDirty, requestClose, confirmation } = useDiscardConfirmation(onClose);
  return (
    <Dialog onClose={requestClose} title={strings.editApiKeyDialog.title(apiKey.name)} size={620}>
      <CredentialForm
        kind={API_KEYS}
        initial={{
          name: apiKey.name,
          description: apiKey.description ?? '',
          rights: [...apiKey.permissions],
          passphrase: '',
          generatedPassphrase: false,
          addresses: apiKey.restrictions.addresses.join('\n'),
          expiry: { choice: 'keep', dateText: '' },
          active: apiKey.active,
          guard: apiKey.guard,
        }}
        edited={apiKey}
        submitLabel={strings.editApiKeyDialog.save}
        onCancel={onClose}
        onDirtyChange={setDirty}
        onSubmit={async (request) => {
          const changes = toUpdateRequest(apiKey, request);
          if (Object.keys(changes).length > 0) {
            const { name } = await api.apiKeys.update(apiKey.id, changes);
            await queryClient.invalidateQueries({ queryKey: credentialsKey(workspace.id, API_KEYS) });
            notifications.show({ message: strings.editApiKeyDialog.saved(name) });
          }
          return onClose;
        }}
      />
      {confirmation}
    </Dialog>
  );
}
