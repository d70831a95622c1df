import { useState } from 'react';
import { Dialog } from '../components/dialog.tsx';
import { type Revealed, useCreate } from './create.ts';
import { CredentialForm, NEW_CREDENTIAL } from './credential-form.tsx';
import type { Kind } from './kinds.ts';
import { SecretPanel } from './secret-panel.tsx';

interface CreateDialogProps {
  readonly kind: Kind;
  readonly opened: boolean;
  readonly onClose: () => void;
}

function Body({
  kind,
  onCreated,
  onClose,
}: Omit<CreateDialogProps, 'opened'> & { onCreated: (made: Revealed) => void }) {
  const create = useCreate(kind);
  return (
    <CredentialForm
      kind={kind}
      initial={NEW_CREDENTIAL}
      submit={kind.generate}
      onCancel={onClose}
      onSubmit={async (wish) => {
        const made = await create(wish);
        return () => onCreated(made);
      }}
    />
  );
}

/** Creates a credential, then shows its secret once, in a dialog that only “I have stored it” closes. */
export function CreateDialog({ kind, opened, onClose }: CreateDialogProps) {
  const [revealed, setRevealed] = useState<Revealed | null>(null);
  const isShowing = revealed !== null;
  return (
    <>
      <Dialog
        opened={opened && !isShowing}
        onClose={onClose}
        title={kind.generate}
        size={620}
        // A stray click must not throw away what was typed.
        closeOnClickOutside={false}
      >
        <Body kind={kind} onClose={onClose} onCreated={setRevealed} />
      </Dialog>
      <Dialog
        opened={opened && isShowing}
        onClose={() => {}}
        title={kind.kind === 'access_token' ? 'Your new access token' : 'Your new API key'}
        size={620}
        closeOnClickOutside={false}
        closeOnEscape={false}
        withCloseButton={false}
        // Not only out of sight: nothing of it stays behind while a transition ends.
        transitionProps={{ duration: 0 }}
      >
        {revealed !== null && (
          <SecretPanel
            revealed={revealed}
            stored="I have stored it"
            onStored={() => {
              setRevealed(null);
              onClose();
            }}
          />
        )}
      </Dialog>
    </>
  );
}
