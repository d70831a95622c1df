import { Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { lazy } from 'react';
import type { App } from '../../contract/apps.ts';
import type { Column } from '../components/data-table.tsx';
import { SelectFilter } from '../components/filters.tsx';
import { IconAppWindow } from '../components/icons.ts';
import { NameLink, TextLink } from '../components/link.tsx';
import { getResourceSort, useListState } from '../components/list-state.ts';
import { RelativeTime } from '../components/relative-time.tsx';
import { ResourceListPage } from '../components/resource-list-page.tsx';
import { importWhenOnline } from '../connection.ts';
import { useWorkspace } from '../session.ts';
import { type ResourceNames, useResourceNames } from './resource-names.ts';

const CreateAppDialog = lazy(async () => ({
  default: (await importWhenOnline(() => import('./create-app-dialog.tsx'))).CreateAppDialog,
}));
const DeleteAppDialog = lazy(async () => ({
  default: (await importWhenOnline(() => import('./delete-app-dialog.tsx'))).DeleteAppDialog,
}));

const DASH = (
  <Text span inherit c="dimmed">
    –
  </Text>
);

function columnsFor(names: ResourceNames): readonly Column<App>[] {
  return [
    {
      key: 'name',
      label: 'Name',
      sort: 'name',
      cell: ({ id, name, slug }) => (
        <>
          <NameLink to="/apps/$app" params={{ app: id }}>
            {name}
          </NameLink>
          <Text component="div" className="mono" c="dimmed">
            {slug}
          </Text>
        </>
      ),
    },
    {
      key: 'project',
      label: 'Project',
      cell: ({ projectId }) => (
        <TextLink to="/projects/$project" params={{ project: projectId }}>
          {names.projectName(projectId) ?? projectId}
        </TextLink>
      ),
    },
    {
      key: 'server',
      label: 'Server',
      cell: ({ serverId }) =>
        serverId === null ? (
          DASH
        ) : (
          <TextLink to="/servers/$server" params={{ server: serverId }}>
            {names.serverName(serverId) ?? serverId}
          </TextLink>
        ),
    },
    {
      key: 'source',
      label: 'Source',
      cell: ({ repository, branch }) =>
        repository === null ? (
          DASH
        ) : (
          <Text component="div" className="mono" maw={300} style={{ overflowWrap: 'anywhere' }}>
            {repository} <Text span inherit c="dimmed">{`(${branch})`}</Text>
          </Text>
        ),
    },
    { key: 'created', label: 'Created', sort: 'createdAt', cell: ({ createdAt }) => <RelativeTime time={createdAt} /> },
  ];
}

export function AppsPage() {
  const { api, workspace } = useWorkspace();
  const navigate = useNavigate();
  const state = useListState();
  const names = useResourceNames();
  const query = {
    q: state.get('q'),
    project: state.get('project'),
    server: state.get('server'),
    sort: getResourceSort(state),
    cursor: state.cursor,
  };
  const list = useQuery({
    queryKey: [workspace.id, 'apps', 'list', query],
    queryFn: ({ signal }) => api.apps.list(query, { signal }),
    placeholderData: keepPreviousData,
  });
  const hasProjects = names.isPending || names.projects.length > 0;
  const toOptions = (resources: readonly { readonly id: string; readonly name: string }[]) =>
    resources.map(({ id, name }) => ({ value: id, label: name }));
  const openSettings = ({ id }: { readonly id: string }) =>
    void navigate({ to: '/apps/$app/settings', params: { app: id }, search: {} });
  return (
    <ResourceListPage
      title="Apps"
      plural="apps"
      description="What you deploy: its source, the server it runs on, and its environment."
      icon={<IconAppWindow size={26} />}
      createLabel="New app"
      emptyHint={
        hasProjects ? (
          'An app belongs to a project. You set up its environment, hooks and health check after creating it.'
        ) : (
          <>
            An app belongs to a project, and this workspace has none yet.{' '}
            <TextLink to="/projects">Create a project first.</TextLink>
          </>
        )
      }
      canCreate={hasProjects}
      list={list}
      columns={columnsFor(names)}
      state={state}
      filters={['q', 'project', 'server']}
      filterControls={
        <>
          <SelectFilter
            state={state}
            name="project"
            label="Project"
            anyLabel="Any project"
            options={toOptions(names.projects)}
          />
          <SelectFilter
            state={state}
            name="server"
            label="Server"
            anyLabel="Any server"
            options={toOptions(names.servers)}
          />
        </>
      }
      renderCreateDialog={(close) => (
        <CreateAppDialog
          onClose={close}
          onCreated={({ id }) => void navigate({ to: '/apps/$app', params: { app: id }, search: {} })}
        />
      )}
      onEdit={openSettings}
      renderDeleteDialog={(app, close) => <DeleteAppDialog app={app} onClose={close} />}
    />
  );
}
