import { useNavigate } from '@tanstack/react-router';
import type { Project } from '../../contract/projects.ts';
import { CREATED_COLUMN, nameColumn, UPDATED_COLUMN } from '../components/columns.tsx';
import type { Column } from '../components/data-table.tsx';
import { IconFolder } from '../components/icons.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { ResourceListPage } from '../components/resource-list-page.tsx';
import { mono } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const CreateProjectDialog = lazyComponent(() =>
  import('./project-dialogs.tsx').then((file) => file.CreateProjectDialog),
);
const EditProjectDialog = lazyComponent(() => import('./project-dialogs.tsx').then((file) => file.EditProjectDialog));
const DeleteProjectDialog = lazyComponent(() =>
  import('./project-dialogs.tsx').then((file) => file.DeleteProjectDialog),
);

const COLUMNS: readonly Column<Project>[] = [
  nameColumn('/projects/$project', 'project', ({ description }) => description),
  { key: 'slug', label: strings.projectsPage.slug, cell: ({ slug }) => mono(slug) },
  CREATED_COLUMN,
  UPDATED_COLUMN,
];

export function ProjectsPage() {
  const { api } = useWorkspace();
  const navigate = useNavigate();
  return (
    <ResourceListPage
      noun="project"
      description={strings.projectsPage.description}
      icon={<IconFolder size={26} />}
      emptyHint={strings.projectsPage.emptyHint}
      list={api.projects.list}
      columns={COLUMNS}
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
