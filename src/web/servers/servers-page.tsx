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
import { formatSshAddress } from './server-form.ts';
import { strings } from './strings.ts';

const CreateServerDialog = lazyComponent(() => import('./server-dialogs.tsx').then((file) => file.CreateServerDialog));
const EditServerDialog = lazyComponent(() => import('./server-dialogs.tsx').then((file) => file.EditServerDialog));
const DeleteServerDialog = lazyComponent(() => import('./server-dialogs.tsx').then((file) => file.DeleteServerDialog));

const COLUMNS: readonly Column<Server>[] = [
  nameColumn('/servers/$server', 'server', ({ slug }) => mono(slug)),
  {
    key: 'address',
    label: strings.serversPage.address,
    cell: (server) => (server.kind === 'local' ? strings.serversPage.local : mono(formatSshAddress(server))),
  },
  {
    key: 'hostKey',
    label: strings.serversPage.hostKey,
    cell: ({ kind, hostKey }) => {
      if (kind === 'local') return '–';
      return hostKey === null ? (
        <Tag tone="warning">{strings.serversPage.notPinned}</Tag>
      ) : (
        <Tag tone="success">{strings.serversPage.pinned}</Tag>
      );
    },
  },
  {
    key: 'confirmed',
    label: strings.serversPage.confirmed,
    cell: ({ confirmed }) =>
      confirmed ? (
        <Tag tone="success">{strings.serversPage.yes}</Tag>
      ) : (
        <Tag tone="warning">{strings.serversPage.no}</Tag>
      ),
  },
  CREATED_COLUMN,
];

export function ServersPage() {
  const { api } = useWorkspace();
  const navigate = useNavigate();
  return (
    <ResourceListPage
      noun="server"
      description={strings.serversPage.description}
      icon={<IconServer size={26} />}
      emptyHint={strings.serversPage.emptyHint}
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
