import { List } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { ApiKey, UpdateApiKey } from '../../contract/api-keys.ts';
import type { Permission } from '../../contract/vocabulary.ts';
import { ConflictNotice } from '../components/conditional-edit.tsx';
import { Dialog } from '../components/dialog.tsx';
import { useDiscardConfirmation } from '../components/discard-confirmation.tsx';
import { isConflict } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { CredentialForm } from '../credentials/credential-form.tsx';
import type { CredentialFormValues, CredentialRequest } from '../credentials/credential-form-values.ts';
import { API_KEYS, credentialsKey } from '../credentials/kinds.ts';
import { changedFields, emptyToNull } from '../form-values.ts';
import { useWorkspace } from '../session.ts';
import { describeCutOff } from './cut-off.ts';
import { strings } from './strings.ts';
import { useKeyUpdate } from './use-key-update.ts';

const texts = strings.editApiKeyDialog;

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

const toFormValues = (apiKey: ApiKey): CredentialFormValues => ({
  name: apiKey.name,
  description: apiKey.description ?? '',
  rights: [...apiKey.permissions],
  passphrase: '',
  generatedPassphrase: false,
  addresses: apiKey.restrictions.addresses.join('\n'),
  expiry: { choice: 'keep', dateText: '' },
  active: apiKey.active,
  guard: apiKey.guard,
});

/** What saving the form takes from the key, and when that was last used. */
function CutOffNotice({ apiKey, values }: { readonly apiKey: ApiKey; readonly values: CredentialFormValues }) {
  const { api, workspace } = useWorkspace();
  const uses = useQuery({
    queryKey: [...credentialsKey(workspace.id, API_KEYS), apiKey.id, 'uses', apiKey.useCount],
    queryFn: ({ signal }) => api.apiKeys.uses(apiKey.id, { signal }),
  });
  const sentences = describeCutOff(apiKey, { active: values.active, permissions: values.rights }, uses.data);
  if (sentences.length === 0) return null;
  return (
    <Notice tone="warn">
      <List fz="sm" listStyleType="none" role="status">
        {sentences.map((sentence) => (
          <List.Item key={sentence}>{sentence}</List.Item>
        ))}
      </List>
    </Notice>
  );
}

interface EditApiKeyFormProps {
  readonly apiKey: ApiKey;
  readonly onClose: () => void;
  readonly onDirtyChange: (isDirty: boolean) => void;
}

function EditApiKeyForm({ apiKey, onClose, onDirtyChange }: EditApiKeyFormProps) {
  const { api } = useWorkspace();
  const updateKey = useKeyUpdate();
  const [base, setBase] = useState(apiKey);
  /** The key as someone else saved it in the meantime. */
  const [theirs, setTheirs] = useState<ApiKey | null>(null);

  async function save(changes: UpdateApiKey): Promise<void> {
    try {
      await updateKey({ before: theirs ?? base, changes, message: texts.saved });
    } catch (error) {
      if (isConflict(error)) setTheirs(await api.apiKeys.get(apiKey.id));
      throw error;
    }
  }

  return (
    <CredentialForm
      key={base.updatedAt}
      kind={API_KEYS}
      initial={toFormValues(base)}
      edited={base}
      submitLabel={theirs === null ? texts.save : texts.saveAgain}
      onCancel={onClose}
      onDirtyChange={onDirtyChange}
      onSubmit={async (request) => {
        const changes = toUpdateRequest(base, request);
        if (Object.keys(changes).length > 0) await save(changes);
        return onClose;
      }}
      renderConsequences={(values) => <CutOffNotice apiKey={theirs ?? base} values={values} />}
      conflictNotice={
        theirs !== null && (
          <ConflictNotice
            base={base}
            theirs={theirs}
            labels={texts.fields}
            onTakeTheirs={() => {
              setBase(theirs);
              setTheirs(null);
            }}
          />
        )
      }
    />
  );
}

/** Edits all properties of a key except its secret. */
export function EditApiKeyDialog({ apiKey, onClose }: { readonly apiKey: ApiKey; readonly onClose: () => void }) {
  const { setDirty, requestClose, confirmation } = useDiscardConfirmation(onClose);
  return (
    <Dialog onClose={requestClose} title={texts.title(apiKey.name)} size={620}>
      <EditApiKeyForm apiKey={apiKey} onClose={onClose} onDirtyChange={setDirty} />
      {confirmation}
    </Dialog>
  );
}
