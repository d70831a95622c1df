import { Button, Group, Stack } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { getErrorMessage } from '../api.ts';
import { ConfirmationInput } from './confirmation-input.tsx';
import { Dialog } from './dialog.tsx';
import { Notice } from './notice.tsx';

interface ConfirmDialogProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly title: string;
  /** The consequences of the action. */
  readonly children: ReactNode;
  readonly confirmLabel: string;
  /** The label of the button that changes nothing. */
  readonly cancelLabel?: string;
  /** True if the action destroys nothing. */
  readonly nonDestructive?: boolean;
  /** If set, the user must type this text to confirm. */
  readonly confirmationText?: string | null;
  /** Performs the action. The dialog closes when it resolves and shows the error if it rejects. */
  readonly onConfirm: () => Promise<unknown>;
}

function ConfirmForm({
  onClose,
  children,
  confirmLabel,
  cancelLabel = 'Cancel',
  nonDestructive = false,
  confirmationText = null,
  onConfirm,
}: ConfirmDialogProps) {
  const [typedText, setTypedText] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const isConfirmed = confirmationText === null || typedText.trim() === confirmationText;

  async function submit() {
    if (!isConfirmed || busy) return;
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      onClose();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        // React bubbles this event to the form that opened the dialog, which must not be submitted.
        event.stopPropagation();
        void submit();
      }}
    >
      <Stack gap="md">
        {children}
        {confirmationText !== null && (
          <ConfirmationInput text={confirmationText} value={typedText} onChange={setTypedText} />
        )}
        {error !== null && <Notice tone="bad">{getErrorMessage(error)}</Notice>}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose} {...(confirmationText === null && { 'data-autofocus': true })}>
            {cancelLabel}
          </Button>
          <Button
            type="submit"
            {...(!nonDestructive && { className: 'button-bad' })}
            loading={busy}
            disabled={!isConfirmed}
          >
            {confirmLabel}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Asks for confirmation before an action that cannot be undone or that affects other people. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  return (
    <Dialog opened={props.opened} onClose={props.onClose} title={props.title} size="md">
      <ConfirmForm {...props} />
    </Dialog>
  );
}
