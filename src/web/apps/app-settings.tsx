import { Button, Group, NativeSelect, NumberInput, Stack, Textarea, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import type { App } from '../../contract/apps.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { COMMAND_INTERPRETERS } from '../../contract/vocabulary.ts';
import type { Tagged } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import { ConditionalEditFooter, EditLoader, useConditionalEdit } from '../components/conditional-edit.tsx';
import { useSubmit } from '../components/form.tsx';
import { IconTrash } from '../components/icons.ts';
import { NavigationBlocker } from '../components/navigation-blocker.tsx';
import { Notice } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { NoPermission } from '../components/states.tsx';
import { fieldPathProps, useAppForm } from '../components/use-app-form.ts';
import { importWhenOnline } from '../connection.ts';
import { useWorkspace } from '../session.ts';
import {
  type AppFieldsProps,
  NameField,
  ProjectField,
  RepositoryCredentialFields,
  SourceFields,
  TargetFields,
} from './app-fields.tsx';
import { APP_FORM_FIELDS, APP_LABELS, APP_RULES, toFormValues, toUpdateRequest } from './app-form.ts';
import { useAppQuery } from './app-query.ts';
import styles from './apps.module.css';
import { HooksField } from './hooks-field.tsx';
import { useResourceNames } from './resource-names.ts';

const DeleteAppDialog = lazy(async () => ({
  default: (await importWhenOnline(() => import('./delete-app-dialog.tsx'))).DeleteAppDialog,
}));

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
        <TextInput
          label="URL"
          description="Requested from the server itself once the release is live. Must not contain a user name or password."
          placeholder="http://127.0.0.1:8080/healthz"
          spellCheck={false}
          {...form.getInputProps('checkUrl')}
        />
      )}
      {checkKind === 'command' && (
        <Textarea
          label="Command"
          autosize
          minRows={2}
          maxRows={8}
          spellCheck={false}
          classNames={{ input: 'mono' }}
          {...form.getInputProps('checkCommand')}
        />
      )}
      {checkKind !== 'none' && (
        <NumberInput
          label="Time limit in seconds"
          min={RESOURCE_LIMITS.healthTimeout.min}
          max={RESOURCE_LIMITS.healthTimeout.max}
          allowDecimal={false}
          hideControls
          {...form.getInputProps('checkTimeout')}
        />
      )}
    </>
  );
}

function CommandField({
  form,
  field,
  label,
  description,
  placeholder,
}: AppFieldsProps & {
  readonly field: 'logCommand' | 'backupCommand' | 'restoreCommand';
  readonly label: string;
  readonly description: string;
  readonly placeholder: string;
}) {
  return (
    <Textarea
      label={`${label} (optional)`}
      description={description}
      placeholder={placeholder}
      autosize
      minRows={1}
      maxRows={8}
      spellCheck={false}
      classNames={{ input: 'mono' }}
      {...form.getInputProps(field)}
    />
  );
}

