import { Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { strings } from './strings.ts';

interface EndSessionsDialogProps {
  readonly name: string;
  readonly onClose: () => void;
  readonly endSessions: () => Promise<unknown>;
}

/** Ends all sessions of another person. */
export function EndSessionsDialog({ name, onClose, endSessions }: EndSessionsDialogProps) {
  return (
    <ConfirmDialog
      onClose={onClose}
      title={strings.endSessionsDialog.title}
      confirmLabel={strings.endSessionsDialog.endSessions}
      onConfirm={async () => {
        await endSessions();
        notifications.show({ message: strings.endSessionsDialog.ended(name) });
      }}
    >
      <Text fz="sm">{strings.endSessionsDialog.consequences(name)}</Text>
    </ConfirmDialog>
  );
}
