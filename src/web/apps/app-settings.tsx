import { Group, NativeSelect, Stack } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import type { App } from '../../contract/apps.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { COMMAND_INTERPRETERS } from '../../contract/vocabulary.ts';
import type { Tagged } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import { ConditionalEditFooter, EditLoader, useEditForm } from '../components/conditional-edit.tsx';
import { DangerSection } from '../components/danger-section.tsx';
import { CodeInput, IntegerInput, NameInput, PlainTextInput } from '../components/fields.tsx';
import { Form } from '../components/form.tsx';
import { lazyComponent } from '../components/lazy-component.tsx';
import { NavigationBlocker } from '../components/navigation-blocker.tsx';
import { Notice } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { NoPermission } from '../components/states.tsx';
import { StickyFooter } from '../components/sticky-footer.tsx';
import { fieldPathProps } from '../components/use-app-form.ts';
import { useWorkspace } from '../session.ts';
import {
  type AppFieldsProps,
  ProjectField,
  RepositoryCredentialFields,
  SourceFields,
  TargetFields,
} from './app-fields.tsx';
import { APP_FORM_FIELDS, APP_LABELS, APP_RULES, toFormValues, toRequestFields } from './app-form.ts';
import { useAppQuery } from './app-query.ts';
import { HooksField } from './hooks-field.tsx';
import { useResourceNames } from './resource-names.tsx';

const DeleteAppDialog = lazyComponent(() => import('./delete-app-dialog.tsx').then((file) => file.DeleteAppDialog));

function HealthCheckFields({ form }: AppFieldsProps) {
  const { checkKind } = form.values;
  return (
    <>
      <NativeSelect
        label="Type"
        data={[
          { value: 'none', label: 'No check' },
          { value: 'url', label: 'A URL responds with a status below 400' },
          { value: 'command', label: 'A command exits with 0' },
        ]}
        {...form.getInputProps('checkKind')}
      />
      {checkKind === 'url' && (
        <PlainTextInput
          label="URL"
          description="Requested from the server itself once the release is live. Must not contain a user name or password."
          placeholder="http://127.0.0.1:8080/healthz"
          {...form.getInputProps('checkUrl')}
        />
      )}
      {checkKind === 'command' && (
        <CodeInput label="Command" minRows={2} maxRows={8} {...form.getInputProps('checkCommand')} />
      )}
      {checkKind !== 'none' && (
        <IntegerInput
          label="Time limit in seconds"
          limits={RESOURCE_LIMITS.healthTimeout}
          {...form.getInputProps('checkTimeout')}
        />
      )}
    </>
  );
}

function LogAndBackupFields({ form }: AppFieldsProps) {
  return (
    <>
      <CodeInput
        label="Log command (optional)"
        description="Prints the app's log."
        placeholder="journalctl -u storefront -n 500"
        maxRows={8}
        {...form.getInputProps('logCommand')}
      />
      <CodeInput
        label="Backup command (optional)"
        description="Writes the backup to standard output. If empty, a backup contains the shared directory."
        placeholder="pg_dump --format=custom storefront"
        maxRows={8}
        {...form.getInputProps('backupCommand')}
      />
      <CodeInput
        label="Restore command (optional)"
        description="Reads the backup from standard input."
        placeholder="pg_restore --clean --dbname storefront"
        maxRows={8}
        {...form.getInputProps('restoreCommand')}
      />
      <NativeSelect
        label="Interpreter for both commands"
        description="With /bin/bash, a pipeline fails if any part of it fails (pipefail), so a failed pg_dump … | gzip is not kept as a backup."
        data={[...COMMAND_INTERPRETERS]}
        {...form.getInputProps('backupInterpreter')}
      />
      <PlainTextInput
        label="Backup schedule (optional)"
        description="Cron syntax in UTC: five fields, or a macro such as @daily."
        placeholder="30 3 * * *"
        {...form.getInputProps('backupSchedule')}
      />
      <Group gap="md" align="flex-start">
        <IntegerInput
          label="Backups to keep (optional)"
          limits={{ min: 1 }}
          flex="1 1 200px"
          {...form.getInputProps('keepLast')}
        />
        <IntegerInput
          label="Days to keep backups (optional)"
          limits={{ min: 1 }}
          flex="1 1 200px"
          {...form.getInputProps('keepDays')}
        />
      </Group>
    </>
  );
}