function SettingsForm({ loaded }: { readonly loaded: Tagged<App> }) {
  const { api, workspace } = useWorkspace();
  const names = useResourceNames();
  const { id } = loaded.value;
  const edit = useConditionalEdit(loaded, () => api.apps.read(id));
  const form = useAppForm({ initialValues: toFormValues(loaded.value), validate: APP_RULES });
  const changes = toUpdateRequest(edit.base, form.values);
  const isChanged = Object.keys(changes).length > 0;
  const saving = useSubmit(
    form,
    async () => {
      const { name } = await edit.save((ifMatch) => api.apps.update(id, changes, { ifMatch }));
      notifications.show({ message: `App ${name} saved` });
      const fresh = await api.apps.read(id);
      form.setValues(toFormValues(edit.reset(fresh)));
      void queryClient.invalidateQueries({ queryKey: [workspace.id, 'apps'] });
    },
    APP_FORM_FIELDS,
  );
  return (
    <>
      <NavigationBlocker when={isChanged} />
      <form noValidate onSubmit={form.onSubmit(saving.submit)}>
        <Stack gap="lg">
          <Section title="App">
            <NameField form={form} />
            <ProjectField form={form} names={names} />
          </Section>
          <Section title="Source and server" description="What a deployment checks out, and where.">
            <SourceFields form={form} />
            <RepositoryCredentialFields form={form} isStored={edit.base.hasRepositoryPassword} />
            <TargetFields form={form} names={names} />
            <NumberInput
              label="Releases to keep"
              description="Older ones are deleted from the server after a deployment."
              min={RESOURCE_LIMITS.keepReleases.min}
              max={RESOURCE_LIMITS.keepReleases.max}
              allowDecimal={false}
              hideControls
              maw={220}
              {...form.getInputProps('keepReleases')}
            />
          </Section>
          <Section
            title="Hooks"
            description="Commands that run in each deployment. Within a stage they run in this order."
          >
            <div {...fieldPathProps(form, 'hooks')}>
              <HooksField hooks={form.values.hooks} onChange={(hooks) => form.setFieldValue('hooks', hooks)} />
            </div>
            {form.errors['hooks'] !== undefined && <Notice tone="bad">{form.errors['hooks']}</Notice>}
          </Section>
          <Section
            title="Health check"
            description="Checks that a release works once it is live. If the check does not pass in time, the deployment rolls back to the previous release."
          >
            <HealthCheckFields form={form} />
          </Section>
          <Section title="Logs and backups">
            <CommandField
              form={form}
              field="logCommand"
              label="Log command"
              description="Prints the app's log."
              placeholder="journalctl -u storefront -n 500"
            />
            <CommandField
              form={form}
              field="backupCommand"
              label="Backup command"
              description="Writes the backup to standard output. If empty, a backup contains the shared directory."
              placeholder="pg_dump --format=custom storefront"
            />
            <CommandField
              form={form}
              field="restoreCommand"
              label="Restore command"
              description="Reads the backup from standard input."
              placeholder="pg_restore --clean --dbname storefront"
            />
            <NativeSelect
              label="Interpreter for both commands"
              description="With /bin/bash, a pipeline fails if any part of it fails (pipefail), so a failed pg_dump … | gzip is not kept as a backup."
              data={[...COMMAND_INTERPRETERS]}
              {...form.getInputProps('backupInterpreter')}
            />
            <TextInput
              label="Backup schedule (optional)"
              description="Cron syntax in UTC: five fields, or a macro such as @daily."
              placeholder="30 3 * * *"
              autoComplete="off"
              spellCheck={false}
              {...form.getInputProps('backupSchedule')}
            />
            <Group gap="md" align="flex-start">
              {(['keepLast', 'keepDays'] as const).map((field) => (
                <NumberInput
                  key={field}
                  label={field === 'keepLast' ? 'Backups to keep (optional)' : 'Days to keep backups (optional)'}
                  min={1}
                  allowDecimal={false}
                  hideControls
                  flex="1 1 200px"
                  {...form.getInputProps(field)}
                />
              ))}
            </Group>
          </Section>
          <div className={isChanged ? styles['save'] : undefined}>
            <Stack gap="sm">
              <ConditionalEditFooter
                edit={edit}
                saving={saving}
                labels={APP_LABELS}
                onTakeTheirs={(theirs) => form.setValues(toFormValues(theirs))}
                submitLabel="Save changes"
                disabled={!isChanged}
                onCancel={isChanged ? () => form.setValues(toFormValues(edit.base)) : undefined}
                cancelLabel="Discard changes"
              />
            </Stack>
          </div>
        </Stack>
      </form>
    </>
  );
}

function DeleteSection({ app }: { readonly app: App }) {
  const navigate = useNavigate();
  const [opened, { open, close }] = useDisclosure();
  return (
    <Section
      title="Delete app"
      description="Deletes the app with its environment and all versions of it. This cannot be undone."
      tone="bad"
      actions={
        <Group>
          <Button className="button-bad" leftSection={<IconTrash size={16} />} onClick={open}>
            Delete app…
          </Button>
        </Group>
      }
    >
      <Suspense fallback={null}>
        {opened && (
          <DeleteAppDialog app={app} onClose={close} onDeleted={() => void navigate({ to: '/apps', search: {} })} />
        )}
      </Suspense>
    </Section>
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
      <EditLoader queryKey={[workspace.id, 'apps', app.id]} read={(signal) => api.apps.read(app.id, { signal })}>
        {(loaded) => <SettingsForm loaded={loaded} />}
      </EditLoader>
      <DeleteSection app={app} />
    </>
  );
}
