import { Group, NativeSelect, Stack } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import type { App } from '../../contract/apps.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { COMMAND_INTERPRETERS } from '../../contract/platform-vocabulary.ts';
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
import { APP_FIELD_LABELS, APP_FORM_FIELDS, APP_RULES, toFormValues, toRequestFields } from './app-form.ts';
import { useAppQuery } from './app-query.ts';
import { CommitStatusSection } from './commit-status-section.tsx';
import { DeployKeySection } from './deploy-key-section.tsx';
import { strings } from './form-strings.ts';
import { HooksField } from './hooks-field.tsx';
import { PushSecretSection } from './push-secret-section.tsx';
import { useProjectsAndServers } from './resource-names.tsx';

const DeleteAppDialog = lazyComponent(() => import('./delete-app-dialog.tsx').then((file) => file.DeleteAppDialog));

function HealthCheckFields({ form }: AppFieldsProps) {
  const { checkKind } = form.values;
  return (
    <>
      <NativeSelect
        label={strings.appSettings.type}
        data={[
          { value: 'none', label: strings.appSettings.noCheck },
          { value: 'url', label: strings.appSettings.urlResponds },
          { value: 'command', label: strings.appSettings.commandExits },
        ]}
        {...form.getInputProps('checkKind')}
      />
      {checkKind === 'url' && (
        <PlainTextInput
          label={strings.appSettings.url}
          description={strings.appSettings.urlDescription}
          placeholder={strings.appSettings.urlPlaceholder}
          {...form.getInputProps('checkUrl')}
        />
      )}
      {checkKind === 'command' && (
        <CodeInput
          label={strings.appSettings.command}
          minRows={2}
          maxRows={8}
          {...form.getInputProps('checkCommand')}
        />
      )}
      {checkKind !== 'none' && (
        <IntegerInput
          label={strings.appSettings.timeLimitInSeconds}
          limits={RESOURCE_LIMITS.healthTimeout}
          {...form.getInputProps('checkTimeoutSeconds')}
        />
      )}
    </>
  );
}

/** Each field has the texts `…Optional`, `…OptionalDescription` and `…OptionalPlaceholder` in `strings.appSettings`. */
const COMMAND_FIELDS = ['logCommand', 'backupCommand', 'restoreCommand', 'verifyCommand'] as const;

function LogAndBackupFields({ form }: AppFieldsProps) {
  return (
    <>
      {COMMAND_FIELDS.map((name) => (
        <CodeInput
          key={name}
          label={strings.appSettings[`${name}Optional`]}
          description={strings.appSettings[`${name}OptionalDescription`]}
          placeholder={strings.appSettings[`${name}OptionalPlaceholder`]}
          maxRows={8}
          {...form.getInputProps(name)}
        />
      ))}
      <NativeSelect
        label={strings.appSettings.interpreterForBackupCommands}
        description={strings.appSettings.interpreterForBackupCommandsDescription}
        data={[...COMMAND_INTERPRETERS]}
        {...form.getInputProps('backupInterpreter')}
      />
      <PlainTextInput
        label={strings.appSettings.backupScheduleOptional}
        description={strings.appSettings.backupScheduleOptionalDescription}
        placeholder="30 3 * * *"
        {...form.getInputProps('backupSchedule')}
      />
      <PlainTextInput
        label={strings.appSettings.verifyScheduleOptional}
        description={strings.appSettings.verifyScheduleOptionalDescription}
        placeholder={strings.appSettings.verifyScheduleOptionalPlaceholder}
        {...form.getInputProps('verifySchedule')}
      />
      <Group gap="md" align="flex-start">
        <IntegerInput
          label={strings.appSettings.backupsToKeepOptional}
          limits={RESOURCE_LIMITS.keepBackups}
          flex="1 1 200px"
          {...form.getInputProps('keepLast')}
        />
        <IntegerInput
          label={strings.appSettings.daysToKeepBackups}
          limits={RESOURCE_LIMITS.keepBackupDays}
          flex="1 1 200px"
          {...form.getInputProps('keepDays')}
        />
      </Group>
    </>
  );
}

