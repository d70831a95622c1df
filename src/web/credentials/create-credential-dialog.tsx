import { useState } from 'react';
import { Dialog } from '../components/dialog.tsx';
import { CredentialForm, NEW_CREDENTIAL } from './credential-form.tsx';
import type { CredentialKindConfig } from './kinds.ts';
import { SecretPanel } from './secret-panel.tsx';
import { type RevealedCredential, useCreateCredential } from './use-create-credential.ts';

interface CreateCredentialDialogProps {
  readonly kind: CredentialKindConfig;
  readonly onClose: () => void;
}

function CreateCredentialForm({
  kind,
  onCreated,
  onClose,
}: CreateCredentialDialogProps & { onCreated: (created: RevealedCredential) => void }) {
  const create = useCreateCredential(kind);
  return (
    <CredentialForm
      kind={kind}
      initial={NEW_CREDENTIAL}
      submitLabel={kind.generateLabel}
      onCancel={onClose}
      onSubmit={async (request) => {
        const created = await create(request);
        return () => onCreated(created);
      }}
    />
  );
}

/** Creates a credential, then shows its secret once in a dialog that only “I have stored it” closes. */
export function CreateCredentialDialog({ kind, onClose }: CreateCredentialDialogProps) {
  const [revealed, setRevealed] = useState<RevealedCredential | null>(null);
  if (revealed === null) {
    return (
      <Dialog key="form" onClose={onClose} title={kind.generateLabel} size={620}>
        <CreateCredentialForm kind={kind} onClose={onClose} onCreated={setRevealed} />
      </Dialog>
    );
  }
  return (
    <Dialog
      key="secret"
      onClose={() => {}}
      title={kind.kind === 'access_token' ? 'Your new access token' : 'Your new API key'}
      size={620}
      closeOnEscape={false}
      withCloseButton={false}
      // Without a transition the secret is removed from the document at once.
      transitionProps={{ duration: 0 }}
    >
      <SecretPanel revealed={revealed} confirmLabel="I have stored it" onStored={onClose} />
    </Dialog>
  );
}
