import { Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import type { App, Project } from '../../contract/resources.ts';
import { queryClient } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { FormFooter, useSubmit } from '../components/form.tsx';
import { SlugField } from '../components/slug-field.tsx';
import { useWorkspace } from '../session.ts';
import { APP_RULES, NEW_APP, wishOf } from './apps.ts';
import { NameField, ProjectField, SourceFields, TargetFields } from './fields.tsx';
import { useNames } from './names.ts';

interface CreateAppProps {
  /** The project it will belong to, where that is known. */
  readonly project?: Project;
  readonly onClose: () => void;
  readonly onCreated: (app: App) => void;
}

/** Makes an app with what it needs first; hooks, checks and the rest are in its settings. */
export function CreateApp({ project, onClose, onCreated }: CreateAppProps) {
  const { api, workspace } = useWorkspace();
  const names = useNames();
  const form = useForm({ initialValues: { ...NEW_APP, projectId: project?.id ?? '' }, validate: APP_RULES });
  const saving = useSubmit(form, async (values) => {
    const app = await api.apps.create(wishOf(values));
    notifications.show({ message: `The app ${app.name} is there.` });
    onClose();
    onCreated(app);
    void queryClient.invalidateQueries({ queryKey: [workspace.id, 'apps'] });
  });
  return (
    <Dialog opened onClose={onClose} title="New app" size="lg" closeOnClickOutside={false}>
      <form noValidate onSubmit={form.onSubmit(saving.submit)}>
        <Stack gap="md">
          <NameField form={form} />
          {project === undefined && <ProjectField form={form} names={names} />}
          <SourceFields form={form} />
          <TargetFields form={form} names={names} />
          <SlugField noun="app" from={form.values.name} {...form.getInputProps('slug')} />
          <Text fz="sm" c="dimmed">
            Hooks, health check, logs and backups are set in the app's settings.
          </Text>
          <FormFooter saving={saving} submit="Create app" onCancel={onClose} />
        </Stack>
      </form>
    </Dialog>
  );
}
