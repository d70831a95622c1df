import { Stack, Textarea, TextInput } from '@mantine/core';
import { type UseFormReturnType, useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import type { Project } from '../../contract/resources.ts';
import { LIMITS } from '../../contract/words.ts';
import type { Tagged } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import { DeleteResource } from '../components/delete-resource.tsx';
import { Dialog } from '../components/dialog.tsx';
import { FormFooter, useSubmit } from '../components/form.tsx';
import { Edited, StaleNotice, useGuarded } from '../components/guarded.tsx';
import { SlugField } from '../components/slug-field.tsx';
import { lengthOf } from '../rules.ts';
import { useWorkspace } from '../session.ts';
import { NEW_PROJECT, PROJECT_RULES, type ProjectValues, projectChanges, valuesOf, wishOf } from './projects.ts';

const FIELDS = { name: 'Name', description: 'Description' };

function NameAndDescription({ form }: { readonly form: UseFormReturnType<ProjectValues> }) {
  return (
    <>
      <TextInput label="Name" placeholder="Shop" autoComplete="off" data-autofocus {...form.getInputProps('name')} />
      <Textarea
        label="Description (optional)"
        autosize
        minRows={2}
        maxRows={6}
        inputWrapperOrder={['label', 'input', 'error', 'description']}
        description={`${lengthOf(form.values.description)} of ${LIMITS.description.max} characters`}
        {...form.getInputProps('description')}
      />
    </>
  );
}

interface CreateProjectProps {
  readonly onClose: () => void;
  readonly onCreated: (project: Project) => void;
}

export function CreateProject({ onClose, onCreated }: CreateProjectProps) {
  const { api, workspace } = useWorkspace();
  const form = useForm({ initialValues: NEW_PROJECT, validate: PROJECT_RULES });
  const saving = useSubmit(form, async (values) => {
    const project = await api.projects.create(wishOf(values));
    notifications.show({ message: `The project ${project.name} is there.` });
    onClose();
    onCreated(project);
    void queryClient.invalidateQueries({ queryKey: [workspace.id, 'projects'] });
  });
  return (
    <Dialog opened onClose={onClose} title="New project" size="lg" closeOnClickOutside={false}>
      <form noValidate onSubmit={form.onSubmit(saving.submit)}>
        <Stack gap="md">
          <NameAndDescription form={form} />
          <SlugField noun="project" from={form.values.name} {...form.getInputProps('slug')} />
          <FormFooter saving={saving} submit="Create project" onCancel={onClose} />
        </Stack>
      </form>
    </Dialog>
  );
}

function EditForm({ loaded, onClose }: { readonly loaded: Tagged<Project>; readonly onClose: () => void }) {
  const { api, workspace } = useWorkspace();
  const { id } = loaded.value;
  const guarded = useGuarded(loaded, () => api.projects.read(id));
  const form = useForm({ initialValues: valuesOf(loaded.value), validate: PROJECT_RULES });
  const saving = useSubmit(form, async (values) => {
    const changes = projectChanges(guarded.base, values);
    if (Object.keys(changes).length > 0) {
      const { name } = await guarded.save((ifMatch) => api.projects.update(id, changes, { ifMatch }));
      notifications.show({ message: `Saved ${name}.` });
      void queryClient.invalidateQueries({ queryKey: [workspace.id, 'projects'] });
    }
    onClose();
  });
  return (
    <form noValidate onSubmit={form.onSubmit(saving.submit)}>
      <Stack gap="md">
        <NameAndDescription form={form} />
        <FormFooter
          saving={saving}
          submit={guarded.theirs === null ? 'Save' : 'Save again'}
          onCancel={onClose}
          notice={
            guarded.theirs !== null && (
              <StaleNotice
                before={guarded.base}
                now={guarded.theirs}
                labels={FIELDS}
                onTakeTheirs={() => form.setValues(valuesOf(guarded.takeTheirs()))}
              />
            )
          }
        />
      </Stack>
    </form>
  );
}

export function EditProject({ project, onClose }: { readonly project: Project; readonly onClose: () => void }) {
  const { api, workspace } = useWorkspace();
  return (
    <Dialog opened onClose={onClose} title={`Edit ${project.name}`} size="lg" closeOnClickOutside={false}>
      <Edited
        queryKey={[workspace.id, 'projects', project.id]}
        read={(signal) => api.projects.read(project.id, { signal })}
      >
        {(loaded) => <EditForm loaded={loaded} onClose={onClose} />}
      </Edited>
    </Dialog>
  );
}

interface DeleteProjectProps {
  readonly project: Project;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}

export function DeleteProject({ project, onClose, onDeleted }: DeleteProjectProps) {
  const { api } = useWorkspace();
  return (
    <DeleteResource
      noun="project"
      name={project.name}
      remove={() => api.projects.delete(project.id)}
      onClose={onClose}
      onDeleted={onDeleted}
    >
      A project that still holds apps is not deleted: delete the apps first, or move them to another project.
    </DeleteResource>
  );
}
