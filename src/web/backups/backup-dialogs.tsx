import { List, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { App } from '../../contract/apps.ts';
import type { Backup } from '../../contract/backups.ts';
import { queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { formatDateTime } from '../components/format.ts';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

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
      title={strings.backupDialogs.restoreTitle}
      confirmLabel={strings.backupDialogs.restore}
      confirmationText={app.name}
      onConfirm={async () => {
        await api.backups.restore(backup.id);
        notifications.show({ message: strings.backupDialogs.restoreStarted(app.name) });
        await queryClient.invalidateQueries({ queryKey });
      }}
    >
      <Text fz="sm">
        {strings.backupDialogs.restoreConsequences(
          <Text span inherit fw={650}>
            {app.name}
          </Text>,
          formatDateTime(backup.createdAt),
        )}
      </Text>
      <List fz="sm" spacing={6}>
        {backup.kind === 'directory' ? (
          <>
            <List.Item>{strings.backupDialogs.directoryIsReplaced}</List.Item>
            <List.Item>{strings.backupDialogs.laterDataIsLost}</List.Item>
          </>
        ) : (
          <List.Item>{strings.backupDialogs.commandDecides}</List.Item>
        )}
        <List.Item>{strings.backupDialogs.hashIsChecked}</List.Item>
      </List>
    </ConfirmDialog>
  );
}

export function DeleteBackupDialog({ backup, queryKey, onClose }: BackupDialogProps) {
  const { api } = useWorkspace();
  return (
    <ConfirmDialog
      onClose={onClose}
      title={strings.backupDialogs.deleteTitle}
      confirmLabel={strings.backupDialogs.delete}
      onConfirm={async () => {
        await api.backups.delete(backup.id);
        notifications.show({ message: strings.backupDialogs.deleted });
        await queryClient.invalidateQueries({ queryKey });
      }}
    >
      <Text fz="sm">{strings.backupDialogs.deleteConsequences(formatDateTime(backup.createdAt))}</Text>
    </ConfirmDialog>
  );
}
