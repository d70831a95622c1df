import { AppShell, Box, Burger, Group, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, type LinkProps, Outlet, useRouterState } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import type { Workspace } from '../../contract/workspaces.ts';
import {
  IconAppWindow,
  IconBug,
  IconChartBar,
  type IconComponent,
  IconFolder,
  IconRocket,
  IconServer,
  IconSettings,
  IconTerminal2,
} from '../components/icons.ts';
import { CurrentWorkspace, useWorkspaceOrNull } from '../session.ts';
import { AccountMenu } from './account-menu.tsx';
import { Brand } from './brand.tsx';
import { ConnectionBanner } from './connection-banner.tsx';
import { NoticeBell } from './notice-bell.tsx';
import { SearchButton, SearchIconButton, useCommandPalette } from './search-button.tsx';
import styles from './shell.module.css';
import { strings } from './strings.ts';
import { WorkspaceSwitcher } from './workspace-switcher.tsx';

interface NavItem {
  readonly to: NonNullable<LinkProps['to']>;
  readonly label: string;
  readonly Icon: IconComponent;
}

const NAV_ITEMS: readonly NavItem[] = [
  { to: '/projects', label: strings.shell.links.projects, Icon: IconFolder },
  { to: '/apps', label: strings.shell.links.apps, Icon: IconAppWindow },
  { to: '/deployments', label: strings.shell.links.deployments, Icon: IconRocket },
  { to: '/servers', label: strings.shell.links.servers, Icon: IconServer },
  { to: '/scripts', label: strings.shell.links.scripts, Icon: IconTerminal2 },
  { to: '/activity', label: strings.shell.links.activity, Icon: IconChartBar },
  { to: '/errors', label: strings.shell.links.errors, Icon: IconBug },
  { to: '/settings', label: strings.shell.links.settings, Icon: IconSettings },
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

interface NavigationProps {
  readonly workspace: Workspace | null;
  readonly bell: ReactNode;
  readonly onSearch: () => void;
}

/** The header on narrow screens, with the button that opens the navigation. */
function MobileHeader({
  workspace,
  bell,
  onSearch,
  isNavigationOpen,
  onToggleNavigation,
}: NavigationProps & { readonly isNavigationOpen: boolean; readonly onToggleNavigation: () => void }) {
  return (
    <Group h="100%" px="md" justify="space-between">
      <Brand />
      <Group gap="xs" wrap="nowrap">
        {workspace !== null && <SearchIconButton onClick={onSearch} />}
        {bell}
        <Burger
          opened={isNavigationOpen}
          onClick={onToggleNavigation}
          size="sm"
          aria-label={strings.shell.openNavigation}
          aria-expanded={isNavigationOpen}
        />
      </Group>
    </Group>
  );
}

function Navigation({ workspace, bell, onSearch, onClose }: NavigationProps & { readonly onClose: () => void }) {
  return (
    <Stack h="100%" gap="lg">
      <Group justify="space-between">
        <Brand />
        <Box visibleFrom="sm">{bell}</Box>
        <Burger hiddenFrom="sm" opened onClick={onClose} size="sm" aria-label={strings.shell.closeNavigation} />
      </Group>
      <Stack gap="xs">
        <WorkspaceSwitcher />
        {workspace !== null && <SearchButton onClick={onSearch} />}
      </Stack>
      {workspace !== null && <NavLinks workspace={workspace} />}
      <Box mt="auto">
        <AccountMenu />
      </Box>
    </Stack>
  );
}

/** The layout of all pages with navigation. */
export function Shell() {
  const [isNavigationOpen, { toggle: toggleNavigation, close: closeNavigation }] = useDisclosure();
  const workspace = useWorkspaceOrNull();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const { open: openPalette, palette } = useCommandPalette(workspace);
  const bell = workspace !== null && (
    <CurrentWorkspace value={workspace}>
      <NoticeBell />
    </CurrentWorkspace>
  );
  const main = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: closes the navigation whenever the path changes
  useEffect(() => closeNavigation(), [path, closeNavigation]);

  return (
    <AppShell
      layout="alt"
      header={{ height: { base: 56, sm: 0 } }}
      navbar={{ width: 252, breakpoint: 'sm', collapsed: { mobile: !isNavigationOpen } }}
      padding={{ base: 'md', sm: 'lg', xl: 'xl' }}
    >
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        {strings.shell.skipToContent}
      </button>
      <AppShell.Header hiddenFrom="sm" className={styles['side']}>
        <MobileHeader
          workspace={workspace}
          bell={bell}
          onSearch={openPalette}
          isNavigationOpen={isNavigationOpen}
          onToggleNavigation={toggleNavigation}
        />
      </AppShell.Header>
      <AppShell.Navbar
        p="md"
        className={styles['side']}
        mod={{ closed: !isNavigationOpen }}
        aria-label={strings.shell.mainLabel}
        style={{ overflowY: 'auto' }}
      >
        <Navigation workspace={workspace} bell={bell} onSearch={openPalette} onClose={closeNavigation} />
      </AppShell.Navbar>
      <AppShell.Main id="main" ref={main} tabIndex={-1}>
        <ConnectionBanner />
        <Outlet />
        {palette}
      </AppShell.Main>
    </AppShell>
  );
}
