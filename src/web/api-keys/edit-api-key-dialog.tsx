import { List } from '@mantine/core';
import { useState } from 'react';
import type { ApiKey, UpdateApiKey } from '../../contract/api-keys.ts';
import type { Permission } from '../../contract/vocabulary.ts';
import { ConflictNotice } from '../components/conditional-edit.tsx';
import { useDiscardConfirmation } from '../components/discard-confirmation.tsx';
import { isConflict } from '../components/form.tsx';
import { FormDialog } from '../components/form-dialog.tsx';
import { shortenName } from '../components/format.ts';
import { Notice } from '../components/notice.tsx';
import { CredentialForm } from '../credentials/credential-form.tsx';
import type { CredentialFormValues, CredentialRequest } from '../credentials/credential-form-values.ts';
import { API_KEYS } from '../credentials/kinds.ts';
import { useCredentialUses } from '../credentials/use-credential-uses.ts';
import { changedFields, emptyToNull } from '../form-values.ts';
import { toKnownUses } from '../restrictions/known-uses.ts';
import { toRestrictionValues } from '../restrictions/restriction-values.ts';
import { useWorkspace } from '../session.ts';
import { describeRemovedAccess } from './removed-access.ts';
import { strings } from './strings.ts';
import { useKeyUpdate } from './use-key-update.ts';

const texts = strings.editApiKeyDialog;

/** Returns the fields that the form changes. A different order of permissions is not a change. */
export function toUpdateRequest(before: ApiKey, request: CredentialRequest): UpdateApiKey {
  const { name, description, rights, expiresAt, active, guard } = request;
  const restrictions = changedFields(before.restrictions, request.restrictions);
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
    ...(Object.keys(restrictions).length > 0 && { restrictions }),
  };
}

const toFormValues = (apiKey: ApiKey, addresses: readonly string[] | undefined): CredentialFormValues => ({
  name: apiKey.name,
  description: apiKey.description ?? '',
  rights: [...apiKey.permissions],
  passphrase: '',
  isPassphraseGenerated: false,
  ...toRestrictionValues(apiKey.restrictions),
  ...(addresses !== undefined && { addresses: addresses.join('\n') }),
  expiry: { choice: 'keep', dateText: '' },
  active: apiKey.active,
  guard: apiKey.guard,
});

/** Warns about the access that saving the form removes from the key, and says when that access was last used. */
function RemovedAccessNotice({ apiKey, values }: { readonly apiKey: ApiKey; readonly values: CredentialFormValues }) {
  const uses = useCredentialUses(apiKey);
  const sentences = describeRemovedAccess(apiKey, { active: values.active, permissions: values.rights }, uses.data);
  if (sentences.length === 0) return null;
  return (
    <Notice tone="warning">
      <List fz="sm" listStyleType="none" role="status">
        {sentences.map((sentence) => (
          <List.Item key={sentence}>{sentence}</List.Item>
        ))}
      </List>
    </Notice>
  );
}

interface EditApiKeyDialogProps {
  readonly apiKey: ApiKey;
  /** The initial allowed IP addresses in the form; by default those of the key. */
  readonly addresses?: readonly string[] | undefined;
  readonly onClose: () => void;
}

interface EditApiKeyFormProps extends EditApiKeyDialogProps {
  readonly onDirtyChange: (isDirty: boolean) => void;
}

function EditApiKeyForm({ apiKey, addresses, onClose, onDirtyChange }: EditApiKeyFormProps) {
  const { data: uses } = useCredentialUses(apiKey);
  const { api } = useWorkspace();
  const updateKey = useKeyUpdate();
  const [base, setBase] = useState(apiKey);
  /** The key as someone else has saved it since the dialog was opened; null if the key has not changed. */
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
      initial={toFormValues(base, addresses)}
      edited={base}
      knownUses={uses === undefined ? undefined : toKnownUses(uses)}
      submitLabel={theirs === null ? texts.save : texts.saveAgain}
      onCancel={onClose}
      onDirtyChange={onDirtyChange}
      onSubmit={async (request) => {
        const changes = toUpdateRequest(base, request);
        if (Object.keys(changes).length > 0) await save(changes);
        return onClose;
      }}
      renderConsequences={(values) => <RemovedAccessNotice apiKey={theirs ?? base} values={values} />}
      conflictNotice={
        theirs !== null && (
          <ConflictNotice
            base={base}
            theirs={theirs}
            labels={texts.fields}
            onDiscard={() => {
              setBase(theirs);
              setTheirs(null);
            }}
          />
        )
      }
    />
  );
}

/** Edits a key. Its secret stays the same. */
export function EditApiKeyDialog(props: EditApiKeyDialogProps) {
  const { setDirty, requestClose, confirmation } = useDiscardConfirmation(props.onClose);
  return (
    <FormDialog onClose={requestClose} title={texts.title(shortenName(props.apiKey.name))}>
      <EditApiKeyForm {...props} onDirtyChange={setDirty} />
      {confirmation}
    </FormDialog>
  );
}