function SettingsForm({ loaded }: { readonly loaded: Tagged<App> }) {
  const { api, workspace } = useWorkspace();
  const names = useResourceNames();
  const { id } = loaded.value;
  const edit = useEditForm({
    loaded,
    read: () => api.apps.read(id),
    update: (changes, options) => api.apps.update(id, changes, options),
    toFormValues,
    toRequestFields,
    validate: APP_RULES,
    errorFields: () => APP_FORM_FIELDS,
    async onSaved(app) {
      if (app === null) return;
      notifications.show({ message: `App ${app.name} saved` });
      edit.restart(await api.apps.read(id));
      void queryClient.invalidateQueries({ queryKey: [workspace.id, 'apps'] });
    },
  });
  const { form, base, isChanged } = edit;
  return (
    <>
      <NavigationBlocker when={isChanged} />
      <Form gap="lg" onSubmit={form.onSubmit(edit.saving.submit)}>
        <Section title="App">
          <NameInput placeholder="Storefront" {...form.getInputProps('name')} />
          <ProjectField form={form} names={names} />
        </Section>
        <Section title="Source and server" description="What a deployment checks out, and where.">
          <SourceFields form={form} />
          <RepositoryCredentialFields form={form} isStored={base.hasRepositoryPassword} />
          <TargetFields form={form} names={names} />
          <IntegerInput
            label="Releases to keep"
            description="Older ones are deleted from the server after a deployment."
            limits={RESOURCE_LIMITS.keepReleases}
            maw={220}
            {...form.getInputProps('keepReleases')}
          />
        </Section>
        <Section
          title="Hooks"
          description="Commands that run in each deployment. Within a stage they run in this order."
        >
          <Stack gap="sm" {...fieldPathProps(form, 'hooks')}>
            <HooksField hooks={form.values.hooks} onChange={(hooks) => form.setFieldValue('hooks', hooks)} />
          </Stack>
          {form.errors['hooks'] !== undefined && <Notice tone="bad">{form.errors['hooks']}</Notice>}
        </Section>
        <Section
          title="Health check"
          description="Checks that a release works once it is live. If the check does not pass in time, the deployment rolls back to the previous release."
        >
          <HealthCheckFields form={form} />
        </Section>
        <Section title="Logs and backups">
          <LogAndBackupFields form={form} />
        </Section>
        <StickyFooter isSticky={isChanged}>
          <ConditionalEditFooter
            edit={edit}
            labels={APP_LABELS}
            submitLabel="Save changes"
            disabled={!isChanged}
            onCancel={isChanged ? () => form.setValues(toFormValues(base)) : undefined}
            cancelLabel="Discard changes"
          />
        </StickyFooter>
      </Form>
    </>
  );
}

function DeleteSection({ app }: { readonly app: App }) {
  const navigate = useNavigate();
  return (
    <DangerSection
      title="Delete app"
      description="Deletes the app with its environment and all versions of it. This cannot be undone."
    >
      {(close) => (
        <DeleteAppDialog app={app} onClose={close} onDeleted={() => void navigate({ to: '/apps', search: {} })} />
      )}
    </DangerSection>
  );
}

/** All settings of an app. For owners and admins. */
export function AppSettings() {
  const { api, workspace, isAdmin } = useWorkspace();
  const { data: app } = useAppQuery();
  if (!isAdmin) return <NoPermission />;
  if (app === undefined) return null;
  return (
    <>
      <EditLoader queryKey={[workspace.id, 'apps', app.id]} read={(options) => api.apps.read(app.id, options)}>
        {(loaded) => <SettingsForm loaded={loaded} />}
      </EditLoader>
      <DeleteSection app={app} />
    </>
  );
}
