import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { getErrorMessage } from '../api.ts';
import { Dialog } from './dialog.tsx';
import { Notice } from './notice.tsx';

interface ConfirmDialogProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly title: string;
  /** What will happen. */
  readonly children: ReactNode;
  /** The verb on the button. */
  readonly confirmLabel: string;
  /** What the button is called that leaves all as it is. */
  readonly cancelLabel?: string;
  /** True where what will happen takes nothing away. */
  readonly nonDestructive?: boolean;
  /** Where set, this must be typed first. */
  readonly confirmationText?: string | null;
  /** Does it; the dialog closes when it resolves and shows what it throws. */
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
  const [typedText, setText] = useState('');
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
        // For React a dialog sits within the form that opened it: what is submitted here is not that.
        event.stopPropagation();
        void submit();
      }}
    >
      <Stack gap="md">
        {children}
        {confirmationText !== null && (
          <TextInput
            label={
              <>
                Type{' '}
                <Text span inherit fw={650}>
                  {confirmationText}
                </Text>{' '}
                to confirm
              </>
            }
            value={typedText}
            onChange={(event) => setText(event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
            data-autofocus
          />
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

/** Asks before something that can't be undone, or that others notice. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  return (
    <Dialog opened={props.opened} onClose={props.onClose} title={props.title} size="md">
      <ConfirmForm {...props} />
    </Dialog>
  );
}
