import { Button, Group } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Project } from '../../contract/projects.ts';
import { AppList } from '../apps/app-list.tsx';
import { DescriptionList, resourceItems } from '../components/description-list.tsx';
import { DeleteButton, EditButton } from '../components/edit-delete-buttons.tsx';
import { IconPlus } from '../components/icons.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { Page } from '../components/page.tsx';
import { NamedResourcePage } from '../components/resource-page.tsx';
import { Section } from '../components/section.tsx';
import { BlockSkeleton } from '../components/states.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const EditProjectDialog = lazyComponent(() => import('./project-dialogs.tsx').then((file) => file.EditProjectDialog));
const DeleteProjectDialog = lazyComponent(() =>
  import('./project-dialogs.tsx').then((file) => file.DeleteProjectDialog),
);
const CreateAppDialog = lazyComponent(() =>
  import('../apps/create-app-dialog.tsx').then((file) => file.CreateAppDialog),
);
const VariableList = lazyComponent(
  () => import('../environment/variable-list.tsx').then((file) => file.VariableList),
  <BlockSkeleton />,
);

function ProjectDetails({ project }: { readonly project: Project }) {
  const { isAdmin } = useWorkspace();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<'edit' | 'delete' | 'createApp' | null>(null);
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
            <EditButton onClick={() => setDialog('edit')} />
            <DeleteButton onClick={() => setDialog('delete')} />
          </Group>
        )
      }
    >
      <Section
        title={strings.projectPage.appsTitle}
        actions={
          isAdmin && (
            <Button size="xs" leftSection={<IconPlus size={16} />} onClick={() => setDialog('createApp')}>
              {strings.projectPage.newApp}
            </Button>
          )
        }
      >
        <AppList
          filter={{ project: project.id }}
          emptyText={isAdmin ? strings.projectPage.emptyText : strings.projectPage.emptyTextForMembers}
        />
      </Section>
      <Section title={strings.projectPage.variablesTitle} description={strings.projectPage.variablesDescription}>
        <VariableList key={project.id} owner={{ kind: 'project', ...project }} />
      </Section>
      <Section title={strings.projectPage.detailsTitle}>
        <DescriptionList items={[...resourceItems(project)]} />
      </Section>
      {dialog === 'edit' && <EditProjectDialog project={project} onClose={close} />}
      {dialog === 'delete' && (
        <DeleteProjectDialog
          project={project}
          onClose={close}
          onDeleted={() => void navigate({ to: '/projects', search: {} })}
        />
      )}
      {dialog === 'createApp' && (
        <CreateAppDialog
          project={project}
          onClose={close}
          onCreated={({ id }) => void navigate({ to: '/apps/$app', params: { app: id }, search: {} })}
        />
      )}
    </Page>
  );
}

/** The page of a project: its apps, its variables and its details. */
export function ProjectPage() {
  const { api } = useWorkspace();
  return (
    <NamedResourcePage noun="project" get={api.projects.get}>
      {(project) => <ProjectDetails project={project} />}
    </NamedResourcePage>
  );
}
