import { Checkbox, Group, NativeSelect, PasswordInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useState } from 'react';
import { PlainTextInput } from '../components/fields.tsx';
import { toOptions } from '../components/filters.tsx';
import { type AppFormValues, supportsPassword } from './app-form.ts';
import { strings } from './form-strings.ts';
import type { ProjectsAndServers } from './resource-names.tsx';

export interface AppFieldsProps {
  readonly form: UseFormReturnType<AppFormValues>;
}

interface ResourceFieldsProps extends AppFieldsProps {
  readonly options: ProjectsAndServers;
}

export function ProjectField({ form, options }: ResourceFieldsProps) {
  return (
    <NativeSelect
      label={strings.appFields.project}
      data={[{ value: '', label: strings.appFields.chooseAProject, disabled: true }, ...toOptions(options.projects)]}
      {...form.getInputProps('projectId')}
    />
  );
}

/** The source of an app: a Git repository and its branch. */
export function SourceFields({ form }: AppFieldsProps) {
  return (
    <Group gap="md" align="flex-start">
      <PlainTextInput
        label={strings.appFields.gitRepositoryOptional}
        placeholder={strings.appFields.gitRepositoryOptionalPlaceholder}
        flex="3 1 240px"
        {...form.getInputProps('repository')}
      />
      <PlainTextInput label={strings.appFields.branch} flex="1 1 120px" {...form.getInputProps('branch')} />
    </Group>
  );
}

interface RepositoryCredentialFieldsProps extends AppFieldsProps {
  /** Whether a password is stored. The stored password is never shown. */
  readonly hasStoredPassword: boolean;
}

/** The user and password of an HTTP or HTTPS repository. Renders nothing for other repositories. */
export function RepositoryCredentialFields({ form, hasStoredPassword }: RepositoryCredentialFieldsProps) {
  const [isVisible, setIsVisible] = useState(false);
  if (!supportsPassword(form.values)) return null;
  return (
    <>
      <Group gap="md" align="flex-start">
        <PlainTextInput
          label={strings.appFields.repositoryUserOptional}
          description={strings.appFields.repositoryUserOptionalDescription}
          flex="1 1 160px"
          {...form.getInputProps('repositoryUser')}
        />
        <PasswordInput
          label={strings.appFields.repositoryPasswordLabel}
          description={strings.appFields.repositoryPasswordDescription}
          placeholder={hasStoredPassword ? strings.appFields.repositoryPasswordPlaceholder : ''}
          autoComplete="new-password"
          visible={isVisible}
          onVisibilityChange={setIsVisible}
          visibilityToggleButtonProps={{
            'aria-label': isVisible ? strings.appFields.hideThePassword : strings.appFields.showThePassword,
          }}
          disabled={form.values.removePassword}
          flex="2 1 240px"
          {...form.getInputProps('repositoryPassword')}
        />
      </Group>
      {hasStoredPassword && (
        <Checkbox
          label={strings.appFields.removeTheStoredPassword}
          {...form.getInputProps('removePassword', { type: 'checkbox' })}
        />
      )}
    </>
  );
}

/** The target of an app: a server and a directory on it. */
export function TargetFields({ form, options }: ResourceFieldsProps) {
  return (
    <Group gap="md" align="flex-start">
      <NativeSelect
        label={strings.appFields.serverOptional}
        flex="1 1 180px"
        data={[{ value: '', label: strings.appFields.none }, ...toOptions(options.servers)]}
        {...form.getInputProps('serverId')}
      />
      <PlainTextInput
        label={strings.appFields.directoryOptional}
        placeholder={strings.appFields.directoryOptionalPlaceholder}
        flex="2 1 220px"
        {...form.getInputProps('directory')}
      />
    </Group>
  );
}
