import { AppShell, Box, Burger, Group, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, type LinkProps, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import type { Workspace } from '../../contract/workspaces.ts';
import {
  IconAppWindow,
  IconBug,
  IconChartBar,
  IconFolder,
  IconRocket,
  IconServer,
  IconSettings,
  IconTerminal2,
} from '../components/icons.ts';
import { useWorkspaceOrNull } from '../session.ts';
import { AccountMenu } from './account-menu.tsx';
import { Brand } from './brand.tsx';
import { ConnectionBanner } from './connection-banner.tsx';
import styles from './shell.module.css';
import { WorkspaceSwitcher } from './workspace-switcher.tsx';

interface NavItem {
  readonly to: NonNullable<LinkProps['to']>;
  readonly label: string;
  readonly Icon: typeof IconBug;
}

const NAV_ITEMS: readonly NavItem[] = [
  { to: '/projects', label: 'Projects', Icon: IconFolder },
  { to: '/apps', label: 'Apps', Icon: IconAppWindow },
  { to: '/deployments', label: 'Deployments', Icon: IconRocket },
  { to: '/servers', label: 'Servers', Icon: IconServer },
  { to: '/scripts', label: 'Scripts', Icon: IconTerminal2 },
  { to: '/activity', label: 'Activity', Icon: IconChartBar },
  { to: '/errors', label: 'Errors', Icon: IconBug },
  { to: '/settings', label: 'Settings', Icon: IconSettings },
];

/** The navigation within a workspace. */
function NavLinks({ workspace }: { readonly workspace: Workspace }) {
  return (
    <Stack gap={2}>
      {NAV_ITEMS.map(({ to, label, Icon }) => (
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
  );
}

/** The layout of all pages with navigation. */
export function Shell() {
  const [opened, { toggle, close }] = useDisclosure();
  const workspace = useWorkspaceOrNull();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const main = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: closes the navigation whenever the path changes
  useEffect(() => close(), [path, close]);

  return (
    <AppShell
      layout="alt"
      header={{ height: { base: 56, sm: 0 } }}
      navbar={{ width: 252, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={{ base: 'md', sm: 'lg', xl: 'xl' }}
    >
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <AppShell.Header hiddenFrom="sm" className={styles['side']}>
        <Group h="100%" px="md" justify="space-between">
          <Brand />
          <Burger opened={opened} onClick={toggle} size="sm" aria-label="Navigation" aria-expanded={opened} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar
        p="md"
        className={styles['side']}
        mod={{ closed: !opened }}
        aria-label="Main"
        style={{ overflowY: 'auto' }}
      >
        <Stack h="100%" gap="lg">
          <Group justify="space-between">
            <Brand />
            <Burger hiddenFrom="sm" opened onClick={close} size="sm" aria-label="Close navigation" />
          </Group>
          <WorkspaceSwitcher />
          {workspace !== null && <NavLinks workspace={workspace} />}
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
