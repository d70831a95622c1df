import { Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { Member } from '../../contract/members.ts';
import { api, queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { useMe, useWorkspace, workspacesQuery } from '../session.ts';
import { strings } from './strings.ts';

/**
 * Transfers the ownership of the workspace. The user must type the new owner's email address, because only the new
 * owner can transfer the ownership back.
 */
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
      title={strings.transferOwnershipDialog.title}
      confirmLabel={strings.transferOwnershipDialog.confirmLabel}
      confirmationText={newOwner.email}
      onConfirm={async () => {
        await api.workspaces.handOver(workspace.id, { memberId: newOwner.id });
        notifications.show({ message: strings.transferOwnershipDialog.transferred(newOwner.name, workspace.name) });
        await Promise.all([
          queryClient.invalidateQueries({ queryKey: workspacesQuery.queryKey }),
          queryClient.invalidateQueries({ queryKey: [workspace.id, 'members'] }),
        ]);
      }}
    >
      <Text fz="sm">
        {strings.transferOwnershipDialog.consequences({
          newOwner: <b>{newOwner.name}</b>,
          workspace: <b>{workspace.name}</b>,
          name: newOwner.name,
          isOperator: me.operator,
        })}
      </Text>
    </ConfirmDialog>
  );
}
