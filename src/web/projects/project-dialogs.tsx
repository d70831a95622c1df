import type { UseFormReturnType } from '@mantine/form';
import { LIMITS } from '../../contract/limits.ts';
import type { Project } from '../../contract/projects.ts';
import { DeleteResourceDialog } from '../components/delete-resource-dialog.tsx';
import { DescriptionInput, NameInput } from '../components/fields.tsx';
import { CreateResourceDialog, EditResourceDialog } from '../components/resource-dialogs.tsx';
import { SlugField } from '../components/slug-field.tsx';
import { useWorkspace } from '../session.ts';
import {
  NEW_PROJECT_VALUES,
  PROJECT_RULES,
  type ProjectFormValues,
  toCreateRequest,
  toFormValues,
  toRequestFields,
} from './project-form.ts';
import { strings } from './strings.ts';

const FIELD_LABELS = strings.projectDialogs.fieldLabels;

function NameAndDescription({ form }: { readonly form: UseFormReturnType<ProjectFormValues> }) {
  return (
    <>
      <NameInput placeholder={strings.projectDialogs.namePlaceholder} {...form.getInputProps('name')} />
      <DescriptionInput maxLength={LIMITS.description.max} {...form.getInputProps('description')} />
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
      toRequestFields={toRequestFields}
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
      {strings.projectDialogs.consequences}
    </DeleteResourceDialog>
  );
}