function KeepReleasesField({ form }: AppFieldsProps) {
  return (
    <IntegerInput
      label={strings.appSettings.releasesToKeep}
      description={strings.appSettings.releasesToKeepDescription}
      limits={RESOURCE_LIMITS.keepReleases}
      maw={220}
      {...form.getInputProps('keepReleases')}
    />
  );
}

function HooksFieldWithError({ form }: AppFieldsProps) {
  return (
    <>
      <Stack gap="sm" {...fieldPathProps(form, 'hooks')}>
        <HooksField hooks={form.values.hooks} onChange={(hooks) => form.setFieldValue('hooks', hooks)} />
      </Stack>
      {form.errors['hooks'] !== undefined && <Notice tone="danger">{form.errors['hooks']}</Notice>}
    </>
  );
}

function PushFields({ form }: AppFieldsProps) {
  return (
    <>
      <CodeInput
        label={strings.appSettings.pushBranchesOptional}
        description={strings.appSettings.pushBranchesOptionalDescription}
        maxRows={8}
        {...form.getInputProps('pushBranches')}
      />
      <CodeInput
        label={strings.appSettings.pushPathsOptional}
        description={strings.appSettings.pushPathsOptionalDescription}
        maxRows={8}
        {...form.getInputProps('pushPaths')}
      />
    </>
  );
}

function SettingsForm({ loaded }: { readonly loaded: Tagged<App> }) {
  const { api, workspace } = useWorkspace();
  const options = useProjectsAndServers();
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
      notifications.show({ message: strings.appSettings.appSaved(app.name) });
      edit.restart(await api.apps.read(id));
      void queryClient.invalidateQueries({ queryKey: [workspace.id, 'apps'] });
    },
  });
  const { form, base, isChanged } = edit;
  return (
    <>
      <NavigationBlocker when={isChanged} />
      <Form gap="lg" onSubmit={form.onSubmit(edit.saving.submit)}>
        <Section title={strings.appSettings.appTitle}>
          <NameInput placeholder={strings.appSettings.namePlaceholder} {...form.getInputProps('name')} />
          <ProjectField form={form} options={options} />
        </Section>
        <Section
          title={strings.appSettings.sourceAndServerTitle}
          description={strings.appSettings.sourceAndServerDescription}
        >
          <SourceFields form={form} />
          <RepositoryCredentialFields form={form} hasStoredPassword={base.hasRepositoryPassword} />
          <TargetFields form={form} options={options} />
          <KeepReleasesField form={form} />
        </Section>
        <Section title={strings.appSettings.variablesTitle}>
          <CodeInput
            label={strings.appSettings.requiredVariablesOptional}
            description={strings.appSettings.requiredVariablesOptionalDescription}
            maxRows={8}
            {...form.getInputProps('requiredVariables')}
          />
        </Section>
        <Section title={strings.appSettings.hooksTitle} description={strings.appSettings.hooksDescription}>
          <HooksFieldWithError form={form} />
        </Section>
        <Section title={strings.appSettings.healthCheckTitle} description={strings.appSettings.healthCheckDescription}>
          <HealthCheckFields form={form} />
        </Section>
        <Section title={strings.appSettings.logsAndBackupsTitle}>
          <LogAndBackupFields form={form} />
        </Section>
        <Section title={strings.appSettings.pushTitle} description={strings.appSettings.pushDescription}>
          <PushFields form={form} />
        </Section>
        <StickyFooter isSticky={isChanged}>
          <ConditionalEditFooter
            edit={edit}
            labels={APP_FIELD_LABELS}
            submitLabel={strings.appSettings.saveChanges}
            disabled={!isChanged}
            onCancel={isChanged ? () => form.setValues(toFormValues(base)) : undefined}
            cancelLabel={strings.appSettings.discardChanges}
          />
        </StickyFooter>
      </Form>
    </>
  );
}

function DeleteSection({ app }: { readonly app: App }) {
  const navigate = useNavigate();
  return (
    <DangerSection title={strings.appSettings.deleteAppTitle} description={strings.appSettings.deleteAppDescription}>
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
      <DeployKeySection app={app} />
      <PushSecretSection app={app} />
      <CommitStatusSection app={app} />
      <DeleteSection app={app} />
    </>
  );
}
