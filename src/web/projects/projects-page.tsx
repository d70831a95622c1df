import { Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { lazy } from 'react';
import type { Project } from '../../contract/resources.ts';
import type { Column } from '../components/data-table.tsx';
import { IconFolder } from '../components/icons.ts';
import { NameLink } from '../components/link.tsx';
import { sortOf, useListState } from '../components/list-state.ts';
import { ResourcesPage } from '../components/resources-page.tsx';
import { Ago } from '../components/time.tsx';
import { patiently } from '../connection.ts';
import { useWorkspace } from '../session.ts';

const dialogs = () => patiently(() => import('./project-dialogs.tsx'));
const CreateProject = lazy(async () => ({ default: (await dialogs()).CreateProject }));
const EditProject = lazy(async () => ({ default: (await dialogs()).EditProject }));
const DeleteProject = lazy(async () => ({ default: (await dialogs()).DeleteProject }));

const COLUMNS: readonly Column<Project>[] = [
  {
    key: 'name',
    label: 'Name',
    sort: 'name',
    cell: ({ id, name, description }) => (
      <>
        <NameLink to="/projects/$project" params={{ project: id }}>
          {name}
        </NameLink>
        {description !== null && (
          <Text fz="xs" c="dimmed" lineClamp={2} maw={420}>
            {description}
          </Text>
        )}
      </>
    ),
  },
  { key: 'slug', label: 'Slug', cell: ({ slug }) => <span className="mono">{slug}</span> },
  { key: 'created', label: 'Created', sort: 'createdAt', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  { key: 'changed', label: 'Changed', cell: ({ updatedAt }) => <Ago at={updatedAt} /> },
];

/** The projects of the workspace. */
export function ProjectsPage() {
  const { api, workspace } = useWorkspace();
  const navigate = useNavigate();
  const state = useListState();
  const query = { q: state.get('q'), sort: sortOf(state), cursor: state.cursor };
  const list = useQuery({
    queryKey: [workspace.id, 'projects', 'list', query],
    queryFn: ({ signal }) => api.projects.list(query, { signal }),
    placeholderData: keepPreviousData,
  });
  return (
    <ResourcesPage
      title="Projects"
      plural="projects"
      about="A project gathers the apps that belong together, such as a shop and its workers."
      icon={<IconFolder size={26} />}
      create="New project"
      hint="Begin with a project, then put the apps in it that you deploy."
      list={list}
      columns={COLUMNS}
      state={state}
      filters={['q']}
      creator={(close) => (
        <CreateProject
          onClose={close}
          onCreated={({ id }) => void navigate({ to: '/projects/$project', params: { project: id }, search: {} })}
        />
      )}
      editor={(project, close) => <EditProject project={project} onClose={close} />}
      remover={(project, close) => <DeleteProject project={project} onClose={close} />}
    />
  );
}
