import { Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import type { Deployment } from '../../contract/deployments.ts';
import { queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { useWorkspace } from '../session.ts';
import { sourceLabel } from './deployment-status.tsx';
import { strings } from './strings.ts';

interface RollBackDialogProps {
  readonly deployment: Deployment;
  readonly onClose: () => void;
}

/** Asks for confirmation, rolls an app back to a deployment, and opens the page of the new deployment. */
export function RollBackDialog({ deployment, onClose }: RollBackDialogProps) {
  const { api, workspace } = useWorkspace();
  const navigate = useNavigate();
  return (
    <ConfirmDialog
      onClose={onClose}
      title={strings.deploymentActions.rollBackTitle}
      confirmLabel={strings.deploymentActions.rollBack}
      onConfirm={async () => {
        const rollback = await api.deployments.rollBack(deployment.id);
        notifications.show({ message: strings.deploymentActions.rollbackRequested });
        void queryClient.invalidateQueries({ queryKey: [workspace.id, 'deployments'] });
        await navigate({ to: '/deployments/$id', params: { id: rollback.id }, search: {} });
      }}
    >
      <Text fz="sm">
        {strings.deploymentActions.rollBackConsequences(
          <span className="mono">{deployment.commit?.slice(0, 12) ?? sourceLabel(deployment)}</span>,
        )}
      </Text>
    </ConfirmDialog>
  );
}
