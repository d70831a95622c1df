import { Button } from '@mantine/core';
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
    <Section title="Pending invitations" description="Each link can be used once and expires after seven days.">
      <ItemList label="Pending invitations">
        {data.map((invitation) => (
          <ItemListRow
            key={invitation.id}
            icon={<IconMail size={18} />}
            title={
              <>
                {invitation.email} <Tag>{invitation.role === 'admin' ? 'Admin' : 'Member'}</Tag>
              </>
            }
            note={
              <>
                Invited <RelativeTime time={invitation.createdAt} withDate />
                {invitation.createdBy !== null && ` by ${invitation.createdBy.name}`} · expires{' '}
                <RelativeTime time={invitation.expiresAt} withDate />
              </>
            }
            actions={
              <Button
                variant="default"
                size="xs"
                aria-label={`Revoke the invitation for ${invitation.email}`}
                onClick={() => setRevoking(invitation)}
              >
                Revoke
              </Button>
            }
          />
        ))}
      </ItemList>
      {revoking !== null && (
        <ConfirmDialog
          onClose={() => setRevoking(null)}
          title="Revoke invitation"
          confirmLabel="Revoke"
          onConfirm={async () => {
            await api.invitations.delete(revoking.id);
            notifications.show({ message: 'Invitation revoked' });
            await queryClient.invalidateQueries({ queryKey: key });
          }}
        >
          The link sent to {revoking.email} stops working.
        </ConfirmDialog>
      )}
    </Section>
  );
}
