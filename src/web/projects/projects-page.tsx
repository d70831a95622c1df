import { Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { lazy } from 'react';
import type { Project } from '../../contract/projects.ts';
import type { Column } from '../components/data-table.tsx';
import { IconFolder } from '../components/icons.ts';
import { NameLink } from '../components/link.tsx';
import { getResourceSort, useListState } from '../components/list-state.ts';
import { RelativeTime } from '../components/relative-time.tsx';
import { ResourceListPage } from '../components/resource-list-page.tsx';
import { importWhenOnline } from '../connection.ts';
import { useWorkspace } from '../session.ts';

const importDialogs = () => importWhenOnline(() => import('./project-dialogs.tsx'));
const CreateProjectDialog = lazy(async () => ({ default: (await importDialogs()).CreateProjectDialog }));
const EditProjectDialog = lazy(async () => ({ default: (await importDialogs()).EditProjectDialog }));
const DeleteProjectDialog = lazy(async () => ({ default: (await importDialogs()).DeleteProjectDialog }));

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
  { key: 'created', label: 'Created', sort: 'createdAt', cell: ({ createdAt }) => <RelativeTime time={createdAt} /> },
  { key: 'changed', label: 'Updated', cell: ({ updatedAt }) => <RelativeTime time={updatedAt} /> },
];

export function ProjectsPage() {
  const { api, workspace } = useWorkspace();
  const navigate = useNavigate();
  const state = useListState();
  const query = { q: state.get('q'), sort: getResourceSort(state), cursor: state.cursor };
  const list = useQuery({
    queryKey: [workspace.id, 'projects', 'list', query],
    queryFn: ({ signal }) => api.projects.list(query, { signal }),
    placeholderData: keepPreviousData,
  });
  return (
    <ResourceListPage
      title="Projects"
      plural="projects"
      description="A project groups apps that belong together, such as a shop and its workers."
      icon={<IconFolder size={26} />}
      createLabel="New project"
      emptyHint="Create a project, then add the apps you deploy to it."
      list={list}
      columns={COLUMNS}
      state={state}
      filters={['q']}
      renderCreateDialog={(close) => (
        <CreateProjectDialog
          onClose={close}
          onCreated={({ id }) => void navigate({ to: '/projects/$project', params: { project: id }, search: {} })}
        />
      )}
      renderEditDialog={(project, close) => <EditProjectDialog project={project} onClose={close} />}
      renderDeleteDialog={(project, close) => <DeleteProjectDialog project={project} onClose={close} />}
    />
  );
}
