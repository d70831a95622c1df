import { Skeleton } from '@mantine/core';
import { Link, type LinkProps, Outlet } from '@tanstack/react-router';
import { Suspense } from 'react';
import type { App } from '../../contract/apps.ts';
import { BackLink, TextLink } from '../components/link.tsx';
import { Page } from '../components/page.tsx';
import { ResourcePage } from '../components/resource-page.tsx';
import { useWorkspace } from '../session.ts';
import { useAppQuery } from './app-query.ts';
import styles from './apps.module.css';
import { useResourceNames } from './resource-names.tsx';

const TABS: readonly { readonly to: NonNullable<LinkProps['to']>; readonly label: string; readonly admin?: true }[] = [
  { to: '/apps/$app', label: 'Overview' },
  { to: '/apps/$app/deployments', label: 'Deployments' },
  { to: '/apps/$app/environment', label: 'Environment' },
  { to: '/apps/$app/log', label: 'Log' },
  { to: '/apps/$app/backups', label: 'Backups' },
  { to: '/apps/$app/settings', label: 'Settings', admin: true },
];

function Tabs({ app }: { readonly app: App }) {
  const { isAdmin } = useWorkspace();
  return (
    <nav aria-label={app.name} className={styles['tabs']}>
      {TABS.filter(({ admin }) => admin !== true || isAdmin).map(({ to, label }) => (
        <Link
          key={to}
          to={to}
          // Keeps the ID or slug in the URL as it is, because the active tab is the one whose link matches the URL.
          params={true as never}
          search={{} as never}
          className={styles['tab']}
          activeOptions={{ includeSearch: false, exact: true }}
        >
          {label}
        </Link>
      ))}
    </nav>
  );
}

/** The page of an app: its name, its tabs, and the tab in the URL. */
export function AppPage() {
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
          <Tabs app={app} />
          <Suspense fallback={<Skeleton h={240} radius="lg" />}>
            <Outlet />
          </Suspense>
        </Page>
      )}
    </ResourcePage>
  );
}
