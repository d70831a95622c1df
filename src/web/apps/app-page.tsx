import { Skeleton } from '@mantine/core';
import { Outlet } from '@tanstack/react-router';
import { Suspense } from 'react';
import { BackLink, TextLink } from '../components/link.tsx';
import { Page } from '../components/page.tsx';
import { ResourcePage } from '../components/resource-page.tsx';
import { type LinkTab, TabBar } from '../components/tab-bar.tsx';
import { DeployButton } from '../deployments/deploy-button.tsx';
import { useWorkspace } from '../session.ts';
import { useAppQuery } from './app-query.ts';
import { useProjectsAndServers } from './resource-names.tsx';
import { strings } from './strings.ts';

const TABS: readonly (LinkTab & { readonly isForAdmins?: true })[] = [
  { to: '/apps/$app', label: strings.appPage.tabs.overview, exact: true },
  { to: '/apps/$app/deployments', label: strings.appPage.tabs.deployments },
  { to: '/apps/$app/environment', label: strings.appPage.tabs.environment },
  { to: '/apps/$app/log', label: strings.appPage.tabs.log },
  { to: '/apps/$app/backups', label: strings.appPage.tabs.backups },
  { to: '/apps/$app/settings', label: strings.appPage.tabs.settings, isForAdmins: true },
];

/** The page of an app: its name, its tabs, and the tab in the URL. */
export function AppPage() {
  const { isAdmin } = useWorkspace();
  const query = useAppQuery();
  const { projectName } = useProjectsAndServers();
  return (
    <ResourcePage
      noun="app"
      title={strings.appPage.title}
      backLink={<BackLink to="/apps">{strings.appPage.listTitle}</BackLink>}
      query={query}
    >
      {(app) => (
        <Page
          title={app.name}
          description={strings.appPage.inProject(
            <TextLink to="/projects/$project" params={{ project: app.projectId }}>
              {projectName(app.projectId) ?? app.projectId}
            </TextLink>,
          )}
          actions={<DeployButton key={app.id} app={app} />}
        >
          <TabBar label={app.name} tabs={TABS.filter(({ isForAdmins }) => isForAdmins !== true || isAdmin)} />
          <Suspense fallback={<Skeleton h={240} radius="lg" />}>
            <Outlet />
          </Suspense>
        </Page>
      )}
    </ResourcePage>
  );
}
