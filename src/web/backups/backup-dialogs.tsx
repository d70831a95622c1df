import { List, NativeSelect, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import type { App } from '../../contract/apps.ts';
import type { Backup } from '../../contract/backups.ts';
import { queryClient } from '../api.ts';
import { useApps, useProjectsAndServers } from '../apps/resource-names.tsx';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { formatDateTime } from '../components/format.ts';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

interface BackupDialogProps {
  readonly backup: Backup;
  /** The key of the query that lists the backups. */
  readonly queryKey: readonly string[];
  readonly onClose: () => void;
}

const toOption = ({ id, name }: { readonly id: string; readonly name: string }) => ({ value: id, label: name });

/** Asks where to restore to, and for the name of the app whose current data the restore replaces. */
export function RestoreBackupDialog({
  app: backedUpApp,
  backup,
  queryKey,
  onClose,
}: BackupDialogProps & { readonly app: App }) {
  const { api } = useWorkspace();
  const otherApps = useApps().filter(({ id }) => id !== backedUpApp.id);
  const { servers } = useProjectsAndServers();
  const [appId, setAppId] = useState(backedUpApp.id);
  const [serverId, setServerId] = useState('');
  const app = otherApps.find(({ id }) => id === appId) ?? backedUpApp;
  const appServer = servers.find(({ id }) => id === app.serverId);
  return (
    <ConfirmDialog
      onClose={onClose}
      title={strings.backupDialogs.restoreTitle}
      confirmLabel={strings.backupDialogs.restore}
      confirmationText={app.name}
      onConfirm={async () => {
        await api.backups.restore(backup.id, undefined, {
          ...(app.id !== backedUpApp.id && { app: app.id }),
          ...(serverId !== '' && { server: serverId }),
        });
        notifications.show({ message: strings.backupDialogs.restoreRequested(app.name) });
        await queryClient.invalidateQueries({ queryKey });
      }}
    >
      <Stack gap="sm">
        <NativeSelect
          label={strings.backupDialogs.appToRestoreInto}
          data={[toOption(backedUpApp), ...otherApps.map(toOption)]}
          value={app.id}
          onChange={(event) => {
            setAppId(event.currentTarget.value);
            setServerId('');
          }}
        />
        <NativeSelect
          label={strings.backupDialogs.serverToRestoreOn}
          description={strings.backupDialogs.serverToRestoreOnDescription}
          data={[
            { value: '', label: strings.backupDialogs.serverOfTheApp(appServer?.name ?? null) },
            ...servers.filter(({ id }) => id !== app.serverId).map(toOption),
          ]}
          value={serverId}
          onChange={(event) => setServerId(event.currentTarget.value)}
        />
      </Stack>
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
