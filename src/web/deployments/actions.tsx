import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Deployment } from '../../contract/deployments.ts';
import { queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm.tsx';
import { IconArrowBackUp, IconCheck, IconPlayerPlay, IconPlayerStop } from '../components/icons.ts';
import { useWorkspace } from '../session.ts';
import { isUnderWay } from '../work/status.tsx';
import { sourceName } from './status.tsx';

type Decision = 'approve' | 'promote' | 'abort' | 'cancel';

interface Words {
  readonly verb: string;
  readonly title: string;
  readonly Icon: typeof IconCheck;
  /** What it takes away, if anything, is what is being deployed. */
  readonly harmless: boolean;
  readonly about: (deployment: Deployment) => string;
  readonly done: string;
}

const serversLeft = ({ servers }: Deployment): string => {
  const { length } = servers.filter(({ status }) => isUnderWay(status));
  return length === 1 ? 'the server that is left' : `the ${length} servers that are left`;
};

const WORDS: Readonly<Record<Decision, Words>> = {
  approve: {
    verb: 'Approve',
    title: 'Approve this deployment',
    Icon: IconCheck,
    harmless: true,
    about: (deployment) =>
      `${sourceName(deployment)} is deployed as soon as it is its turn. Whoever asked for it can approve it only in a workspace without other members.`,
    done: 'It is approved.',
  },
  promote: {
    verb: 'Promote',
    title: 'Promote this deployment',
    Icon: IconPlayerPlay,
    harmless: true,
    about: (deployment) => `What the first server runs goes on to ${serversLeft(deployment)}.`,
    done: 'It is promoted, and goes on.',
  },
  abort: {
    verb: 'Abort',
    title: 'Abort this deployment',
    Icon: IconArrowBackUp,
    harmless: false,
    about: () => 'The first server goes back to the release before; the others keep what they have.',
    done: 'It is aborted: the first server goes back.',
  },
  cancel: {
    verb: 'Cancel',
    title: 'Cancel this deployment',
    Icon: IconPlayerStop,
    harmless: false,
    about: ({ status }) =>
      status === 'pending'
        ? 'It has not begun, and will not.'
        : 'What it is doing is ended, and servers that it has switched go back to the release before.',
    done: 'It is being cancelled.',
  },
};

function decisionsOf({ status, waitingFor }: Deployment): readonly Decision[] {
  if (waitingFor === 'promotion') return ['promote', 'abort'];
  if (!isUnderWay(status)) return [];
  return waitingFor === 'approval' ? ['approve', 'cancel'] : ['cancel'];
}

/** What can be decided about a deployment as it stands. */
export function DeploymentActions({ deployment }: { readonly deployment: Deployment }) {
  const { api, workspace } = useWorkspace();
  const navigate = useNavigate();
  const [rollingBack, setRollingBack] = useState(false);
  const [deciding, setDeciding] = useState<Decision | null>(null);
  const { id, status, live } = deployment;
  const words = deciding === null ? null : WORDS[deciding];

  async function decide(decision: Decision): Promise<void> {
    try {
      await api.deployments[decision](id);
    } finally {
      // Refused or not: what can be decided may be another thing by now.
      await queryClient.invalidateQueries({ queryKey: [workspace.id, 'deployments'] });
    }
    notifications.show({ message: WORDS[decision].done });
  }

  return (
    <Group gap="xs">
      {decisionsOf(deployment).map((decision) => {
        const { verb, Icon, harmless } = WORDS[decision];
        return (
          <Button
            key={decision}
            {...(!harmless && { className: 'button-bad' })}
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
      {deciding !== null && words !== null && (
        <ConfirmDialog
          opened
          onClose={() => setDeciding(null)}
          title={words.title}
          confirm={words.verb}
          dismiss="Back"
          harmless={words.harmless}
          onConfirm={() => decide(deciding)}
        >
          <Text fz="sm">{words.about(deployment)}</Text>
        </ConfirmDialog>
      )}
      {rollingBack && (
        <ConfirmDialog
          opened
          onClose={() => setRollingBack(false)}
          title="Roll back"
          confirm="Roll back"
          onConfirm={async () => {
            const made = await api.deployments.rollBack(id);
            notifications.show({ message: 'The rollback is on its way.' });
            void queryClient.invalidateQueries({ queryKey: [workspace.id, 'deployments'] });
            await navigate({ to: '/deployments/$id', params: { id: made.id }, search: {} });
          }}
        >
          <Text fz="sm">
            This makes a new deployment of the commit{' '}
            <span className="mono">{deployment.commit?.slice(0, 12) ?? sourceName(deployment)}</span>, with the hooks
            and the environment that the app has now.
          </Text>
        </ConfirmDialog>
      )}
    </Group>
  );
}
