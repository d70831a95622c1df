import { notifications } from '@mantine/notifications';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { strings } from './strings.ts';

interface EndSessionsDialogProps {
  readonly name: string;
  readonly onClose: () => void;
  readonly end: () => Promise<unknown>;
}

/** Ends all sessions of another person. */
export function EndSessionsDialog({ name, onClose, end }: EndSessionsDialogProps) {
  return (
    <ConfirmDialog
      onClose={onClose}
      title={strings.endSessionsDialog.title}
      confirmLabel={strings.endSessionsDialog.endSessions}
      onConfirm={async () => {
        await end();
        notifications.show({ message: strings.endSessionsDialog.ended(name) });
      }}
    >
      {strings.endSessionsDialog.consequences(name)}
    </ConfirmDialog>
  );
}
