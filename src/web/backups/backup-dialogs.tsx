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
  /** The query to invalidate afterwards. */
  readonly queryKey: readonly string[];
  readonly onClose: () => void;
}

/** Asks for the app's name before a restore replaces its current data. */
export function RestoreBackupDialog({ app, backup, queryKey, onClose }: BackupDialogProps & { readonly app: App }) {
  const { api } = useWorkspace();
  return (
    <ConfirmDialog
      onClose={onClose}
      title="Restore backup"
      confirmLabel="Restore"
      confirmationText={app.name}
      onConfirm={async () => {
        await api.backups.restore(backup.id);
        notifications.show({ message: `Restore of ${app.name} started` });
        await queryClient.invalidateQueries({ queryKey });
      }}
    >
      <Text fz="sm">
        You are about to replace the current data of{' '}
        <Text span inherit fw={650}>
          {app.name}
        </Text>{' '}
        with the backup from {formatDateTime(backup.createdAt)}.
      </Text>
      <List fz="sm" spacing={6}>
        {backup.kind === 'directory' ? (
          <>
            <List.Item>
              The shared directory is replaced; the current one is kept until the restore has succeeded.
            </List.Item>
            <List.Item>Anything written there since the backup is lost.</List.Item>
          </>
        ) : (
          <List.Item>The restore command receives the backup and decides what to replace.</List.Item>
        )}
        <List.Item>The SHA-256 is checked first; if it does not match, nothing is changed.</List.Item>
      </List>
    </ConfirmDialog>
  );
}

export function DeleteBackupDialog({ backup, queryKey, onClose }: BackupDialogProps) {
  const { api } = useWorkspace();
  return (
    <ConfirmDialog
      onClose={onClose}
      title="Delete backup"
      confirmLabel="Delete"
      onConfirm={async () => {
        await api.backups.delete(backup.id);
        notifications.show({ message: 'Backup deleted' });
        await queryClient.invalidateQueries({ queryKey });
      }}
    >
      <Text fz="sm">
        The backup from {formatDateTime(backup.createdAt)} and its stored data are permanently deleted. The app is not
        affected.
      </Text>
    </ConfirmDialog>
  );
}
