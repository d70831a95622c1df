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
import { strings } from './strings.ts';

const EditServerDialog = lazyComponent(() => import('./server-dialogs.tsx').then((file) => file.EditServerDialog));
const DeleteServerDialog = lazyComponent(() => import('./server-dialogs.tsx').then((file) => file.DeleteServerDialog));

function PublicKey({ server, publicKey }: { readonly server: Server; readonly publicKey: string }) {
  return (
    <Section
      title={strings.serverPage.publicKeyTitle}
      description={strings.serverPage.publicKeyDescription(server.user, server.host)}
    >
      <CodeBlock label={strings.serverPage.publicKey} copyLabel={strings.serverPage.copyKey}>
        {publicKey}
      </CodeBlock>
      <Stack gap={6}>
        <DimmedText>{strings.serverPage.orLogIn(server.user)}</DimmedText>
        <CodeBlock label={strings.serverPage.installCommand} copyLabel={strings.serverPage.copyCommand}>
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
      description={isSsh ? strings.serverPage.addressWithPort(user, host, port) : strings.serverPage.localDescription}
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
      <Section title={strings.serverPage.appsOnThisServerTitle}>
        <AppList filter={{ server: id }} emptyText={strings.serverPage.emptyText} />
      </Section>
      <Section title={strings.serverPage.detailsTitle}>
        <DescriptionList
          items={[
            [strings.serverPage.items.kind, isSsh ? strings.serverPage.ssh : strings.serverPage.local],
            isSsh && [strings.serverPage.items.host, mono(host)],
            isSsh && [strings.serverPage.items.port, port],
            isSsh && [strings.serverPage.items.user, mono(user)],
            isSsh && [
              strings.serverPage.items.hostKey,
              hostKey === null ? (
                <Tag key="hostKey" tone="warning">
                  {strings.serverPage.notPinned}
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

/**
 * The page of a server: its confirmation, the public key to install, the connection check, its apps and its details.
 */
export function ServerPage() {
  const { api } = useWorkspace();
  return (
    <NamedResourcePage noun="server" get={api.servers.get}>
      {(server) => <ServerDetails server={server} />}
    </NamedResourcePage>
  );
}
