import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Deployment } from '../../contract/deployments.ts';
import { queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { IconArrowBackUp, IconCheck, IconPlayerPlay, IconPlayerStop } from '../components/icons.ts';
import { isInProgress } from '../components/job-status.tsx';
import { useWorkspace } from '../session.ts';
import { sourceLabel } from './deployment-status.tsx';

type Decision = 'approve' | 'promote' | 'abort' | 'cancel';

interface DecisionTexts {
  readonly verb: string;
  readonly title: string;
  readonly Icon: typeof IconCheck;
  /** False if the action stops the deployment or rolls servers back. */
  readonly nonDestructive: boolean;
  readonly describe: (deployment: Deployment) => string;
  readonly doneMessage: string;
}

const describeRemainingServers = ({ servers }: Deployment): string => {
  const { length } = servers.filter(({ status }) => isInProgress(status));
  return length === 1 ? 'the remaining server' : `the ${length} remaining servers`;
};

const DECISION_TEXTS: Readonly<Record<Decision, DecisionTexts>> = {
  approve: {
    verb: 'Approve',
    title: 'Approve deployment',
    Icon: IconCheck,
    nonDestructive: true,
    describe: (deployment) =>
      `${sourceLabel(deployment)} is deployed as soon as earlier deployments have finished. You can approve your own deployment only if the workspace has no other members.`,
    doneMessage: 'Deployment approved',
  },
  promote: {
    verb: 'Promote',
    title: 'Promote deployment',
    Icon: IconPlayerPlay,
    nonDestructive: true,
    describe: (deployment) => `The release on the first server is deployed to ${describeRemainingServers(deployment)}.`,
    doneMessage: 'Deployment promoted',
  },
  abort: {
    verb: 'Abort',
    title: 'Abort deployment',
    Icon: IconArrowBackUp,
    nonDestructive: false,
    describe: () => 'The first server is rolled back to its previous release. The other servers are not changed.',
    doneMessage: 'Deployment aborted. Rolling back the first server.',
  },
  cancel: {
    verb: 'Cancel',
    title: 'Cancel deployment',
    Icon: IconPlayerStop,
    nonDestructive: false,
    describe: ({ status }) =>
      status === 'pending'
        ? 'It has not started and will not run.'
        : 'The running step is stopped, and servers that were already switched are rolled back to their previous release.',
    doneMessage: 'Cancelling the deployment',
  },
};

function availableDecisions({ status, waitingFor }: Deployment): readonly Decision[] {
  if (waitingFor === 'promotion') return ['promote', 'abort'];
  if (!isInProgress(status)) return [];
  return waitingFor === 'approval' ? ['approve', 'cancel'] : ['cancel'];
}

/** The decisions available for a deployment in its current state. */
export function DeploymentActions({ deployment }: { readonly deployment: Deployment }) {
  const { api, workspace } = useWorkspace();
  const navigate = useNavigate();
  const [rollingBack, setRollingBack] = useState(false);
  const [deciding, setDeciding] = useState<Decision | null>(null);
  const { id, status, live } = deployment;
  const texts = deciding === null ? null : DECISION_TEXTS[deciding];

  async function decide(decision: Decision): Promise<void> {
    try {
      await api.deployments[decision](id);
    } finally {
      // Also after an error, because the available decisions may have changed.
      await queryClient.invalidateQueries({ queryKey: [workspace.id, 'deployments'] });
    }
    notifications.show({ message: DECISION_TEXTS[decision].doneMessage });
  }

  return (
    <Group gap="xs">
      {availableDecisions(deployment).map((decision) => {
        const { verb, Icon, nonDestructive } = DECISION_TEXTS[decision];
        return (
          <Button
            key={decision}
            {...(!nonDestructive && { className: 'button-bad' })}
            leftSection={<Icon size={16} />}
            onClick={() => setDeciding(decision)}
          >
            {verb}
          </Button>
        );
      })}
      {status === 'completed' && !live && (
        <Button variant="default" leftSection={<IconArrowBackUp size={16} />} onClick={() => setRollingBack(true)}>
          Roll back to this…
        </Button>
      )}
      {deciding !== null && texts !== null && (
        <ConfirmDialog
          onClose={() => setDeciding(null)}
          title={texts.title}
          confirmLabel={texts.verb}
          cancelLabel="Back"
          nonDestructive={texts.nonDestructive}
          onConfirm={() => decide(deciding)}
        >
          <Text fz="sm">{texts.describe(deployment)}</Text>
        </ConfirmDialog>
      )}
      {rollingBack && (
        <ConfirmDialog
          onClose={() => setRollingBack(false)}
          title="Roll back to this deployment"
          confirmLabel="Roll back"
          onConfirm={async () => {
            const rollback = await api.deployments.rollBack(id);
            notifications.show({ message: 'Rollback started' });
            void queryClient.invalidateQueries({ queryKey: [workspace.id, 'deployments'] });
            await navigate({ to: '/deployments/$id', params: { id: rollback.id }, search: {} });
          }}
        >
          <Text fz="sm">
            This creates a new deployment of commit{' '}
            <span className="mono">{deployment.commit?.slice(0, 12) ?? sourceLabel(deployment)}</span>, with the app's
            current hooks and environment.
          </Text>
        </ConfirmDialog>
      )}
    </Group>
  );
}
