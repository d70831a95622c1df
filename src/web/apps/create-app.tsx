import { Text } from '@mantine/core';
import type { App, Project } from '../../contract/resources.ts';
import { CreateDialog } from '../components/resource-dialogs.tsx';
import { SlugField } from '../components/slug-field.tsx';
import { useWorkspace } from '../session.ts';
import { APP_RULES, NEW_APP, wishOf } from './apps.ts';
import { CredentialFields, NameField, ProjectField, SourceFields, TargetFields } from './fields.tsx';
import { useNames } from './names.ts';

interface CreateAppProps {
  /** The project it will belong to, where that is known. */
  readonly project?: Project;
  readonly onClose: () => void;
  readonly onCreated: (app: App) => void;
}

/** Makes an app with what it needs first; hooks, checks and the rest are in its settings. */
export function CreateApp({ project, onClose, onCreated }: CreateAppProps) {
  const { api } = useWorkspace();
  const names = useNames();
  return (
    <CreateDialog
      noun="app"
      initial={{ ...NEW_APP, projectId: project?.id ?? '' }}
      rules={APP_RULES}
      fields={(form) => (
        <>
          <NameField form={form} />
          {project === undefined && <ProjectField form={form} names={names} />}
          <SourceFields form={form} />
          <CredentialFields form={form} isStored={false} />
          <TargetFields form={form} names={names} />
          <SlugField noun="app" from={form.values.name} {...form.getInputProps('slug')} />
          <Text fz="sm" c="dimmed">
            Hooks, health check, logs and backups are set in the app's settings.
          </Text>
        </>
      )}
      create={(values) => api.apps.create(wishOf(values))}
      onClose={onClose}
      onCreated={onCreated}
    />
  );
}
