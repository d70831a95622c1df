import { Textarea, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import type { Project } from '../../contract/resources.ts';
import { LIMITS } from '../../contract/words.ts';
import { DeleteResource } from '../components/delete-resource.tsx';
import { CreateDialog, EditDialog } from '../components/resource-dialogs.tsx';
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
  const { api } = useWorkspace();
  return (
    <CreateDialog
      noun="project"
      initial={NEW_PROJECT}
      rules={PROJECT_RULES}
      fields={(form) => (
        <>
          <NameAndDescription form={form} />
          <SlugField noun="project" from={form.values.name} {...form.getInputProps('slug')} />
        </>
      )}
      create={(values) => api.projects.create(wishOf(values))}
      onClose={onClose}
      onCreated={onCreated}
    />
  );
}

export function EditProject({ project, onClose }: { readonly project: Project; readonly onClose: () => void }) {
  const { api } = useWorkspace();
  return (
    <EditDialog
      noun="project"
      item={project}
      valuesOf={valuesOf}
      rules={PROJECT_RULES}
      fields={(form) => <NameAndDescription form={form} />}
      changesOf={projectChanges}
      labels={FIELDS}
      read={(call) => api.projects.read(project.id, call)}
      update={(changes, call) => api.projects.update(project.id, changes, call)}
      onClose={onClose}
    />
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
