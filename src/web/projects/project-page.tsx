import { Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import type { Project } from '../../contract/projects.ts';
import { AppList } from '../apps/app-list.tsx';
import { CopyableId } from '../components/copyable-id.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { EditDeleteButtons } from '../components/edit-delete-buttons.tsx';
import { IconPlus } from '../components/icons.ts';
import { BackLink } from '../components/link.tsx';
import { Page } from '../components/page.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { ResourcePage } from '../components/resource-page.tsx';
import { Section } from '../components/section.tsx';
import { importWhenOnline } from '../connection.ts';
import { useWorkspace } from '../session.ts';

const importDialogs = () => importWhenOnline(() => import('./project-dialogs.tsx'));
const EditProjectDialog = lazy(async () => ({ default: (await importDialogs()).EditProjectDialog }));
const DeleteProjectDialog = lazy(async () => ({ default: (await importDialogs()).DeleteProjectDialog }));
const CreateAppDialog = lazy(async () => ({
  default: (await importWhenOnline(() => import('../apps/create-app-dialog.tsx'))).CreateAppDialog,
}));

function ProjectDetails({ project }: { readonly project: Project }) {
  const { isAdmin } = useWorkspace();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<'edit' | 'delete' | 'app' | null>(null);
  const close = () => setDialog(null);
  return (
    <Page
      title={project.name}
      description={
        project.description !== null && <span style={{ whiteSpace: 'pre-line' }}>{project.description}</span>
      }
      actions={
        isAdmin && (
          <Group gap="xs">
            <EditDeleteButtons onEdit={() => setDialog('edit')} onDelete={() => setDialog('delete')} />
          </Group>
        )
      }
    >
      <Section
        title="Apps"
        actions={
          isAdmin && (
            <Button size="xs" leftSection={<IconPlus size={16} />} onClick={() => setDialog('app')}>
              New app
            </Button>
          )
        }
      >
        <AppList
          query={{ project: project.id }}
          emptyText={
            isAdmin ? 'No apps in this project yet.' : 'No apps in this project yet. An owner or admin can create one.'
          }
        />
      </Section>
      <Section title="Details">
        <DescriptionList
          items={[
            [
              'Slug',
              <span key="slug" className="mono">
                {project.slug}
              </span>,
            ],
            ['Created', <RelativeTime key="created" time={project.createdAt} />],
            ['Updated', <RelativeTime key="changed" time={project.updatedAt} />],
            ['ID', <CopyableId key="id" id={project.id} />],
          ]}
        />
      </Section>
      <Suspense fallback={null}>
        {dialog === 'edit' && <EditProjectDialog project={project} onClose={close} />}
        {dialog === 'delete' && (
          <DeleteProjectDialog
            project={project}
            onClose={close}
            onDeleted={() => void navigate({ to: '/projects', search: {} })}
          />
        )}
        {dialog === 'app' && (
          <CreateAppDialog
            project={project}
            onClose={close}
            onCreated={({ id }) => void navigate({ to: '/apps/$app', params: { app: id }, search: {} })}
          />
        )}
      </Suspense>
    </Page>
  );
}

/** The page of a project: its apps and its details. */
export function ProjectPage() {
  const { api, workspace } = useWorkspace();
  const { project: id = '' } = useParams({ strict: false });
  const query = useQuery({
    queryKey: [workspace.id, 'projects', id],
    queryFn: ({ signal }) => api.projects.get(id, { signal }),
  });
  return (
    <ResourcePage noun="project" title="Project" backLink={<BackLink to="/projects">Projects</BackLink>} query={query}>
      {(project) => <ProjectDetails project={project} />}
    </ResourcePage>
  );
}
