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

type Decision = 'approve' | 'promote' | 'abort' | 'cancel' | 'retry';

interface DeploymentActionsProps {
  readonly deployment: Deployment;
  /** The app; undefined while it is loading. */
  readonly app: App | undefined;
}

interface DecisionConfig {
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

const DECISION_CONFIGS: Readonly<Record<Decision, DecisionConfig>> = {
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

function availableDecisions({ status, waitingFor }: Deployment): readonly Decision[] {
  if (status === 'failed') return ['retry'];
  if (waitingFor === 'promotion') return ['promote', 'abort'];
  if (!isInProgress(status)) return [];
  return waitingFor === 'approval' ? ['approve', 'cancel'] : ['cancel'];
}

/** Buttons for the actions that are available for a deployment in its current state. */
export function DeploymentActions({ deployment, app }: DeploymentActionsProps) {
  const { api, workspace } = useWorkspace();
  const [isRollBackDialogOpen, setIsRollBackDialogOpen] = useState(false);
  const [decisionToConfirm, setDecisionToConfirm] = useState<Decision | null>(null);
  const { id, status, live } = deployment;
  const confirmation = decisionToConfirm === null ? null : DECISION_CONFIGS[decisionToConfirm];

  async function decide(decision: Decision): Promise<void> {
    try {
      await api.deployments[decision](id);
    } finally {
      // Also after an error, because the available decisions may have changed.
      await queryClient.invalidateQueries({ queryKey: [workspace.id, 'deployments'] });
    }
    notifications.show({ message: DECISION_CONFIGS[decision].doneMessage });
  }

  return (
    <Group gap="xs">
      {availableDecisions(deployment).map((decision) => {
        const { verb, Icon, isDestructive } = DECISION_CONFIGS[decision];
        return (
          <Button
            key={decision}
            {...(isDestructive && { className: 'button-danger' })}
            leftSection={<Icon size={16} />}
            onClick={() => setDecisionToConfirm(decision)}
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
      {decisionToConfirm !== null && confirmation !== null && (
        <ConfirmDialog
          onClose={() => setDecisionToConfirm(null)}
          title={confirmation.title}
          confirmLabel={confirmation.verb}
          cancelLabel={strings.deploymentActions.back}
          isDestructive={confirmation.isDestructive}
          onConfirm={() => decide(decisionToConfirm)}
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
