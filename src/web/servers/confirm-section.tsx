import { Button, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import type { Server } from '../../contract/servers.ts';
import { getErrorMessage, queryClient } from '../api.ts';
import { Notice } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { useWorkspace } from '../session.ts';
import { Fingerprint } from './check-section.tsx';

/** Explains why a server must be confirmed. The button confirms the values shown on the page. */
export function ConfirmSection({ server }: { readonly server: Server }) {
  const { api, workspace, isAdmin } = useWorkspace();
  const refresh = () => queryClient.invalidateQueries({ queryKey: [workspace.id, 'servers'] });
  const confirm = useMutation({
    mutationFn: async () => {
      const { value, tag } = await api.servers.read(server.id);
      if (JSON.stringify(value) !== JSON.stringify(server)) {
        await refresh();
        throw new Error('Someone else changed the server. Review the current values, then confirm again.');
      }
      return api.servers.confirm(server.id, { ifMatch: tag });
    },
    onSuccess: async () => {
      await refresh();
      notifications.show({ message: 'Server confirmed. Apps and scripts can run on it.' });
    },
  });
  if (server.confirmed) return null;
  return (
    <Section
      title="Not confirmed"
      description="An API key created this server, or its host, port, user or host key was changed. Nothing runs on it until an owner or admin confirms it."
    >
      <Stack gap="xs">
        {server.kind === 'ssh' && (
          <>
            <Text fz="sm" style={{ overflowWrap: 'anywhere' }}>
              Deployments and scripts will run on{' '}
              <span className="mono">
                {server.user}@{server.host}
              </span>
              , port {server.port},{' '}
              {server.hostKey === null ? (
                'with no host key pinned yet.'
              ) : (
                <>
                  with the host key <Fingerprint publicKey={server.hostKey} />.
                </>
              )}
            </Text>
            <Text fz="sm">First install the public key below on the server; the previous key no longer works.</Text>
          </>
        )}
        {confirm.error !== null && <Notice tone="bad">{getErrorMessage(confirm.error)}</Notice>}
        {isAdmin && (
          <Group>
            <Button loading={confirm.isPending} onClick={() => confirm.mutate()}>
              Confirm server
            </Button>
          </Group>
        )}
      </Stack>
    </Section>
  );
}
