import { Button, Group, Stack, Text, Tooltip } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { App } from '../../contract/apps.ts';
import type { Backup } from '../../contract/backups.ts';
import { queryClient } from '../api.ts';
import { useAppQuery } from '../apps/app-query.ts';
import { AppLink } from '../apps/resource-names.tsx';
import { actorName } from '../components/actor-name.ts';
import type { Column } from '../components/data-table.tsx';
import { Duration } from '../components/duration.tsx';
import { formatDateTime } from '../components/format.ts';
import { IconArchive, IconArrowBackUp, IconDownload, IconPlus, IconShieldCheck } from '../components/icons.ts';
import { JobStatusTag, jobStatusLabel } from '../components/job-status.tsx';
import { TextLink } from '../components/link.tsx';
import { ListBody } from '../components/list-body.tsx';
import { useListState } from '../components/list-state.ts';
import { notifyError } from '../components/notify-error.ts';
import { RelativeTime } from '../components/relative-time.tsx';
import { deleteAction, RowMenu } from '../components/row-menu.tsx';
import { EmptyState } from '../components/states.tsx';
import { toPlainText } from '../components/terminal-text.ts';
import { formatBytes } from '../components/units.ts';
import { jobPolling, useList } from '../components/use-list.ts';
import { useWorkspace } from '../session.ts';
import { DeleteBackupDialog, RestoreBackupDialog } from './backup-dialogs.tsx';
import { strings } from './strings.ts';

function BackupOutcome({ backup }: { readonly backup: Backup }) {
  const { status, error, lastRestore, lastVerification } = backup;
  return (
    <div>
      <JobStatusTag status={status} />
      {error !== null && (
        <Text fz="xs" c="var(--app-danger)" maw={300} style={{ overflowWrap: 'anywhere' }}>
          {toPlainText(error)}
        </Text>
      )}
      {lastRestore !== null && (
        <Text fz="xs" c="dimmed" component="div" maw={300}>
          {strings.backupsTab.restore({
            into: lastRestore.appId === backup.appId ? null : <AppLink id={lastRestore.appId} />,
            name: actorName(lastRestore.createdBy),
            status: jobStatusLabel(lastRestore.status).toLowerCase(),
            finished: lastRestore.finishedAt === null ? null : <RelativeTime time={lastRestore.finishedAt} withTime />,
            error: lastRestore.error,
          })}
        </Text>
      )}
      {lastVerification !== null && (
        <Text
          fz="xs"
          c={lastVerification.error === null ? 'dimmed' : 'var(--app-danger)'}
          component="div"
          maw={300}
          style={{ overflowWrap: 'anywhere' }}
        >
          {strings.backupsTab.verification({
            status: jobStatusLabel(lastVerification.status).toLowerCase(),
            method: lastVerification.method,
            time:
              lastVerification.finishedAt === null ? null : (
                <RelativeTime time={lastVerification.finishedAt} withTime />
              ),
            error: lastVerification.error === null ? null : toPlainText(lastVerification.error),
          })}
        </Text>
      )}
    </div>
  );
}

const COLUMNS: readonly Column<Backup>[] = [
  {
    key: 'created',
    label: strings.backupsTab.columns.backup,
    cell: ({ createdAt, createdBy, kind }) => (
      <>
        <Text fz="sm" fw={600} component="div">
          <Tooltip label={formatDateTime(createdAt)}>
            <span>{formatDateTime(createdAt).replace(/:\d\d /, ' ')}</span>
          </Tooltip>
        </Text>
        <Text fz="xs" c="dimmed">
          {strings.backupsTab.origin(kind, actorName(createdBy))}
        </Text>
      </>
    ),
  },
  { key: 'status', label: strings.backupsTab.columns.status, cell: (backup) => <BackupOutcome backup={backup} /> },
  {
    key: 'size',
    label: strings.backupsTab.columns.size,
    align: 'right',
    cell: ({ sizeBytes }) => (sizeBytes === null ? '–' : formatBytes(sizeBytes)),
  },
  { key: 'duration', label: strings.backupsTab.columns.duration, cell: (backup) => <Duration {...backup} /> },
  {
    key: 'sha',
    label: strings.backupsTab.columns.sha256,
    cell: ({ sha256 }) =>
      sha256 === null ? (
        '–'
      ) : (
        <Tooltip label={sha256}>
          <span className="mono">{sha256.slice(0, 12)}…</span>
        </Tooltip>
      ),
  },
];

type OpenDialog = { readonly restore: Backup } | { readonly remove: Backup };

interface BackupMenuProps {
  readonly backup: Backup;
  readonly onVerify: () => void;
  readonly onOpen: (dialog: OpenDialog) => void;
}

