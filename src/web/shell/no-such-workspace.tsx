import { Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { IconAlertTriangle } from '../components/icons.ts';
import { Page } from '../components/page.tsx';
import { EmptyState } from '../components/states.tsx';
import { workspacesQuery } from '../session.ts';
import { strings } from './strings.ts';

/**
 * Shown if the workspace in the URL does not exist or the person is not a member of it. The page does not reveal which
 * of the two is the case.
 */
export function NoSuchWorkspace() {
  const navigate = useNavigate();
  const { data: workspaces = [] } = useQuery(workspacesQuery);
  return (
    <Page title={strings.noWorkspace.workspaceNotFoundTitle}>
      <EmptyState
        icon={<IconAlertTriangle size={26} />}
        title={strings.noWorkspace.chooseAnother}
        action={
          <Group gap="xs" justify="center">
            {workspaces.slice(0, 6).map(({ id, name, slug }) => (
              <Button
                key={id}
                variant="default"
                onClick={() => void navigate({ to: '.', search: { workspace: slug } as never })}
              >
                <bdi>{name}</bdi>
              </Button>
            ))}
          </Group>
        }
      >
        {strings.noWorkspace.workspaceNotFoundHint}
      </EmptyState>
    </Page>
  );
}
