import { Button, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import type { Script } from '../../contract/scripts.ts';
import { useResourceNames } from '../apps/resource-names.ts';
import type { Column } from '../components/data-table.tsx';
import { SelectFilter } from '../components/filters.tsx';
import { IconPlayerPlay, IconTerminal2 } from '../components/icons.ts';
import { NameLink, TextLink } from '../components/link.tsx';
import { getResourceSort, useListState } from '../components/list-state.ts';
import { RelativeTime } from '../components/relative-time.tsx';
import { ResourceListPage } from '../components/resource-list-page.tsx';
import { importWhenOnline } from '../connection.ts';
import { useWorkspace } from '../session.ts';

const RunDialog = lazy(async () => ({ default: (await importWhenOnline(() => import('./run-dialog.tsx'))).RunDialog }));
const DeleteScriptDialog = lazy(async () => ({
  default: (await importWhenOnline(() => import('./delete-script-dialog.tsx'))).DeleteScriptDialog,
}));

/** The scripts of the workspace. Owners and admins edit them; every member can run them. */
export function ScriptsPage() {
  const { api, workspace } = useWorkspace();
  const navigate = useNavigate();
  const state = useListState();
  const names = useResourceNames();
  const [running, setRunning] = useState<Script | null>(null);
  const query = { q: state.get('q'), server: state.get('server'), sort: getResourceSort(state), cursor: state.cursor };
  const list = useQuery({
    queryKey: [workspace.id, 'scripts', 'list', query],
    queryFn: ({ signal }) => api.scripts.list(query, { signal }),
    placeholderData: keepPreviousData,
  });
  const hasServers = names.isPending || names.servers.length > 0;
  const columns: readonly Column<Script>[] = [
    {
      key: 'name',
      label: 'Name',
      sort: 'name',
      cell: ({ id, name, description }) => (
        <>
          <NameLink to="/scripts/$script" params={{ script: id }}>
            {name}
          </NameLink>
          {description !== null && (
            <Text fz="xs" c="dimmed" lineClamp={2} maw={380}>
              {description}
            </Text>
          )}
        </>
      ),
    },
    {
      key: 'server',
      label: 'Server',
      cell: ({ serverId }) => (
        <TextLink to="/servers/$server" params={{ server: serverId }}>
          {names.serverName(serverId) ?? serverId}
        </TextLink>
      ),
    },
    {
      key: 'schedule',
      label: 'Schedule',
      cell: ({ schedule, nextRunAt }) =>
        schedule === null ? (
          '–'
        ) : (
          <>
            <span className="mono">{schedule}</span>
            {nextRunAt !== null && (
              <Text fz="xs" c="dimmed" component="div">
                <RelativeTime time={nextRunAt} prefix="next " />
              </Text>
            )}
          </>
        ),
    },
    { key: 'changed', label: 'Updated', cell: ({ updatedAt }) => <RelativeTime time={updatedAt} /> },
    {
      key: 'run',
      label: 'Run',
      cell: (script) => (
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconPlayerPlay size={14} />}
          onClick={() => setRunning(script)}
        >
          Run…<span className="visually-hidden"> {script.name}</span>
        </Button>
      ),
    },
  ];
  return (
    <>
      <ResourceListPage
        title="Scripts"
        plural="scripts"
        description="Scripts run on a server on demand, from a pipeline or on a schedule. Owners and admins write scripts; all members can run them."
        icon={<IconTerminal2 size={26} />}
        createLabel="New script"
        emptyHint={
          hasServers ? (
            'A script has a server, an interpreter, and parameters that are passed as environment variables.'
          ) : (
            <>
              A script runs on a server, and this workspace has none yet.{' '}
              <TextLink to="/servers">Add a server first.</TextLink>
            </>
          )
        }
        canCreate={hasServers}
        list={list}
        columns={columns}
        state={state}
        filters={['q', 'server']}
        filterControls={
          <SelectFilter
            state={state}
            name="server"
            label="Server"
            anyLabel="Any server"
            options={names.servers.map(({ id, name }) => ({ value: id, label: name }))}
          />
        }
        onCreate={() => void navigate({ to: '/scripts/new', search: {} })}
        onEdit={({ id }) => void navigate({ to: '/scripts/$script/edit', params: { script: id }, search: {} })}
        renderDeleteDialog={(script, close) => <DeleteScriptDialog script={script} onClose={close} />}
      />
      <Suspense fallback={null}>
        {running !== null && <RunDialog script={running} onClose={() => setRunning(null)} />}
      </Suspense>
    </>
  );
}
