import { Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { lazy } from 'react';
import type { Server } from '../../contract/servers.ts';
import type { Column } from '../components/data-table.tsx';
import { IconServer } from '../components/icons.ts';
import { NameLink } from '../components/link.tsx';
import { getResourceSort, useListState } from '../components/list-state.ts';
import { Tag } from '../components/notice.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { ResourceListPage } from '../components/resource-list-page.tsx';
import { importWhenOnline } from '../connection.ts';
import { useWorkspace } from '../session.ts';

const importDialogs = () => importWhenOnline(() => import('./server-dialogs.tsx'));
const CreateServerDialog = lazy(async () => ({ default: (await importDialogs()).CreateServerDialog }));
const EditServerDialog = lazy(async () => ({ default: (await importDialogs()).EditServerDialog }));
const DeleteServerDialog = lazy(async () => ({ default: (await importDialogs()).DeleteServerDialog }));

/** Formats a server's address as for the `ssh` command. */
function formatSshAddress({ user, host, port }: Server): string {
  return `${user}@${host}${port === 22 ? '' : `:${port}`}`;
}

const COLUMNS: readonly Column<Server>[] = [
  {
    key: 'name',
    label: 'Name',
    sort: 'name',
    cell: ({ id, name, slug }) => (
      <>
        <NameLink to="/servers/$server" params={{ server: id }}>
          {name}
        </NameLink>
        <Text component="div" className="mono" c="dimmed">
          {slug}
        </Text>
      </>
    ),
  },
  {
    key: 'address',
    label: 'Address',
    cell: (server) => (server.kind === 'local' ? 'Local' : <span className="mono">{formatSshAddress(server)}</span>),
  },
  {
    key: 'hostKey',
    label: 'Host key',
    cell: ({ kind, hostKey }) =>
      kind === 'local' ? '–' : hostKey === null ? <Tag tone="warn">Not pinned</Tag> : <Tag tone="good">Pinned</Tag>,
  },
  {
    key: 'confirmed',
    label: 'Confirmed',
    cell: ({ confirmed }) => (confirmed ? <Tag tone="good">Yes</Tag> : <Tag tone="warn">No</Tag>),
  },
  { key: 'created', label: 'Created', sort: 'createdAt', cell: ({ createdAt }) => <RelativeTime time={createdAt} /> },
];

export function ServersPage() {
  const { api, workspace } = useWorkspace();
  const navigate = useNavigate();
  const state = useListState();
  const query = { q: state.get('q'), sort: getResourceSort(state), cursor: state.cursor };
  const list = useQuery({
    queryKey: [workspace.id, 'servers', 'list', query],
    queryFn: ({ signal }) => api.servers.list(query, { signal }),
    placeholderData: keepPreviousData,
  });
  return (
    <ResourceListPage
      title="Servers"
      plural="servers"
      description="The machines apps are deployed to. Devpilot generates a key pair for each and shows only the public key."
      icon={<IconServer size={26} />}
      createLabel="New server"
      emptyHint="Add a machine that runs an SSH server, install the public key shown there, and check the connection."
      list={list}
      columns={COLUMNS}
      state={state}
      filters={['q']}
      renderCreateDialog={(close) => (
        <CreateServerDialog
          onClose={close}
          onCreated={({ id }) => void navigate({ to: '/servers/$server', params: { server: id }, search: {} })}
        />
      )}
      renderEditDialog={(server, close) => <EditServerDialog server={server} onClose={close} />}
      renderDeleteDialog={(server, close) => <DeleteServerDialog server={server} onClose={close} />}
    />
  );
}
