import { Button, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import type { Server, ServerCheck } from '../../contract/servers.ts';
import { queryClient } from '../api.ts';
import { CodeBlock } from '../components/code-block.tsx';
import { ErrorNotice } from '../components/error-message.tsx';
import { IconPlugConnected } from '../components/icons.ts';
import { Notice } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { useWorkspace } from '../session.ts';
import { computeFingerprint } from './server-form.ts';
import { strings } from './strings.ts';

/** A public key as OpenSSH shows it: its type and its fingerprint. */
export function Fingerprint({ publicKey }: { readonly publicKey: string }) {
  const { data } = useQuery({
    queryKey: ['fingerprint', publicKey],
    queryFn: () => computeFingerprint(publicKey),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const [kind = ''] = publicKey.split(' ');
  return (
    <span className="mono">
      {kind} {data ?? publicKey.split(' ')[1]}
    </span>
  );
}

interface UnpinnedHostKeyProps {
  readonly server: Server;
  readonly hostKey: string;
  readonly onPinned: () => void;
}

/** A host key that is not pinned yet. The user must compare it before pinning it. */
function UnpinnedHostKey({ server, hostKey, onPinned }: UnpinnedHostKeyProps) {
  const { api, workspace } = useWorkspace();
  const pin = useMutation({
    mutationFn: () => api.servers.update(server.id, { hostKey }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: [workspace.id, 'servers'] });
      notifications.show({ message: strings.checkSection.pinned });
      onPinned();
    },
  });
  return (
    <Stack gap="xs">
      <Text fz="sm">{strings.checkSection.hostPresents(<Fingerprint publicKey={hostKey} />)}</Text>
      <CodeBlock label={strings.checkSection.fingerprintCommand}>
        {`${globalThis.isSecureContext ? 'ssh-keygen -lf' : 'cat'} /etc/ssh/ssh_host_${hostKey.startsWith('ssh-ed25519') ? 'ed25519' : hostKey.startsWith('ecdsa') ? 'ecdsa' : 'rsa'}_key.pub`}
      </CodeBlock>
      {pin.error !== null && <ErrorNotice error={pin.error} />}
      <Group>
        <Button variant="default" loading={pin.isPending} onClick={() => pin.mutate()}>
          {server.hostKey === null ? strings.checkSection.pinThisKey : strings.checkSection.replaceThePinnedKey}
        </Button>
      </Group>
    </Stack>
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
      <Notice tone={check.ok ? 'good' : 'bad'}>{check.message}</Notice>
      {check.hostKey !== null && check.hostKey !== server.hostKey && (
        <UnpinnedHostKey server={server} hostKey={check.hostKey} onPinned={onPinned} />
      )}
    </>
  );
}

/** Tests the connection and lets the user pin the host key. For owners and admins. */
export function CheckSection({ server }: { readonly server: Server }) {
  const { api, isAdmin } = useWorkspace();
  const check = useMutation({ mutationFn: () => api.servers.check(server.id) });
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
      {check.data !== undefined && <CheckResult server={server} check={check.data} onPinned={() => check.mutate()} />}
    </Section>
  );
}
