import { Button, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Invitation } from '../../contract/invitations.ts';
import { queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { IconMail } from '../components/icons.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { Tag } from '../components/notice.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { ErrorState } from '../components/states.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

/** Pending invitations. Renders nothing if there are none. */
export function Invitations() {
  const { workspace, api } = useWorkspace();
  const key = [workspace.id, 'invitations'];
  const { data, error, refetch } = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => (await api.invitations.list({ limit: 200 }, { signal })).data,
  });
  const [revoking, setRevoking] = useState<Invitation | null>(null);
  if (error !== null) return <ErrorState error={error} retry={() => void refetch()} />;
  if (data === undefined || data.length === 0) return null;
  return (
    <Section title={strings.invitations.title} description={strings.invitations.description}>
      <ItemList label={strings.invitations.title}>
        {data.map((invitation) => (
          <ItemListRow
            key={invitation.id}
            icon={<IconMail size={18} />}
            title={
              <>
                {invitation.email}{' '}
                <Tag>{invitation.role === 'admin' ? strings.invitations.admin : strings.invitations.member}</Tag>
              </>
            }
            note={strings.invitations.note(
              <RelativeTime time={invitation.createdAt} withDate />,
              invitation.createdBy?.name ?? null,
              <RelativeTime time={invitation.expiresAt} withDate />,
            )}
            actions={
              <Button
                variant="default"
                size="xs"
                aria-label={strings.invitations.revokeLabel(invitation.email)}
                onClick={() => setRevoking(invitation)}
              >
                {strings.invitations.revoke}
              </Button>
            }
          />
        ))}
      </ItemList>
      {revoking !== null && (
        <ConfirmDialog
          onClose={() => setRevoking(null)}
          title={strings.invitations.revokeTitle}
          confirmLabel={strings.invitations.revoke}
          onConfirm={async () => {
            await api.invitations.delete(revoking.id);
            notifications.show({ message: strings.invitations.revoked });
            await queryClient.invalidateQueries({ queryKey: key });
          }}
        >
          <Text fz="sm">{strings.invitations.consequences(revoking.email)}</Text>
        </ConfirmDialog>
      )}
    </Section>
  );
}
