import { Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { lazy } from 'react';
import type { App } from '../../contract/resources.ts';
import type { Column } from '../components/data-table.tsx';
import { Choice } from '../components/filters.tsx';
import { IconAppWindow } from '../components/icons.ts';
import { NameLink, TextLink } from '../components/link.tsx';
import { sortOf, useListState } from '../components/list-state.ts';
import { ResourcesPage } from '../components/resources-page.tsx';
import { Ago } from '../components/time.tsx';
import { patiently } from '../connection.ts';
import { useWorkspace } from '../session.ts';
import { type Names, useNames } from './names.ts';

const CreateApp = lazy(async () => ({ default: (await patiently(() => import('./create-app.tsx'))).CreateApp }));
const DeleteApp = lazy(async () => ({ default: (await patiently(() => import('./delete-app.tsx'))).DeleteApp }));

const dash = (
  <Text span inherit c="dimmed">
    –
  </Text>
);

function columnsFor(names: Names): readonly Column<App>[] {
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
          dash
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
          dash
        ) : (
          <Text component="div" className="mono" maw={300} style={{ overflowWrap: 'anywhere' }}>
            {repository} <Text span inherit c="dimmed">{`(${branch})`}</Text>
          </Text>
        ),
    },
    { key: 'created', label: 'Created', sort: 'createdAt', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  ];
}

/** The apps of the workspace. */
export function AppsPage() {
  const { api, workspace } = useWorkspace();
  const navigate = useNavigate();
  const state = useListState();
  const names = useNames();
  const query = {
    q: state.get('q'),
    project: state.get('project'),
    server: state.get('server'),
    sort: sortOf(state),
    cursor: state.cursor,
  };
  const list = useQuery({
    queryKey: [workspace.id, 'apps', 'list', query],
    queryFn: ({ signal }) => api.apps.list(query, { signal }),
    placeholderData: keepPreviousData,
  });
  const hasProjects = names.isPending || names.projects.length > 0;
  const optionsOf = (some: readonly { readonly id: string; readonly name: string }[]) =>
    some.map(({ id, name }) => ({ value: id, label: name }));
  const settingsOf = ({ id }: { readonly id: string }) =>
    void navigate({ to: '/apps/$app/settings', params: { app: id }, search: {} });
  return (
    <ResourcesPage
      title="Apps"
      plural="apps"
      about="What is deployed: where its source is, which server it runs on, and its environment."
      icon={<IconAppWindow size={26} />}
      create="New app"
      hint={
        hasProjects ? (
          'An app belongs to a project. Its environment, hooks and checks are set once it is there.'
        ) : (
          <>
            An app belongs to a project, and there is none yet.{' '}
            <TextLink to="/projects">Create a project first.</TextLink>
          </>
        )
      }
      canCreate={hasProjects}
      list={list}
      columns={columnsFor(names)}
      state={state}
      filters={['q', 'project', 'server']}
      choices={
        <>
          <Choice
            state={state}
            name="project"
            label="Project"
            every="Any project"
            options={optionsOf(names.projects)}
          />
          <Choice state={state} name="server" label="Server" every="Any server" options={optionsOf(names.servers)} />
        </>
      }
      creator={(close) => (
        <CreateApp
          onClose={close}
          onCreated={({ id }) => void navigate({ to: '/apps/$app', params: { app: id }, search: {} })}
        />
      )}
      onEdit={settingsOf}
      remover={(app, close) => <DeleteApp app={app} onClose={close} />}
    />
  );
}
