import { Button, Group } from '@mantine/core';
import { type ReactElement, useState } from 'react';
import { ConfirmationInput } from './confirmation-input.tsx';
import { Dialog } from './dialog.tsx';
import { ErrorNotice } from './error-message.tsx';
import { Form } from './form.tsx';
import { strings } from './strings.ts';

type Block = ReactElement | false | null;

interface ConfirmDialogProps {
  readonly onClose: () => void;
  readonly title: string;
  /**
   * The consequences of the action, as block elements such as `Text`. The dialog stacks its children, so an element
   * within loose text would be on a line of its own.
   */
  readonly children: Block | readonly Block[];
  readonly confirmLabel: string;
  /** The label of the button that closes the dialog without performing the action. */
  readonly cancelLabel?: string;
  /** Whether the button of the action is red; true by default. Pass false if nothing is deleted, stopped or lost. */
  readonly isDestructive?: boolean;
  /** If set, the user must type this text to confirm. */
  readonly confirmationText?: string | null;
  /** Performs the action. The dialog closes when the promise resolves, and shows the error if the promise rejects. */
  readonly onConfirm: () => Promise<unknown>;
}

function ConfirmForm({
  onClose,
  children,
  confirmLabel,
  cancelLabel = strings.confirmDialog.cancel,
  isDestructive = true,
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
    <Form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {children}
      {confirmationText !== null && (
        <ConfirmationInput text={confirmationText} value={typedText} onChange={setTypedText} />
      )}
      {error !== null && <ErrorNotice error={error} />}
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onClose} {...(confirmationText === null && { 'data-autofocus': true })}>
          {cancelLabel}
        </Button>
        <Button
          type="submit"
          {...(isDestructive && { className: 'button-danger' })}
          loading={busy}
          disabled={!isConfirmed}
        >
          {confirmLabel}
        </Button>
      </Group>
    </Form>
  );
}

/**
 * Asks for confirmation before an action that cannot be undone or that affects other people. Render it only while it is
 * open.
 */
export function ConfirmDialog(props: ConfirmDialogProps) {
  return (
    <Dialog onClose={props.onClose} title={props.title} closeOnClickOutside>
      <ConfirmForm {...props} />
    </Dialog>
  );
}
