import { List, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { App } from '../../contract/apps.ts';
import type { Backup } from '../../contract/backups.ts';
import { queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { formatDateTime } from '../components/format.ts';
import { useWorkspace } from '../session.ts';

interface BackupDialogProps {
  readonly backup: Backup;
  /** What is read anew afterwards. */
  readonly queryKey: readonly string[];
  readonly onClose: () => void;
}

/** Asks, with the app's name typed, before what is there is replaced. */
export function RestoreBackupDialog({ app, backup, queryKey, onClose }: BackupDialogProps & { readonly app: App }) {
  const { api } = useWorkspace();
  return (
    <ConfirmDialog
      opened
      onClose={onClose}
      title="Restore backup"
      confirmLabel="Restore"
      confirmationText={app.name}
      onConfirm={async () => {
        await api.backups.restore(backup.id);
        notifications.show({ message: `${app.name} is being restored.` });
        await queryClient.invalidateQueries({ queryKey });
      }}
    >
      <Text fz="sm">
        You are about to put the backup of {formatDateTime(backup.createdAt)} in the place of what{' '}
        <Text span inherit fw={650}>
          {app.name}
        </Text>{' '}
        has now.
      </Text>
      <List fz="sm" spacing={6}>
        {backup.kind === 'directory' ? (
          <>
            <List.Item>The shared directory is switched; the old one is kept until that has succeeded.</List.Item>
            <List.Item>What was written there since the backup is lost then.</List.Item>
          </>
        ) : (
          <List.Item>The restore command reads the backup. What it replaces, it decides itself.</List.Item>
        )}
        <List.Item>The SHA-256 is checked first; if it does not match, nothing is touched.</List.Item>
      </List>
    </ConfirmDialog>
  );
}

export function DeleteBackupDialog({ backup, queryKey, onClose }: BackupDialogProps) {
  const { api } = useWorkspace();
  return (
    <ConfirmDialog
      opened
      onClose={onClose}
      title="Delete backup"
      confirmLabel="Delete"
      onConfirm={async () => {
        await api.backups.delete(backup.id);
        notifications.show({ message: 'The backup is deleted.' });
        await queryClient.invalidateQueries({ queryKey });
      }}
    >
      <Text fz="sm">
        The backup of {formatDateTime(backup.createdAt)} and what is stored of it go for good. The app is not touched.
      </Text>
    </ConfirmDialog>
  );
}
