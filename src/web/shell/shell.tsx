import { AppShell, Box, Burger, Group, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { IconActivity, IconKey, IconSettings, IconTicket, IconUsers } from '../components/icons.ts';
import { useWorkspaceOrNull } from '../session.ts';
import { AccountMenu } from './account-menu.tsx';
import { Brand } from './brand.tsx';
import { ConnectionBanner } from './connection-banner.tsx';
import styles from './shell.module.css';
import { WorkspaceSwitcher } from './workspace-switcher.tsx';

const LINKS = [
  { to: '/settings/access-tokens', label: 'Access Tokens', Icon: IconTicket, admin: false },
  { to: '/settings/api-keys', label: 'API Keys', Icon: IconKey, admin: false },
  { to: '/settings/members', label: 'Members', Icon: IconUsers, admin: false },
  { to: '/settings/activity-log', label: 'Activity log', Icon: IconActivity, admin: true },
  { to: '/settings/workspace', label: 'Workspace', Icon: IconSettings, admin: false },
] as const;

/** The frame of every page of a signed-in person. */
export function Shell() {
  const [opened, { toggle, close }] = useDisclosure();
  const workspace = useWorkspaceOrNull();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const main = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it closes whenever the address changes
  useEffect(() => close(), [path, close]);

  return (
    <AppShell
      layout="alt"
      header={{ height: { base: 56, sm: 0 } }}
      navbar={{ width: 252, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={{ base: 'md', sm: 'lg', xl: 'xl' }}
    >
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <AppShell.Header hiddenFrom="sm" className={styles['side']}>
        <Group h="100%" px="md" justify="space-between">
          <Brand />
          <Burger opened={opened} onClick={toggle} size="sm" aria-label="Navigation" aria-expanded={opened} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="md" className={styles['side']} mod={{ closed: !opened }} aria-label="Settings">
        <Stack h="100%" gap="lg">
          <Group justify="space-between">
            <Brand />
            <Burger hiddenFrom="sm" opened onClick={close} size="sm" aria-label="Close navigation" />
          </Group>
          <WorkspaceSwitcher />
          {workspace !== null && (
            <Stack gap={2}>
              <Box className={styles['heading']} mb={4}>
                Settings
              </Box>
              {LINKS.filter(({ admin }) => !admin || workspace.role !== 'member').map(({ to, label, Icon }) => (
                <Link
                  key={to}
                  to={to}
                  search={{ workspace: workspace.slug }}
                  className={styles['link']}
                  activeOptions={{ includeSearch: false }}
                >
                  <Icon size={18} aria-hidden />
                  {label}
                </Link>
              ))}
            </Stack>
          )}
          <Box mt="auto">
            <AccountMenu />
          </Box>
        </Stack>
      </AppShell.Navbar>
      <AppShell.Main id="main" ref={main} tabIndex={-1}>
        <ConnectionBanner />
        <Outlet />
      </AppShell.Main>
    </AppShell>
  );
}
