import { Textarea, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { LIMITS } from '../../contract/limits.ts';
import type { Project } from '../../contract/projects.ts';
import { DeleteResourceDialog } from '../components/delete-resource-dialog.tsx';
import { CreateResourceDialog, EditResourceDialog } from '../components/resource-dialogs.tsx';
import { SlugField } from '../components/slug-field.tsx';
import { useWorkspace } from '../session.ts';
import { countCodePoints } from '../validation.ts';
import {
  NEW_PROJECT_VALUES,
  PROJECT_RULES,
  type ProjectFormValues,
  toCreateRequest,
  toFormValues,
  toUpdateRequest,
} from './project-form.ts';

const FIELD_LABELS = { name: 'Name', description: 'Description' };

function NameAndDescription({ form }: { readonly form: UseFormReturnType<ProjectFormValues> }) {
  return (
    <>
      <TextInput label="Name" placeholder="Shop" autoComplete="off" data-autofocus {...form.getInputProps('name')} />
      <Textarea
        label="Description (optional)"
        autosize
        minRows={2}
        maxRows={6}
        inputWrapperOrder={['label', 'input', 'error', 'description']}
        description={`${countCodePoints(form.values.description)} of ${LIMITS.description.max} characters`}
        {...form.getInputProps('description')}
      />
    </>
  );
}

interface CreateProjectDialogProps {
  readonly onClose: () => void;
  readonly onCreated: (project: Project) => void;
}

export function CreateProjectDialog({ onClose, onCreated }: CreateProjectDialogProps) {
  const { api } = useWorkspace();
  return (
    <CreateResourceDialog
      noun="project"
      initial={NEW_PROJECT_VALUES}
      validate={PROJECT_RULES}
      renderFields={(form) => (
        <>
          <NameAndDescription form={form} />
          <SlugField noun="project" sourceName={form.values.name} {...form.getInputProps('slug')} />
        </>
      )}
      create={(values) => api.projects.create(toCreateRequest(values))}
      onClose={onClose}
      onCreated={onCreated}
    />
  );
}

export function EditProjectDialog({ project, onClose }: { readonly project: Project; readonly onClose: () => void }) {
  const { api } = useWorkspace();
  return (
    <EditResourceDialog
      noun="project"
      item={project}
      toFormValues={toFormValues}
      validate={PROJECT_RULES}
      renderFields={(form) => <NameAndDescription form={form} />}
      toUpdateRequest={toUpdateRequest}
      labels={FIELD_LABELS}
      read={(options) => api.projects.read(project.id, options)}
      update={(changes, options) => api.projects.update(project.id, changes, options)}
      onClose={onClose}
    />
  );
}

interface DeleteProjectDialogProps {
  readonly project: Project;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}

export function DeleteProjectDialog({ project, onClose, onDeleted }: DeleteProjectDialogProps) {
  const { api } = useWorkspace();
  return (
    <DeleteResourceDialog
      noun="project"
      name={project.name}
      remove={() => api.projects.delete(project.id)}
      onClose={onClose}
      onDeleted={onDeleted}
    >
      A project with apps cannot be deleted. Delete its apps or move them to another project first.
    </DeleteResourceDialog>
  );
}
