import { Stack } from '@mantine/core';
import { Outlet } from '@tanstack/react-router';
import { type LinkTab, TabBar } from '../components/tab-bar.tsx';
import { useWorkspace } from '../session.ts';

const TABS: readonly (LinkTab & { readonly admin?: true })[] = [
  { to: '/settings/access-tokens', label: 'Access Tokens' },
  { to: '/settings/api-keys', label: 'API Keys' },
  { to: '/settings/members', label: 'Members' },
  { to: '/settings/activity-log', label: 'Activity log', admin: true },
  { to: '/settings/workspace', label: 'Workspace' },
];

/** The tabs of the settings above the page in the URL. */
export function SettingsLayout() {
  const { isAdmin } = useWorkspace();
  return (
    <Stack gap="lg">
      <TabBar label="Settings" tabs={TABS.filter(({ admin }) => admin !== true || isAdmin)} />
      <Outlet />
    </Stack>
  );
}
