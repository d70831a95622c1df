import { Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Server, ServerCheck, ServerResources } from '../../contract/servers.ts';
import { queryClient } from '../api.ts';
import { CodeBlock } from '../components/code-block.tsx';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { ErrorNotice } from '../components/error-message.tsx';
import { IconPlugConnected } from '../components/icons.ts';
import { Notice } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { formatBytes } from '../components/units.ts';
import { useWorkspace } from '../session.ts';
import { computeFingerprint } from './server-form.ts';
import { strings } from './strings.ts';

/** The type and the fingerprint of a public key in OpenSSH format, or the key if its fingerprint cannot be computed. */
export function Fingerprint({ publicKey }: { readonly publicKey: string }) {
  const { data } = useQuery({
    queryKey: ['fingerprint', publicKey],
    queryFn: () => computeFingerprint(publicKey),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const [keyType = '', encodedKey = ''] = publicKey.split(' ');
  return (
    <span className="mono">
      {keyType} {data ?? encodedKey}
    </span>
  );
}

/** Returns the part of the name of an OpenSSH server's key file that names the type of the key. */
function getKeyFileType(hostKey: string): string {
  if (hostKey.startsWith('ssh-ed25519')) return 'ed25519';
  return hostKey.startsWith('ecdsa') ? 'ecdsa' : 'rsa';
}

/**
 * A command that, if run on the host, prints the fingerprint of the host key. If the page cannot compute fingerprints,
 * the command prints the key itself.
 */
function CompareCommand({ hostKey }: { readonly hostKey: string }) {
  const program = globalThis.isSecureContext ? 'ssh-keygen -lf' : 'cat';
  return (
    <CodeBlock label={strings.checkSection.fingerprintCommand}>
      {`${program} /etc/ssh/ssh_host_${getKeyFileType(hostKey)}_key.pub`}
    </CodeBlock>
  );
}

interface UnpinnedHostKeyProps {
  readonly server: Server;
  /** One host key per type, the preferred type first. */
  readonly hostKeys: readonly string[];
  readonly onPinned: () => void;
}

/** The host keys of a server without a pinned key. Asks the user to compare a key before pinning it. */
function UnpinnedHostKey({ server, hostKeys, onPinned }: UnpinnedHostKeyProps) {
  const { api, workspace } = useWorkspace();
  const [chosenKey, setChosenKey] = useState(hostKeys[0] ?? '');
  const pin = useMutation({
    mutationFn: () => api.servers.update(server.id, { hostKey: chosenKey }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: [workspace.id, 'servers'] });
      notifications.show({ message: strings.checkSection.pinned });
      onPinned();
    },
  });
  return (
    <Stack gap="xs">
      {hostKeys.length > 1 && (
        <NativeSelect
          label={strings.checkSection.hostKeyType}
          data={hostKeys.map((hostKey) => ({ value: hostKey, label: hostKey.split(' ')[0] ?? '' }))}
          value={chosenKey}
          onChange={(event) => setChosenKey(event.currentTarget.value)}
        />
      )}
      <Text fz="sm" style={{ overflowWrap: 'anywhere' }}>
        {strings.checkSection.hostPresents(<Fingerprint publicKey={chosenKey} />)}
      </Text>
      <CompareCommand hostKey={chosenKey} />
      {pin.error !== null && <ErrorNotice error={pin.error} />}
      <Group>
        <Button variant="default" loading={pin.isPending} onClick={() => pin.mutate()}>
          {strings.checkSection.pinThisKey}
        </Button>
      </Group>
    </Stack>
  );
}

/**
 * The pinned host key and the different key that the last check received. The user can trust the received key instead.
 */
