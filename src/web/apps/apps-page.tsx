import { Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import type { App } from '../../contract/apps.ts';
import { CREATED_COLUMN, nameColumn } from '../components/columns.tsx';
import type { Column } from '../components/data-table.tsx';
import { IconAppWindow } from '../components/icons.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { ButtonLink, TextLink } from '../components/link.tsx';
import { ResourceListPage } from '../components/resource-list-page.tsx';
import { isolate } from '../components/sentence.ts';
import { dimmed, mono } from '../components/text.tsx';
import { DeployButton, missingConfiguration } from '../deployments/deploy-button.tsx';
import { useWorkspace } from '../session.ts';
import { ProjectLink, ServerLink, useProjectsAndServers } from './resource-names.tsx';
import { strings } from './strings.ts';

const CreateAppDialog = lazyComponent(() => import('./create-app-dialog.tsx').then((file) => file.CreateAppDialog));
const DeleteAppDialog = lazyComponent(() => import('./delete-app-dialog.tsx').then((file) => file.DeleteAppDialog));

/** The deploy button or, if settings are missing, a link to the settings for those who can edit them. */
function DeployCell({ app }: { readonly app: App }) {
  const { isAdmin } = useWorkspace();
  if (missingConfiguration(app) === null)
    return <DeployButton app={app} size="compact-sm" variant="default" withName />;
  if (!isAdmin) return dimmed('–');
  return (
    <TextLink to="/apps/$app/settings" params={{ app: app.id }} fz="sm">
      {app.repository === null ? strings.appsPage.setRepository : strings.appsPage.setDirectory}
      <span className="visually-hidden"> {isolate(app.name)}</span>
    </TextLink>
  );
}

const COLUMNS: readonly Column<App>[] = [
  nameColumn('/apps/$app', 'app', ({ slug }) => mono(slug)),
  { key: 'project', label: strings.appsPage.project, cell: ({ projectId }) => <ProjectLink id={projectId} /> },
  {
    key: 'server',
    label: strings.appsPage.server,
    cell: ({ serverId }) => (serverId === null ? dimmed('–') : <ServerLink id={serverId} />),
  },
  {
    key: 'source',
    label: strings.appsPage.source,
    cell: ({ repository, branch }) =>
      repository === null ? (
        dimmed('–')
      ) : (
        <Text component="div" className="mono" maw={300} style={{ overflowWrap: 'anywhere' }}>
          {repository} {dimmed(`(${branch})`)}
        </Text>
      ),
  },
  CREATED_COLUMN,
  {
    key: 'deploy',
    label: strings.appsPage.deploy,
    cell: (app) => <DeployCell app={app} />,
  },
];

export function AppsPage() {
  const { api } = useWorkspace();
  const navigate = useNavigate();
  const { projects, servers, isPending } = useProjectsAndServers();
  const hasProjects = isPending || projects.length > 0;
  return (
    <ResourceListPage
      noun="app"
      description={strings.appsPage.description}
      icon={<IconAppWindow size={26} />}
      emptyHint={hasProjects ? strings.appsPage.emptyHint : strings.appsPage.needsProject}
      prerequisite={
        hasProjects ? undefined : <ButtonLink to="/projects">{strings.appsPage.createAProjectFirst}</ButtonLink>
      }
      list={api.apps.list}
      columns={COLUMNS}
      filters={{ project: projects, server: servers }}
      renderCreateDialog={(close) => (
        <CreateAppDialog
          onClose={close}
          onCreated={({ id }) => void navigate({ to: '/apps/$app', params: { app: id }, search: {} })}
        />
      )}
      onEdit={({ id }) => void navigate({ to: '/apps/$app/settings', params: { app: id }, search: {} })}
      renderDeleteDialog={(app, close) => <DeleteAppDialog app={app} onClose={close} />}
    />
  );
}
