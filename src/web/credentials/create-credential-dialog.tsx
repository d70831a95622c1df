import { useState } from 'react';
import { Dialog } from '../components/dialog.tsx';
import { useDiscardConfirmation } from '../components/discard-confirmation.tsx';
import { FormDialog } from '../components/form-dialog.tsx';
import { useListState } from '../components/list-state.ts';
import { Notice } from '../components/notice.tsx';
import { CredentialForm } from './credential-form.tsx';
import { NEW_CREDENTIAL } from './credential-form-values.ts';
import { strings } from './form-strings.ts';
import type { CredentialKindConfig } from './kinds.ts';
import { type Prefill, readPrefill, WITHOUT_PREFILL } from './prefill.ts';
import { SecretPanel } from './secret-panel.tsx';
import { type RevealedCredential, useCreateCredential } from './use-create-credential.ts';

/** Maximum number of characters shown of a link's unsupported values. */
const MAX_IGNORED_LENGTH = 200;

interface CreateCredentialDialogProps {
  readonly kind: CredentialKindConfig;
  readonly onClose: () => void;
}

/** Warns that a link filled in the form, because anyone can write such a link. */
function PrefillNotice({
  kind,
  ignored,
}: {
  readonly kind: CredentialKindConfig;
  readonly ignored: readonly string[];
}) {
  return (
    <Notice tone="warning">
      {strings.createCredentialDialog.filledByLink(kind.noun, ignored.join(', ').slice(0, MAX_IGNORED_LENGTH))}
    </Notice>
  );
}

interface CreateCredentialFormProps extends CreateCredentialDialogProps {
  /** The values that a link filled in; null for an empty form. */
  readonly prefill: Prefill | null;
  readonly onCreated: (created: RevealedCredential) => void;
  readonly onDirtyChange: (isDirty: boolean) => void;
}

function CreateCredentialForm({ kind, prefill, onCreated, onDirtyChange, onClose }: CreateCredentialFormProps) {
  const create = useCreateCredential(kind);
  return (
    <CredentialForm
      kind={kind}
      initial={prefill?.values ?? NEW_CREDENTIAL}
      notice={prefill !== null && <PrefillNotice kind={kind} ignored={prefill.ignored} />}
      hasPresets
      submitLabel={kind.generateLabel}
      onCancel={onClose}
      onDirtyChange={onDirtyChange}
      onSubmit={async (request) => {
        const created = await create(request);
        return () => onCreated(created);
      }}
    />
  );
}

/** Creates a credential, then shows its secret once in a dialog that only "I have stored it" closes. */
export function CreateCredentialDialog({ kind, onClose }: CreateCredentialDialogProps) {
  const listState = useListState();
  const [prefill] = useState(() => readPrefill(listState.get, kind, Date.now()));
  function close(): void {
    if (prefill !== null) listState.set(WITHOUT_PREFILL);
    onClose();
  }
  const { setDirty, requestClose, confirmation } = useDiscardConfirmation(close);
  const [revealed, setRevealed] = useState<RevealedCredential | null>(null);
  if (revealed === null) {
    return (
      <FormDialog key="form" onClose={requestClose} title={kind.generateLabel}>
        <CreateCredentialForm
          kind={kind}
          prefill={prefill}
          onClose={close}
          onCreated={setRevealed}
          onDirtyChange={setDirty}
        />
        {confirmation}
      </FormDialog>
    );
  }
  return (
    <Dialog
      key="secret"
      onClose={() => {}}
      title={
        kind.kind === 'access_token'
          ? strings.createCredentialDialog.tokenTitle
          : strings.createCredentialDialog.keyTitle
      }
      size={620}
      closeOnEscape={false}
      withCloseButton={false}
      // Without a transition the secret is removed from the document immediately.
      transitionProps={{ duration: 0 }}
    >
      <SecretPanel revealed={revealed} confirmLabel={strings.createCredentialDialog.iHaveStoredIt} onStored={close} />
    </Dialog>
  );
}