function ChangedHostKey({ server, receivedKey }: { readonly server: Server; readonly receivedKey: string }) {
  const { api, workspace } = useWorkspace();
  const [isConfirming, setIsConfirming] = useState(false);
  const fingerprints = (
    <DescriptionList
      items={[
        [
          strings.checkSection.pinnedKey,
          server.hostKey === null ? '–' : <Fingerprint key="pinned" publicKey={server.hostKey} />,
        ],
        [strings.checkSection.receivedKey, <Fingerprint key="received" publicKey={receivedKey} />],
      ]}
    />
  );
  return (
    <Stack gap="xs">
      <Notice tone="danger">{strings.checkSection.hostKeyChanged}</Notice>
      {fingerprints}
      <Text fz="sm">{strings.checkSection.compareFirst}</Text>
      <CompareCommand hostKey={receivedKey} />
      <Group>
        <Button variant="default" onClick={() => setIsConfirming(true)}>
          {strings.checkSection.trustTheReceivedKey}
        </Button>
      </Group>
      {isConfirming && (
        <ConfirmDialog
          title={strings.checkSection.trustTheReceivedKey}
          confirmLabel={strings.checkSection.trust}
          onClose={() => setIsConfirming(false)}
          onConfirm={async () => {
            await api.servers.acceptHostKey(server.id, receivedKey);
            await queryClient.invalidateQueries({ queryKey: [workspace.id, 'servers'] });
            notifications.show({ message: strings.checkSection.pinned });
          }}
        >
          {fingerprints}
          <Text fz="sm">{strings.checkSection.trustConsequences(server.name)}</Text>
        </ConfirmDialog>
      )}
    </Stack>
  );
}

/** Free space, memory and load of a server. */
function ServerResourceList({ resources }: { readonly resources: ServerResources }) {
  const { disks, memory, load, cpuCount } = resources;
  return (
    <DescriptionList
      items={[
        ...disks.map(
          ({ directory, freeBytes, totalBytes }) =>
            [
              strings.checkSection.spaceIn(directory),
              strings.checkSection.freeOf(formatBytes(freeBytes), formatBytes(totalBytes)),
            ] as const,
        ),
        memory !== null && [
          strings.checkSection.memory,
          strings.checkSection.freeOf(formatBytes(memory.availableBytes), formatBytes(memory.totalBytes)),
        ],
        load !== null && [strings.checkSection.load, strings.checkSection.loadOf(load, cpuCount)],
      ]}
    />
  );
}

function CheckResult({
  server,
  check,
  onPinned,
}: {
  readonly server: Server;
  readonly check: ServerCheck;
  readonly onPinned: () => void;
}) {
  return (
    <>
      <Notice tone={check.ok ? 'success' : 'danger'}>{check.message}</Notice>
      {check.resources !== null && <ServerResourceList resources={check.resources} />}
      {check.hostKeys.length > 0 && server.hostKey === null && server.kind === 'ssh' && (
        <UnpinnedHostKey server={server} hostKeys={check.hostKeys} onPinned={onPinned} />
      )}
    </>
  );
}

/** Checks the connection, and lets the user pin or replace the host key. For owners and admins. */
export function CheckSection({ server }: { readonly server: Server }) {
  const { api, workspace, isAdmin } = useWorkspace();
  const check = useMutation({
    mutationFn: () => api.servers.check(server.id),
    // The check may have received a different host key.
    onSuccess: () => queryClient.invalidateQueries({ queryKey: [workspace.id, 'servers'] }),
  });
  if (!isAdmin) return null;
  return (
    <Section
      title={strings.checkSection.title}
      description={
        server.kind === 'local' ? strings.checkSection.localDescription : strings.checkSection.sshDescription
      }
      actions={
        <Button
          variant="default"
          leftSection={<IconPlugConnected size={16} />}
          loading={check.isPending}
          onClick={() => check.mutate()}
        >
          {strings.checkSection.checkConnection}
        </Button>
      }
    >
      {check.error !== null && <ErrorNotice error={check.error} />}
      {server.offeredHostKey !== null && <ChangedHostKey server={server} receivedKey={server.offeredHostKey} />}
      {check.data !== undefined && server.offeredHostKey === null && (
        <CheckResult server={server} check={check.data} onPinned={() => check.mutate()} />
      )}
    </Section>
  );
}
