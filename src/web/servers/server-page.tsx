import { Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import type { Server } from '../../contract/servers.ts';
import { AppList } from '../apps/app-list.tsx';
import { CodeBlock } from '../components/code-block.tsx';
import { CopyableId } from '../components/copyable-id.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { EditDeleteButtons } from '../components/edit-delete-buttons.tsx';
import { BackLink } from '../components/link.tsx';
import { Tag } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { ResourcePage } from '../components/resource-page.tsx';
import { Section } from '../components/section.tsx';
import { importWhenOnline } from '../connection.ts';
import { useWorkspace } from '../session.ts';
import { CheckSection, Fingerprint } from './check-section.tsx';
import { ConfirmSection } from './confirm-section.tsx';
import { installCommand } from './server-form.ts';

const importDialogs = () => importWhenOnline(() => import('./server-dialogs.tsx'));
const EditServerDialog = lazy(async () => ({ default: (await importDialogs()).EditServerDialog }));
const DeleteServerDialog = lazy(async () => ({ default: (await importDialogs()).DeleteServerDialog }));

function PublicKey({ server, publicKey }: { readonly server: Server; readonly publicKey: string }) {
  return (
    <Section
      title="Devpilot's public key"
      description={`Install it for user ${server.user} on ${server.host}. The private key stays encrypted in Devpilot.`}
    >
      <CodeBlock label="Public key" copyLabel="Copy key">
        {publicKey}
      </CodeBlock>
      <Stack gap={6}>
        <Text fz="sm" c="dimmed">
          Or log in to the server as {server.user} and run:
        </Text>
        <CodeBlock label="Command that installs the key" copyLabel="Copy command">
          {installCommand(publicKey)}
        </CodeBlock>
      </Stack>
    </Section>
  );
}

function ServerDetails({ server }: { readonly server: Server }) {
  const { isAdmin } = useWorkspace();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<'edit' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const { kind, host, port, user, hostKey, publicKey, slug, createdAt, updatedAt, id } = server;
  return (
    <Page
      title={server.name}
      description={
        kind === 'local' ? 'The machine Devpilot runs on, as the same user.' : `${user}@${host}, port ${port}`
      }
      actions={
        isAdmin && (
          <Group gap="xs">
            <EditDeleteButtons onEdit={() => setDialog('edit')} onDelete={() => setDialog('delete')} />
          </Group>
        )
      }
    >
      <ConfirmSection server={server} />
      {publicKey !== null && <PublicKey server={server} publicKey={publicKey} />}
      <CheckSection server={server} />
      <Section title="Apps on this server">
        <AppList query={{ server: id }} emptyText="No apps use this server." />
      </Section>
      <Section title="Details">
        <DescriptionList
          items={[
            ['Kind', kind === 'ssh' ? 'SSH' : 'Local'],
            ...(kind === 'ssh'
              ? [
                  [
                    'Host',
                    <span key="host" className="mono">
                      {host}
                    </span>,
                  ] as const,
                  ['Port', port] as const,
                  [
                    'User',
                    <span key="user" className="mono">
                      {user}
                    </span>,
                  ] as const,
                  [
                    'Host key',
                    hostKey === null ? (
                      <Tag key="key" tone="warn">
                        Not pinned
                      </Tag>
                    ) : (
                      <Fingerprint key="key" publicKey={hostKey} />
                    ),
                  ] as const,
                ]
              : []),
            [
              'Slug',
              <span key="slug" className="mono">
                {slug}
              </span>,
            ],
            ['Created', <RelativeTime key="created" time={createdAt} />],
            ['Updated', <RelativeTime key="changed" time={updatedAt} />],
            ['ID', <CopyableId key="id" id={id} />],
          ]}
        />
      </Section>
      <Suspense fallback={null}>
        {dialog === 'edit' && <EditServerDialog server={server} onClose={close} />}
        {dialog === 'delete' && (
          <DeleteServerDialog
            server={server}
            onClose={close}
            onDeleted={() => void navigate({ to: '/servers', search: {} })}
          />
        )}
      </Suspense>
    </Page>
  );
}

/** The page of a server: the key to install, the connection test, and its apps. */
export function ServerPage() {
  const { api, workspace } = useWorkspace();
  const { server: id = '' } = useParams({ strict: false });
  const query = useQuery({
    queryKey: [workspace.id, 'servers', id],
    queryFn: ({ signal }) => api.servers.get(id, { signal }),
  });
  return (
    <ResourcePage noun="server" title="Server" backLink={<BackLink to="/servers">Servers</BackLink>} query={query}>
      {(server) => <ServerDetails server={server} />}
    </ResourcePage>
  );
}