function BackupMenu({ backup, onVerify, onOpen }: BackupMenuProps) {
  return (
    <RowMenu
      name={strings.backupsTab.theBackupFrom(formatDateTime(backup.createdAt))}
      actions={[
        backup.sha256 !== null && {
          label: strings.backupsTab.downloadAction,
          Icon: IconDownload,
          onSelect: () => window.location.assign(`/v1/backups/${backup.id}/download`),
        },
        backup.sha256 !== null && {
          label: strings.backupsTab.verifyAction,
          Icon: IconShieldCheck,
          onSelect: onVerify,
        },
        backup.sha256 !== null && {
          label: strings.backupsTab.restoreAction,
          Icon: IconArrowBackUp,
          onSelect: () => onOpen({ restore: backup }),
        },
        deleteAction(() => onOpen({ remove: backup })),
      ]}
    />
  );
}

interface AppBackupsProps {
  readonly app: App;
  /** The key of the query that lists the backups. */
  readonly queryKey: readonly string[];
}

const canBackUp = (app: App) => app.serverId !== null && app.directory !== null;

/** Requests a backup. Renders nothing for an app that cannot be backed up. */
function BackUpButton({ app, queryKey }: AppBackupsProps) {
  const { api } = useWorkspace();
  const create = useMutation({
    mutationFn: () => api.backups.create(app.id),
    onSuccess: () => notifications.show({ message: strings.backupsTab.requested(app.name) }),
    onError: notifyError,
    onSettled: () => queryClient.invalidateQueries({ queryKey }),
  });
  if (!canBackUp(app)) return null;
  return (
    <Button leftSection={<IconPlus size={16} />} loading={create.isPending} onClick={() => create.mutate()}>
      {strings.backupsTab.backUpNow}
    </Button>
  );
}

function NoBackups({ app, queryKey }: AppBackupsProps) {
  const { isAdmin } = useWorkspace();
  return (
    <EmptyState
      icon={<IconArchive size={26} />}
      title={strings.backupsTab.noBackupsYetTitle}
      action={canBackUp(app) && <BackUpButton app={app} queryKey={queryKey} />}
    >
      {canBackUp(app) ? strings.backupsTab.whatIsBackedUp : strings.backupsTab.needsServerAndDirectory}{' '}
      {isAdmin && (
        <TextLink to="/apps/$app/settings" params={{ app: app.id }}>
          {canBackUp(app) ? strings.backupsTab.setCommandInSettings : strings.backupsTab.setServerInSettings}
        </TextLink>
      )}
    </EmptyState>
  );
}

function BackupList({ app }: { readonly app: App }) {
  const { api, workspace, isAdmin } = useWorkspace();
  const state = useListState();
  const [dialog, setDialog] = useState<OpenDialog | null>(null);
  const close = () => setDialog(null);
  const queryKey = [workspace.id, 'backups', app.id];
  const list = useList(queryKey, api.backups.of(app.id).list, { limit: 20, cursor: state.cursor }, jobPolling);
  const verify = useMutation({
    mutationFn: (backup: Backup) => api.backups.verify(backup.id),
    onSuccess: () => notifications.show({ message: strings.backupsTab.verificationRequested(app.name) }),
    onError: notifyError,
    onSettled: () => queryClient.invalidateQueries({ queryKey }),
  });
  const isEmpty = list.data?.data.length === 0 && !state.isLaterPage;
  return (
    <Stack gap="md">
      {!isEmpty && (
        <Group justify="space-between" gap="sm">
          <Text fz="sm" c="dimmed" maw={640}>
            {strings.backupsTab.introduction(app.backup?.schedule ?? null)}
          </Text>
          <BackUpButton app={app} queryKey={queryKey} />
        </Group>
      )}
      <ListBody
        label={strings.backupsTab.backups}
        list={list}
        columns={COLUMNS}
        state={state}
        placeholderRows={4}
        rowName={({ createdAt }) => formatDateTime(createdAt)}
        isFiltered={state.isLaterPage}
        renderRowActions={
          isAdmin
            ? (backup) => <BackupMenu backup={backup} onVerify={() => verify.mutate(backup)} onOpen={setDialog} />
            : undefined
        }
        empty={<NoBackups app={app} queryKey={queryKey} />}
      />
      {dialog !== null && 'restore' in dialog && (
        <RestoreBackupDialog app={app} backup={dialog.restore} queryKey={queryKey} onClose={close} />
      )}
      {dialog !== null && 'remove' in dialog && (
        <DeleteBackupDialog backup={dialog.remove} queryKey={queryKey} onClose={close} />
      )}
    </Stack>
  );
}

/**
 * The backups of an app. Every member can create one. Owners and admins can also download, verify, restore and delete
 * them.
 */
export function BackupsTab() {
  const { data: app } = useAppQuery();
  return app === undefined ? null : <BackupList key={app.id} app={app} />;
}
