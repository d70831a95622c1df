import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Deployment } from '../../contract/deployments.ts';
import { messageOf, queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm.tsx';
import { IconArrowBackUp, IconCheck, IconPlayerPlay, IconPlayerStop } from '../components/icons.ts';
import { useWorkspace } from '../session.ts';
import { isUnderWay } from '../work/status.tsx';
import { sourceName } from './status.tsx';

type Decision = 'approve' | 'promote' | 'abort' | 'cancel';

/** What can be decided about a deployment as it stands. */
export function DeploymentActions({ deployment }: { readonly deployment: Deployment }) {
  const { api, workspace } = useWorkspace();
  const navigate = useNavigate();
  const [rollingBack, setRollingBack] = useState(false);
  const { id, status, waitingFor, live } = deployment;
  const decide = useMutation({
    mutationFn: (decision: Decision) => api.deployments[decision](id),
    onError: (error) => notifications.show({ color: 'red', message: messageOf(error) }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: [workspace.id, 'deployments'] }),
  });
  const button = (decision: Decision, label: string, Icon: typeof IconCheck, isBad = false) => (
    <Button
      {...(isBad && { className: 'button-bad' })}
      leftSection={<Icon size={16} />}
      loading={decide.isPending && decide.variables === decision}
      onClick={() => decide.mutate(decision)}
    >
      {label}
    </Button>
  );
  return (
    <Group gap="xs">
      {waitingFor === 'approval' && button('approve', 'Approve', IconCheck)}
      {waitingFor === 'promotion' && button('promote', 'Promote', IconPlayerPlay)}
      {waitingFor === 'promotion' && button('abort', 'Abort', IconArrowBackUp, true)}
      {isUnderWay(status) && waitingFor !== 'promotion' && button('cancel', 'Cancel', IconPlayerStop, true)}
      {status === 'completed' && !live && (
        <Button variant="default" leftSection={<IconArrowBackUp size={16} />} onClick={() => setRollingBack(true)}>
          Roll back to this…
        </Button>
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
