import { Button, Group } from '@mantine/core';
import { useLocation, useNavigate } from '@tanstack/react-router';
import type { Workspace } from '../../contract/workspaces.ts';
import { queryClient, secondFactorNeededKey } from '../api.ts';
import { IconLock } from '../components/icons.ts';
import { Page } from '../components/page.tsx';
import { EmptyState } from '../components/states.tsx';
import { strings } from './strings.ts';

/** Shown instead of a workspace's pages if the workspace requires two-factor authentication and the person has none. */
export function SecondFactorNeeded({ workspace }: { readonly workspace: Workspace }) {
  const navigate = useNavigate();
  const from = useLocation({ select: ({ href }) => href });
  /**
   * Clears the flag under `secondFactorNeededKey`, so that the workspace's pages are shown again. If the person still
   * has no second factor, their first request sets the flag again.
   */
  const checkAgain = () => queryClient.setQueryData(secondFactorNeededKey(workspace.id), false);
  return (
    <Page title={workspace.name}>
      <EmptyState
        icon={<IconLock size={26} />}
        title={strings.secondFactorNeeded.title}
        action={
          <Group gap="xs" justify="center">
            <Button onClick={() => void navigate({ to: '/account', search: { from } as never })}>
              {strings.secondFactorNeeded.setUp}
            </Button>
            <Button variant="default" onClick={checkAgain}>
              {strings.secondFactorNeeded.checkAgain}
            </Button>
          </Group>
        }
      >
        {strings.secondFactorNeeded.reason(workspace.name)}
      </EmptyState>
    </Page>
  );
}
