import { Stack } from '@mantine/core';
import { Outlet } from '@tanstack/react-router';
import { type LinkTab, TabBar } from '../components/tab-bar.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const TABS: readonly (LinkTab & { readonly isAdminOnly?: true })[] = [
  { to: '/settings/access-tokens', label: strings.settingsLayout.tabs.accessTokens },
  { to: '/settings/api-keys', label: strings.settingsLayout.tabs.apiKeys },
  { to: '/settings/workload-identities', label: strings.settingsLayout.tabs.workloadIdentities },
  { to: '/settings/members', label: strings.settingsLayout.tabs.members },
  { to: '/settings/review', label: strings.settingsLayout.tabs.review, isAdminOnly: true },
  { to: '/settings/activity-log', label: strings.settingsLayout.tabs.activityLog, isAdminOnly: true },
  { to: '/settings/policy', label: strings.settingsLayout.tabs.policy, isAdminOnly: true },
  { to: '/settings/webhooks', label: strings.settingsLayout.tabs.webhooks, isAdminOnly: true },
  { to: '/settings/workspace', label: strings.settingsLayout.tabs.workspace },
];

/** The tabs of the workspace's settings, above the page that is open. */
export function SettingsLayout() {
  const { isAdmin } = useWorkspace();
  return (
    <Stack gap="lg">
      <TabBar
        label={strings.settingsLayout.tabsLabel}
        tabs={TABS.filter(({ isAdminOnly }) => isAdminOnly !== true || isAdmin)}
      />
      <Outlet />
    </Stack>
  );
}
