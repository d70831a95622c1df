import { Menu, Text, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { IconCheck, IconPlus, IconSelector } from '../components/icons.ts';
import { rememberWorkspace, useMe, useWorkspaceOrNull, workspacesQuery } from '../session.ts';
import styles from './shell.module.css';
import { strings } from './strings.ts';

const getInitial = (name: string) => [...name][0]?.toUpperCase() ?? '?';

/** Shows the workspace of this browser tab. Its menu switches to another workspace or creates one. */
export function WorkspaceSwitcher() {
  const me = useMe();
  const current = useWorkspaceOrNull();
  const { data: workspaces = [] } = useQuery(workspacesQuery);
  const navigate = useNavigate();
  return (
    <Menu position="bottom-start" width={228}>
      <Menu.Target>
        <UnstyledButton className={styles['menuButton']}>
          <span className="visually-hidden">{strings.workspaceSwitcher.workspacePrefix}</span>
          <span className={styles['mark']} aria-hidden>
            {getInitial(current?.name ?? '?')}
          </span>
          <Text fz="sm" fw={600} lineClamp={2} lh={1.35} flex={1} style={{ overflowWrap: 'anywhere' }}>
            <bdi>{current?.name ?? strings.workspaceSwitcher.chooseAWorkspace}</bdi>
          </Text>
          <IconSelector size={16} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {workspaces.map((workspace) => (
          <Menu.Item
            key={workspace.id}
            leftSection={
              <span className={styles['mark']} aria-hidden>
                {getInitial(workspace.name)}
              </span>
            }
            rightSection={
              workspace.id === current?.id ? (
                <IconCheck size={16} aria-label={strings.workspaceSwitcher.current} />
              ) : null
            }
            onClick={() => {
              rememberWorkspace(workspace);
              void navigate({ to: '.', search: { workspace: workspace.slug } as never });
            }}
          >
            <bdi>{workspace.name}</bdi>
          </Menu.Item>
        ))}
        {me.canCreateWorkspaces && (
          <>
            <Menu.Divider />
            <Menu.Item
              leftSection={<IconPlus size={16} />}
              onClick={() => void navigate({ to: '/', search: { create: 'workspace' } as never })}
            >
              {strings.workspaceSwitcher.createWorkspace}
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
