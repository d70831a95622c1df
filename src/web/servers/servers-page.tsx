import { useNavigate } from '@tanstack/react-router';
import type { Server } from '../../contract/servers.ts';
import { CREATED_COLUMN, nameColumn } from '../components/columns.tsx';
import type { Column } from '../components/data-table.tsx';
import { IconServer } from '../components/icons.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { Tag } from '../components/notice.tsx';
import { ResourceListPage } from '../components/resource-list-page.tsx';
import { mono } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';

const CreateServerDialog = lazyComponent(() => import('./server-dialogs.tsx').then((file) => file.CreateServerDialog));
const EditServerDialog = lazyComponent(() => import('./server-dialogs.tsx').then((file) => file.EditServerDialog));
const DeleteServerDialog = lazyComponent(() => import('./server-dialogs.tsx').then((file) => file.DeleteServerDialog));

/** Formats a server's address as for the `ssh` command. */
function formatSshAddress({ user, host, port }: Server): string {
  return `${user}@${host}${port === 22 ? '' : `:${port}`}`;
}

const COLUMNS: readonly Column<Server>[] = [
  nameColumn('/servers/$server', 'server', ({ slug }) => mono(slug)),
  {
    key: 'address',
    label: 'Address',
    cell: (server) => (server.kind === 'local' ? 'Local' : mono(formatSshAddress(server))),
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
  CREATED_COLUMN,
];

export function ServersPage() {
  const { api } = useWorkspace();
  const navigate = useNavigate();
  return (
    <ResourceListPage
      noun="server"
      description="The machines apps are deployed to. Devpilot generates a key pair for each and shows only the public key."
      icon={<IconServer size={26} />}
      emptyHint="Add a machine that runs an SSH server, install the public key shown there, and check the connection."
      list={api.servers.list}
      columns={COLUMNS}
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
