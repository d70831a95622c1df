import { Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { Member } from '../../contract/members.ts';
import { api, queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { useMe, useWorkspace, workspacesQuery } from '../session.ts';

/** Hands ownership over. There is one owner, so this is taken back only by the new one. */
export function TransferOwnershipDialog({
  newOwner,
  onClose,
}: {
  readonly newOwner: Member;
  readonly onClose: () => void;
}) {
  const { workspace } = useWorkspace();
  const me = useMe();
  return (
    <ConfirmDialog
      opened
      onClose={onClose}
      title="Hand over ownership"
      confirmLabel="Hand over"
      confirmationText={newOwner.email}
      onConfirm={async () => {
        await api.workspaces.handOver(workspace.id, { memberId: newOwner.id });
        notifications.show({ message: `${newOwner.name} is the owner of ${workspace.name} now. You are an admin.` });
        await Promise.all([
          queryClient.invalidateQueries({ queryKey: workspacesQuery.queryKey }),
          queryClient.invalidateQueries({ queryKey: [workspace.id, 'members'] }),
        ]);
      }}
    >
      <Text fz="sm">
        <b>{newOwner.name}</b> becomes the owner of <b>{workspace.name}</b> and alone can delete it or hand it on. You
        become an admin. Only {newOwner.name} can give ownership back
        {me.operator && ', and to you, an operator of this server, only as an operator'}.
      </Text>
    </ConfirmDialog>
  );
}
