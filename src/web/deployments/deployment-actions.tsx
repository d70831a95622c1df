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
  /** What it takes away, if anything, is what is being deployed. */
  readonly nonDestructive: boolean;
  readonly describe: (deployment: Deployment) => string;
  readonly doneMessage: string;
}

const describeRemainingServers = ({ servers }: Deployment): string => {
  const { length } = servers.filter(({ status }) => isInProgress(status));
  return length === 1 ? 'the server that is left' : `the ${length} servers that are left`;
};

const DECISION_TEXTS: Readonly<Record<Decision, DecisionTexts>> = {
  approve: {
    verb: 'Approve',
    title: 'Approve this deployment',
    Icon: IconCheck,
    nonDestructive: true,
    describe: (deployment) =>
      `${sourceLabel(deployment)} is deployed as soon as it is its turn. Whoever asked for it can approve it only in a workspace without other members.`,
    doneMessage: 'It is approved.',
  },
  promote: {
    verb: 'Promote',
    title: 'Promote this deployment',
    Icon: IconPlayerPlay,
    nonDestructive: true,
    describe: (deployment) => `What the first server runs goes on to ${describeRemainingServers(deployment)}.`,
    doneMessage: 'It is promoted, and goes on.',
  },
  abort: {
    verb: 'Abort',
    title: 'Abort this deployment',
    Icon: IconArrowBackUp,
    nonDestructive: false,
    describe: () => 'The first server goes back to the release before; the others keep what they have.',
    doneMessage: 'It is aborted: the first server goes back.',
  },
  cancel: {
    verb: 'Cancel',
    title: 'Cancel this deployment',
    Icon: IconPlayerStop,
    nonDestructive: false,
    describe: ({ status }) =>
      status === 'pending'
        ? 'It has not begun, and will not.'
        : 'What it is doing is ended, and servers that it has switched go back to the release before.',
    doneMessage: 'It is being cancelled.',
  },
};

function availableDecisions({ status, waitingFor }: Deployment): readonly Decision[] {
  if (waitingFor === 'promotion') return ['promote', 'abort'];
  if (!isInProgress(status)) return [];
  return waitingFor === 'approval' ? ['approve', 'cancel'] : ['cancel'];
}

/** What can be decided about a deployment as it stands. */
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
      // Refused or not: what can be decided may be another thing by now.
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
          opened
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
          opened
          onClose={() => setRollingBack(false)}
          title="Roll back"
          confirmLabel="Roll back"
          onConfirm={async () => {
            const rollback = await api.deployments.rollBack(id);
            notifications.show({ message: 'The rollback is on its way.' });
            void queryClient.invalidateQueries({ queryKey: [workspace.id, 'deployments'] });
            await navigate({ to: '/deployments/$id', params: { id: rollback.id }, search: {} });
          }}
        >
          <Text fz="sm">
            This makes a new deployment of the commit{' '}
            <span className="mono">{deployment.commit?.slice(0, 12) ?? sourceLabel(deployment)}</span>, with the hooks
            and the environment that the app has now.
          </Text>
        </ConfirmDialog>
      )}
    </Group>
  );
}
