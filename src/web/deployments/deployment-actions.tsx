import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import type { App } from '../../contract/apps.ts';
import type { Deployment } from '../../contract/deployments.ts';
import { queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import {
  IconArrowBackUp,
  IconCheck,
  type IconComponent,
  IconPlayerPlay,
  IconPlayerStop,
  IconRefresh,
} from '../components/icons.ts';
import { isInProgress } from '../components/job-status.tsx';
import { useWorkspace } from '../session.ts';
import { DeployButton } from './deploy-button.tsx';
import { sourceLabel } from './deployment-status.tsx';
import { RollBackDialog } from './roll-back-dialog.tsx';
import { strings } from './strings.ts';

type DeploymentAction = 'approve' | 'promote' | 'abort' | 'cancel' | 'retry';

interface DeploymentActionsProps {
  readonly deployment: Deployment;
  /** The app; undefined while it is loading. */
  readonly app: App | undefined;
}

interface ActionConfig {
  readonly verb: string;
  readonly title: string;
  readonly Icon: IconComponent;
  /** Whether the action stops the deployment or rolls servers back. */
  readonly isDestructive: boolean;
  readonly describeConsequences: (deployment: Deployment) => string;
  readonly doneMessage: string;
}

const countRemainingServers = ({ servers }: Deployment): number =>
  servers.filter(({ status }) => isInProgress(status)).length;

const ACTION_CONFIGS: Readonly<Record<DeploymentAction, ActionConfig>> = {
  approve: {
    verb: strings.deploymentActions.approve.verb,
    title: strings.deploymentActions.approve.title,
    Icon: IconCheck,
    isDestructive: false,
    describeConsequences: (deployment) => strings.deploymentActions.approve.consequences(sourceLabel(deployment)),
    doneMessage: strings.deploymentActions.approve.done,
  },
  promote: {
    verb: strings.deploymentActions.promote.verb,
    title: strings.deploymentActions.promote.title,
    Icon: IconPlayerPlay,
    isDestructive: false,
    describeConsequences: (deployment) =>
      strings.deploymentActions.promote.consequences(countRemainingServers(deployment)),
    doneMessage: strings.deploymentActions.promote.done,
  },
  abort: {
    verb: strings.deploymentActions.abort.verb,
    title: strings.deploymentActions.abort.title,
    Icon: IconArrowBackUp,
    isDestructive: true,
    describeConsequences: () => strings.deploymentActions.abort.consequences,
    doneMessage: strings.deploymentActions.abort.done,
  },
  cancel: {
    verb: strings.deploymentActions.cancel.verb,
    title: strings.deploymentActions.cancel.title,
    Icon: IconPlayerStop,
    isDestructive: true,
    describeConsequences: ({ status }) =>
      status === 'pending'
        ? strings.deploymentActions.cancel.consequencesIfPending
        : strings.deploymentActions.cancel.consequences,
    doneMessage: strings.deploymentActions.cancel.done,
  },
  retry: {
    verb: strings.deploymentActions.retry.verb,
    title: strings.deploymentActions.retry.title,
    Icon: IconRefresh,
    isDestructive: false,
    describeConsequences: () => strings.deploymentActions.retry.consequences,
    doneMessage: strings.deploymentActions.retry.done,
  },
};

function getAvailableActions({ status, waitingFor }: Deployment): readonly DeploymentAction[] {
  if (status === 'failed') return ['retry'];
  if (waitingFor === 'promotion') return ['promote', 'abort'];
  if (!isInProgress(status)) return [];
  return waitingFor === 'approval' ? ['approve', 'cancel'] : ['cancel'];
}

/** Buttons for the actions that are available for a deployment in its current state. */
export function DeploymentActions({ deployment, app }: DeploymentActionsProps) {
  const { api, workspace } = useWorkspace();
  const [isRollBackDialogOpen, setIsRollBackDialogOpen] = useState(false);
  const [actionToConfirm, setActionToConfirm] = useState<DeploymentAction | null>(null);
  const { id, status, live } = deployment;
  const confirmation = actionToConfirm === null ? null : ACTION_CONFIGS[actionToConfirm];

  async function perform(action: DeploymentAction): Promise<void> {
    try {
      await api.deployments[action](id);
    } finally {
      // Also after an error, because the available actions might have changed.
      await queryClient.invalidateQueries({ queryKey: [workspace.id, 'deployments'] });
    }
    notifications.show({ message: ACTION_CONFIGS[action].doneMessage });
  }

  return (
    <Group gap="xs">
      {getAvailableActions(deployment).map((action) => {
        const { verb, Icon, isDestructive } = ACTION_CONFIGS[action];
        return (
          <Button
            key={action}
            {...(isDestructive && { className: 'button-danger' })}
            leftSection={<Icon size={16} />}
            onClick={() => setActionToConfirm(action)}
          >
            {verb}
          </Button>
        );
      })}
      {!isInProgress(status) && app !== undefined && (
        <DeployButton app={app} previous={deployment} variant={status === 'cancelled' ? 'filled' : 'default'} />
      )}
      {status === 'completed' && !live && (
        <Button
          variant="default"
          leftSection={<IconArrowBackUp size={16} />}
          onClick={() => setIsRollBackDialogOpen(true)}
        >
          {strings.deploymentActions.rollBackToThis}
        </Button>
      )}
      {actionToConfirm !== null && confirmation !== null && (
        <ConfirmDialog
          onClose={() => setActionToConfirm(null)}
          title={confirmation.title}
          confirmLabel={confirmation.verb}
          cancelLabel={strings.deploymentActions.back}
          isDestructive={confirmation.isDestructive}
          onConfirm={() => perform(actionToConfirm)}
        >
          <Text fz="sm">{confirmation.describeConsequences(deployment)}</Text>
        </ConfirmDialog>
      )}
      {isRollBackDialogOpen && (
        <RollBackDialog deployment={deployment} onClose={() => setIsRollBackDialogOpen(false)} />
      )}
    </Group>
  );
}
