import { Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { Member } from '../../contract/members.ts';
import { api, queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { useMe, useWorkspace, workspacesQuery } from '../session.ts';

/** Transfers ownership. A workspace has one owner, so only the new owner can transfer it back. */
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
      onClose={onClose}
      title="Transfer ownership"
      confirmLabel="Transfer ownership"
      confirmationText={newOwner.email}
      onConfirm={async () => {
        await api.workspaces.handOver(workspace.id, { memberId: newOwner.id });
        notifications.show({ message: `${newOwner.name} is now the owner of ${workspace.name}. You are an admin.` });
        await Promise.all([
          queryClient.invalidateQueries({ queryKey: workspacesQuery.queryKey }),
          queryClient.invalidateQueries({ queryKey: [workspace.id, 'members'] }),
        ]);
      }}
    >
      <Text fz="sm">
        <b>{newOwner.name}</b> becomes the owner of <b>{workspace.name}</b> and is the only one who can delete or
        transfer it. You become an admin. Only {newOwner.name} can transfer ownership back
        {me.operator && ', and because you are an operator of this server, only if they are an operator too'}.
      </Text>
    </ConfirmDialog>
  );
}
