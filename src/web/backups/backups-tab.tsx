import { Button, Group, Menu, Stack, Text, Tooltip } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Backup } from '../../contract/backups.ts';
import type { App } from '../../contract/resources.ts';
import { messageOf, queryClient } from '../api.ts';
import { useAppQuery } from '../apps/app-query.ts';
import type { Column } from '../components/data-table.tsx';
import { exactTime } from '../components/format.ts';
import { IconArchive, IconArrowBackUp, IconPlus } from '../components/icons.ts';
import { TextLink } from '../components/link.tsx';
import { ListBody } from '../components/list-body.tsx';
import { useListState } from '../components/list-state.ts';
import { RowMenu } from '../components/row-menu.tsx';
import { EmptyState } from '../components/states.tsx';
import { Ago } from '../components/time.tsx';
import { useWorkspace } from '../session.ts';
import { sizeText } from '../work/duration.ts';
import { Duration, makerName } from '../work/facts.tsx';
import { isUnderWay, statusLabel, WorkTag } from '../work/status.tsx';
import { DeleteBackup, RestoreBackup } from './dialogs.tsx';

const POLL_EVERY = 2000;

function Outcome({ backup }: { readonly backup: Backup }) {
  const { status, error, lastRestore } = backup;
  return (
    <div>
      <WorkTag status={status} />
      {error !== null && (
        <Text fz="xs" c="var(--app-bad)" maw={300} style={{ overflowWrap: 'anywhere' }}>
          {error}
        </Text>
      )}
      {lastRestore !== null && (
        <Text fz="xs" c="dimmed" component="div" maw={300}>
          Restore by {makerName(lastRestore.createdBy)}: {statusLabel(lastRestore.status).toLowerCase()}
          {lastRestore.finishedAt !== null && (
            <>
              {' '}
              <Ago at={lastRestore.finishedAt} />
            </>
          )}
          {lastRestore.error !== null && `: ${lastRestore.error}`}
        </Text>
      )}
    </div>
  );
}

const COLUMNS: readonly Column<Backup>[] = [
  {
    key: 'made',
    label: 'Backup',
    cell: ({ createdAt, createdBy, kind }) => (
      <>
        <Text fz="sm" fw={600} component="div">
          <Tooltip label={exactTime(createdAt)}>
            <span>{exactTime(createdAt).replace(/:\d\d /, ' ')}</span>
          </Tooltip>
        </Text>
        <Text fz="xs" c="dimmed">
          {kind === 'directory' ? 'The shared directory' : 'What the command wrote'}, by {makerName(createdBy)}
        </Text>
      </>
    ),
  },
  { key: 'status', label: 'Status', cell: (backup) => <Outcome backup={backup} /> },
  {
    key: 'size',
    label: 'Size',
    align: 'right',
    cell: ({ sizeBytes }) => (sizeBytes === null ? '–' : sizeText(sizeBytes)),
  },
  { key: 'took', label: 'Took', cell: (backup) => <Duration {...backup} /> },
  {
    key: 'sha',
    label: 'SHA-256',
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

type Dialog = { readonly restore: Backup } | { readonly remove: Backup };

function Backups({ app }: { readonly app: App }) {
  const { api, workspace, isAdmin } = useWorkspace();
  const state = useListState();
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const close = () => setDialog(null);
  const key = [workspace.id, 'backups', app.id];
  const list = useQuery({
    queryKey: [...key, state.cursor],
    queryFn: ({ signal }) => api.backups.of(app.id).list({ limit: 20, cursor: state.cursor }, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: (query) =>
      query.state.data?.data.some(({ status }) => isUnderWay(status)) === true ? POLL_EVERY : 10 * POLL_EVERY,
  });
  const create = useMutation({
    mutationFn: () => api.backups.create(app.id),
    onSuccess: () => notifications.show({ message: `A backup of ${app.name} is on its way.` }),
    onError: (error) => notifications.show({ color: 'red', message: messageOf(error) }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: key }),
  });
  const canBackUp = app.serverId !== null && app.directory !== null;
  const button = canBackUp && (
    <Button leftSection={<IconPlus size={16} />} loading={create.isPending} onClick={() => create.mutate()}>
      Back up now
    </Button>
  );
  const nothingYet = list.data?.data.length === 0 && !state.isPaged;
  return (
    <Stack gap="md">
      {!nothingYet && (
        <Group justify="space-between" gap="sm">
          <Text fz="sm" c="dimmed" maw={640}>
            A backup is checked against its SHA-256 before a restore touches anything.
            {app.backup?.schedule != null && ` One is made on the schedule ${app.backup.schedule} (UTC).`}
          </Text>
          {button}
        </Group>
      )}
      <ListBody
        label="Backups"
        list={list}
        columns={COLUMNS}
        state={state}
        rows={4}
        rowName={({ createdAt }) => exactTime(createdAt)}
        filtered={state.isPaged}
        tools={
          isAdmin
            ? (backup) => (
                <RowMenu
                  name={`the backup of ${exactTime(backup.createdAt)}`}
                  onDelete={() => setDialog({ remove: backup })}
                >
                  {backup.sha256 !== null && (
                    <Menu.Item
                      leftSection={<IconArrowBackUp size={16} />}
                      onClick={() => setDialog({ restore: backup })}
                    >
                      Restore…
                    </Menu.Item>
                  )}
                </RowMenu>
              )
            : undefined
        }
        empty={
          <EmptyState icon={<IconArchive size={26} />} title="No backups yet" action={button}>
            <Text c="dimmed" fz="sm">
              {canBackUp
                ? 'A backup holds what the backup command writes or, without one, the shared directory.'
                : 'An app needs a server and a directory before it can be backed up.'}{' '}
              {isAdmin && (
                <TextLink to="/apps/$app/settings" params={{ app: app.id }}>
                  Command, schedule and what is kept are in its settings.
                </TextLink>
              )}
            </Text>
          </EmptyState>
        }
      />
      {dialog !== null && 'restore' in dialog && (
        <RestoreBackup app={app} backup={dialog.restore} queryKey={key} onClose={close} />
      )}
      {dialog !== null && 'remove' in dialog && <DeleteBackup backup={dialog.remove} queryKey={key} onClose={close} />}
    </Stack>
  );
}

/** The backups of an app: made by every member, restored and deleted by owners and admins. */
export function BackupsTab() {
  const { data: app } = useAppQuery();
  return app === undefined ? null : <Backups key={app.id} app={app} />;
}
