import { notifications } from '@mantine/notifications';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';

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
      title="End all sessions"
      confirmLabel="End sessions"
      onConfirm={async () => {
        await end();
        notifications.show({ message: `All sessions of ${name} ended` });
      }}
    >
      {name} is signed out of every browser and command line immediately, and can sign in again.
    </ConfirmDialog>
  );
}
