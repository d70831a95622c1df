import { Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import type { Project } from '../../contract/resources.ts';
import { AppRows } from '../apps/app-rows.tsx';
import { EditDelete } from '../components/edit-delete.tsx';
import { Facts } from '../components/facts.tsx';
import { IconPlus } from '../components/icons.ts';
import { Id } from '../components/id.tsx';
import { BackLink } from '../components/link.tsx';
import { OneThing } from '../components/one-thing.tsx';
import { Page } from '../components/page.tsx';
import { Section } from '../components/section.tsx';
import { Ago } from '../components/time.tsx';
import { patiently } from '../connection.ts';
import { useWorkspace } from '../session.ts';

const dialogs = () => patiently(() => import('./project-dialogs.tsx'));
const EditProject = lazy(async () => ({ default: (await dialogs()).EditProject }));
const DeleteProject = lazy(async () => ({ default: (await dialogs()).DeleteProject }));
const CreateApp = lazy(async () => ({
  default: (await patiently(() => import('../apps/create-app.tsx'))).CreateApp,
}));

function About({ project }: { readonly project: Project }) {
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
            <EditDelete onEdit={() => setDialog('edit')} onDelete={() => setDialog('delete')} />
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
        <AppRows
          query={{ project: project.id }}
          nothing={
            isAdmin ? 'No apps in this project yet.' : 'No apps in this project yet. An owner or admin can create some.'
          }
        />
      </Section>
      <Section title="Facts">
        <Facts
          facts={[
            [
              'Slug',
              <span key="slug" className="mono">
                {project.slug}
              </span>,
            ],
            ['Created', <Ago key="created" at={project.createdAt} />],
            ['Changed', <Ago key="changed" at={project.updatedAt} />],
            ['Id', <Id key="id" id={project.id} />],
          ]}
        />
      </Section>
      <Suspense fallback={null}>
        {dialog === 'edit' && <EditProject project={project} onClose={close} />}
        {dialog === 'delete' && (
          <DeleteProject
            project={project}
            onClose={close}
            onDeleted={() => void navigate({ to: '/projects', search: {} })}
          />
        )}
        {dialog === 'app' && (
          <CreateApp
            project={project}
            onClose={close}
            onCreated={({ id }) => void navigate({ to: '/apps/$app', params: { app: id }, search: {} })}
          />
        )}
      </Suspense>
    </Page>
  );
}

/** One project: its apps and its facts. */
export function ProjectPage() {
  const { api, workspace } = useWorkspace();
  const { project: id = '' } = useParams({ strict: false });
  const query = useQuery({
    queryKey: [workspace.id, 'projects', id],
    queryFn: ({ signal }) => api.projects.get(id, { signal }),
  });
  return (
    <OneThing noun="project" title="Project" back={<BackLink to="/projects">Projects</BackLink>} query={query}>
      {(project) => <About project={project} />}
    </OneThing>
  );
}
