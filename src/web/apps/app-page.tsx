import { Skeleton } from '@mantine/core';
import { Outlet } from '@tanstack/react-router';
import { Suspense } from 'react';
import { BackLink, TextLink } from '../components/link.tsx';
import { Page } from '../components/page.tsx';
import { ResourcePage } from '../components/resource-page.tsx';
import { type LinkTab, TabBar } from '../components/tab-bar.tsx';
import { useWorkspace } from '../session.ts';
import { useAppQuery } from './app-query.ts';
import { useResourceNames } from './resource-names.tsx';

const TABS: readonly (LinkTab & { readonly admin?: true })[] = [
  { to: '/apps/$app', label: 'Overview', exact: true },
  { to: '/apps/$app/deployments', label: 'Deployments' },
  { to: '/apps/$app/environment', label: 'Environment' },
  { to: '/apps/$app/log', label: 'Log' },
  { to: '/apps/$app/backups', label: 'Backups' },
  { to: '/apps/$app/settings', label: 'Settings', admin: true },
];

/** The page of an app: its name, its tabs, and the tab in the URL. */
export function AppPage() {
  const { isAdmin } = useWorkspace();
  const query = useAppQuery();
  const { projectName } = useResourceNames();
  return (
    <ResourcePage noun="app" title="App" backLink={<BackLink to="/apps">Apps</BackLink>} query={query}>
      {(app) => (
        <Page
          title={app.name}
          description={
            <>
              In project{' '}
              <TextLink to="/projects/$project" params={{ project: app.projectId }}>
                {projectName(app.projectId) ?? app.projectId}
              </TextLink>
            </>
          }
        >
          <TabBar label={app.name} tabs={TABS.filter(({ admin }) => admin !== true || isAdmin)} />
          <Suspense fallback={<Skeleton h={240} radius="lg" />}>
            <Outlet />
          </Suspense>
        </Page>
      )}
    </ResourcePage>
  );
}
