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

/** Invitations that nobody has accepted yet. Nothing is shown while there is none. */
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
    <Section title="Open invitations" description="Each link works once and ends by itself after seven days.">
      <ItemList label="Open invitations">
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
                Invited <RelativeTime time={invitation.createdAt} />
                {invitation.createdBy !== null && ` by ${invitation.createdBy.name}`} · ends{' '}
                <RelativeTime time={invitation.expiresAt} />
              </>
            }
            actions={
              <Button
                variant="default"
                size="xs"
                aria-label={`Withdraw the invitation of ${invitation.email}`}
                onClick={() => setRevoking(invitation)}
              >
                Withdraw
              </Button>
            }
          />
        ))}
      </ItemList>
      <ConfirmDialog
        opened={revoking !== null}
        onClose={() => setRevoking(null)}
        title="Withdraw invitation"
        confirmLabel="Withdraw"
        onConfirm={async () => {
          if (revoking !== null) await api.invitations.delete(revoking.id);
          notifications.show({ message: 'The invitation is withdrawn.' });
          await queryClient.invalidateQueries({ queryKey: key });
        }}
      >
        The link that {revoking?.email} was sent stops working.
      </ConfirmDialog>
    </Section>
  );
}
