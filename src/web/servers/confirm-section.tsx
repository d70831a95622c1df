import { Button, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import type { Server } from '../../contract/servers.ts';
import { queryClient } from '../api.ts';
import { ErrorNotice } from '../components/error-message.tsx';
import { Section } from '../components/section.tsx';
import { useWorkspace } from '../session.ts';
import { Fingerprint } from './check-section.tsx';
import { strings } from './strings.ts';

/**
 * Shown for a server that is not confirmed: why it must be confirmed and, for owners and admins, the button, which
 * confirms exactly the values that the page shows.
 */
export function ConfirmSection({ server }: { readonly server: Server }) {
  const { api, workspace, isAdmin } = useWorkspace();
  const refresh = () => queryClient.invalidateQueries({ queryKey: [workspace.id, 'servers'] });
  const confirm = useMutation({
    mutationFn: async () => {
      const { value, tag: etag } = await api.servers.read(server.id);
      if (JSON.stringify(value) !== JSON.stringify(server)) {
        await refresh();
        throw new Error(strings.confirmSection.changedMeanwhile);
      }
      return api.servers.confirm(server.id, { ifMatch: etag });
    },
    onSuccess: async () => {
      await refresh();
      notifications.show({ message: strings.confirmSection.confirmed });
    },
  });
  if (server.confirmed) return null;
  return (
    <Section title={strings.confirmSection.title} description={strings.confirmSection.description}>
      <Stack gap="xs">
        {server.kind === 'ssh' && (
          <>
            <Text fz="sm" style={{ overflowWrap: 'anywhere' }}>
              {strings.confirmSection.target({
                address: (
                  <span className="mono">
                    {server.user}@{server.host}
                  </span>
                ),
                port: server.port,
                hostKey: server.hostKey === null ? null : <Fingerprint publicKey={server.hostKey} />,
              })}
            </Text>
            <Text fz="sm">{strings.confirmSection.installPublicKey}</Text>
          </>
        )}
        {confirm.error !== null && <ErrorNotice error={confirm.error} />}
        {isAdmin && (
          <Group>
            <Button loading={confirm.isPending} onClick={() => confirm.mutate()}>
              {strings.confirmSection.confirmServer}
            </Button>
          </Group>
        )}
      </Stack>
    </Section>
  );
}
