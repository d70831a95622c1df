import type { WorkloadIdentity } from '../../contract/workload-identities.ts';
import { DeleteResourceDialog } from '../components/delete-resource-dialog.tsx';
import { Notice } from '../components/notice.tsx';
import { CreateResourceDialog, EditResourceDialog } from '../components/resource-dialogs.tsx';
import { useWorkspace } from '../session.ts';
import { IdentityFields } from './identity-fields.tsx';
import {
  IDENTITY_RULES,
  NEW_IDENTITY_VALUES,
  toCreateRequest,
  toFormValues,
  toRequestFields,
} from './identity-form.ts';
import { strings } from './strings.ts';

const { noun } = strings.identityPage;

interface CreateIdentityDialogProps {
  readonly onClose: () => void;
  readonly onCreated: (created: WorkloadIdentity) => void;
}

export function CreateIdentityDialog({ onClose, onCreated }: CreateIdentityDialogProps) {
  const { api } = useWorkspace();
  return (
    <CreateResourceDialog
      noun={noun}
      initial={NEW_IDENTITY_VALUES}
      validate={IDENTITY_RULES}
      renderFields={(form) => <IdentityFields form={form} isNew />}
      create={(values) => api.workloadIdentities.create(toCreateRequest(values))}
      onClose={onClose}
      onCreated={onCreated}
    />
  );
}

interface IdentityDialogProps {
  readonly identity: WorkloadIdentity;
  readonly onClose: () => void;
}

export function EditIdentityDialog({ identity, onClose }: IdentityDialogProps) {
  const { api } = useWorkspace();
  return (
    <EditResourceDialog
      noun={noun}
      item={identity}
      toFormValues={toFormValues}
      toRequestFields={toRequestFields}
      validate={IDENTITY_RULES}
      renderFields={(form) => (
        <>
          <IdentityFields form={form} isNew={false} />
          <Notice tone="warning">{strings.fields.editNotice}</Notice>
        </>
      )}
      labels={strings.fields.labels}
      read={(options) => api.workloadIdentities.read(identity.id, options)}
      update={(changes, options) => api.workloadIdentities.update(identity.id, changes, options)}
      onClose={onClose}
    />
  );
}

export function DeleteIdentityDialog({
  identity,
  onClose,
  onDeleted,
}: IdentityDialogProps & { readonly onDeleted?: () => void }) {
  const { api } = useWorkspace();
  return (
    <DeleteResourceDialog
      noun="workload identity"
      name={identity.name}
      remove={() => api.workloadIdentities.delete(identity.id)}
      onClose={onClose}
      {...(onDeleted !== undefined && { onDeleted })}
    >
      {strings.deleteDialog.consequences}
    </DeleteResourceDialog>
  );
}
