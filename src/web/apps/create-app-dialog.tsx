import type { App } from '../../contract/apps.ts';
import type { Project } from '../../contract/projects.ts';
import { NameInput } from '../components/fields.tsx';
import { CreateResourceDialog } from '../components/resource-dialogs.tsx';
import { SlugField } from '../components/slug-field.tsx';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { ProjectField, RepositoryCredentialFields, SourceFields, TargetFields } from './app-fields.tsx';
import { APP_RULES, NEW_APP_VALUES, toCreateRequest } from './app-form.ts';
import { strings } from './form-strings.ts';
import { useProjectsAndServers } from './resource-names.tsx';

interface CreateAppDialogProps {
  /** The project of the app, if the dialog is opened from one. */
  readonly project?: Project;
  readonly onClose: () => void;
  readonly onCreated: (app: App) => void;
}

/** Creates an app with its essential settings. Hooks, checks and everything else are set on its settings tab. */
export function CreateAppDialog({ project, onClose, onCreated }: CreateAppDialogProps) {
  const { api } = useWorkspace();
  const options = useProjectsAndServers();
  return (
    <CreateResourceDialog
      noun="app"
      initial={{ ...NEW_APP_VALUES, projectId: project?.id ?? '' }}
      validate={APP_RULES}
      renderFields={(form) => (
        <>
          <NameInput placeholder={strings.createAppDialog.namePlaceholder} {...form.getInputProps('name')} />
          {project === undefined && <ProjectField form={form} options={options} />}
          <SourceFields form={form} />
          <RepositoryCredentialFields form={form} hasStoredPassword={false} />
          <TargetFields form={form} options={options} />
          <SlugField noun="app" sourceName={form.values.name} {...form.getInputProps('slug')} />
          <DimmedText>{strings.createAppDialog.laterSettings}</DimmedText>
        </>
      )}
      create={(values) => api.apps.create(toCreateRequest(values))}
      onClose={onClose}
      onCreated={onCreated}
    />
  );
}
