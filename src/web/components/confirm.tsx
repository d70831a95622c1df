import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { messageOf } from '../api.ts';
import { Dialog } from './dialog.tsx';
import { Notice } from './notice.tsx';

interface ConfirmDialogProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly title: string;
  /** What will happen. */
  readonly children: ReactNode;
  /** The verb on the button. */
  readonly confirm: string;
  /** What the button is called that leaves all as it is. */
  readonly dismiss?: string;
  /** True where what will happen takes nothing away. */
  readonly harmless?: boolean;
  /** Where set, this must be typed first. */
  readonly typed?: string | null;
  /** Does it; the dialog closes when it resolves and shows what it throws. */
  readonly onConfirm: () => Promise<unknown>;
}

function Body({
  onClose,
  children,
  confirm,
  dismiss = 'Cancel',
  harmless = false,
  typed = null,
  onConfirm,
}: ConfirmDialogProps) {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const ready = typed === null || text.trim() === typed;

  async function submit() {
    if (!ready || busy) return;
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
        {typed !== null && (
          <TextInput
            label={
              <>
                Type{' '}
                <Text span inherit fw={650}>
                  {typed}
                </Text>{' '}
                to confirm
              </>
            }
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
            data-autofocus
          />
        )}
        {error !== null && <Notice tone="bad">{messageOf(error)}</Notice>}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose} {...(typed === null && { 'data-autofocus': true })}>
            {dismiss}
          </Button>
          <Button type="submit" {...(!harmless && { className: 'button-bad' })} loading={busy} disabled={!ready}>
            {confirm}
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
      <Body {...props} />
    </Dialog>
  );
}
