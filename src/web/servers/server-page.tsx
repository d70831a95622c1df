import { Group, Stack } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Server } from '../../contract/servers.ts';
import { AppList } from '../apps/app-list.tsx';
import { CodeBlock } from '../components/code-block.tsx';
import { DescriptionList, resourceItems } from '../components/description-list.tsx';
import { DeleteButton, EditButton } from '../components/edit-delete-buttons.tsx';
import { lazyComponent } from '../components/lazy-component.tsx';
import { Tag } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { NamedResourcePage } from '../components/resource-page.tsx';
import { Section } from '../components/section.tsx';
import { DimmedText, mono } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { CheckSection, Fingerprint } from './check-section.tsx';
import { ConfirmSection } from './confirm-section.tsx';
import { installCommand } from './server-form.ts';

const EditServerDialog = lazyComponent(() => import('./server-dialogs.tsx').then((file) => file.EditServerDialog));
const DeleteServerDialog = lazyComponent(() => import('./server-dialogs.tsx').then((file) => file.DeleteServerDialog));

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
        <DimmedText>Or log in to the server as {server.user} and run:</DimmedText>
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
  const { kind, host, port, user, hostKey, publicKey, id } = server;
  const isSsh = kind === 'ssh';
  return (
    <Page
      title={server.name}
      description={isSsh ? `${user}@${host}, port ${port}` : 'The machine Devpilot runs on, as the same user.'}
      actions={
        isAdmin && (
          <Group gap="xs">
            <EditButton onClick={() => setDialog('edit')} />
            <DeleteButton onClick={() => setDialog('delete')} />
          </Group>
        )
      }
    >
      <ConfirmSection server={server} />
      {publicKey !== null && <PublicKey server={server} publicKey={publicKey} />}
      <CheckSection server={server} />
      <Section title="Apps on this server">
        <AppList filter={{ server: id }} emptyText="No apps use this server." />
      </Section>
      <Section title="Details">
        <DescriptionList
          items={[
            ['Kind', isSsh ? 'SSH' : 'Local'],
            isSsh && ['Host', mono(host)],
            isSsh && ['Port', port],
            isSsh && ['User', mono(user)],
            isSsh && [
              'Host key',
              hostKey === null ? (
                <Tag key="hostKey" tone="warn">
                  Not pinned
                </Tag>
              ) : (
                <Fingerprint key="hostKey" publicKey={hostKey} />
              ),
            ],
            ...resourceItems(server),
          ]}
        />
      </Section>
      {dialog === 'edit' && <EditServerDialog server={server} onClose={close} />}
      {dialog === 'delete' && (
        <DeleteServerDialog
          server={server}
          onClose={close}
          onDeleted={() => void navigate({ to: '/servers', search: {} })}
        />
      )}
    </Page>
  );
}

/** The page of a server: the key to install, the connection test, and its apps. */
export function ServerPage() {
  const { api } = useWorkspace();
  return (
    <NamedResourcePage noun="server" get={api.servers.get}>
      {(server) => <ServerDetails server={server} />}
    </NamedResourcePage>
  );
}
