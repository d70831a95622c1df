import { Checkbox, Group, NativeSelect, PasswordInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useState } from 'react';
import { PlainTextInput } from '../components/fields.tsx';
import { toOptions } from '../components/filters.tsx';
import { type AppFormValues, supportsPassword } from './app-form.ts';
import type { ResourceNames } from './resource-names.tsx';

export interface AppFieldsProps {
  readonly form: UseFormReturnType<AppFormValues>;
}

interface NamedFieldsProps extends AppFieldsProps {
  readonly names: ResourceNames;
}

export function ProjectField({ form, names }: NamedFieldsProps) {
  return (
    <NativeSelect
      label="Project"
      data={[{ value: '', label: 'Choose a project', disabled: true }, ...toOptions(names.projects)]}
      {...form.getInputProps('projectId')}
    />
  );
}

/** The source of an app: a Git repository and its branch. */
export function SourceFields({ form }: AppFieldsProps) {
  return (
    <Group gap="md" align="flex-start">
      <PlainTextInput
        label="Git repository (optional)"
        placeholder="https://git.example.com/shop.git"
        flex="3 1 240px"
        {...form.getInputProps('repository')}
      />
      <PlainTextInput label="Branch" flex="1 1 120px" {...form.getInputProps('branch')} />
    </Group>
  );
}

interface RepositoryCredentialFieldsProps extends AppFieldsProps {
  /** Whether a password is stored. The stored password is never shown. */
  readonly isStored: boolean;
}

/** The user and password of an HTTP or HTTPS repository. */
export function RepositoryCredentialFields({ form, isStored }: RepositoryCredentialFieldsProps) {
  const [visible, setVisible] = useState(false);
  if (!supportsPassword(form.values)) return null;
  return (
    <>
      <Group gap="md" align="flex-start">
        <PlainTextInput
          label="Repository user (optional)"
          description="Not needed if you use a token."
          flex="1 1 160px"
          {...form.getInputProps('repositoryUser')}
        />
        <PasswordInput
          label="Repository password or token (optional)"
          description="Stored encrypted, never shown again, and sent only to this repository's scheme, host and port."
          placeholder={isStored ? 'Stored; leave empty to keep it' : ''}
          autoComplete="new-password"
          visible={visible}
          onVisibilityChange={setVisible}
          visibilityToggleButtonProps={{ 'aria-label': visible ? 'Hide the password' : 'Show the password' }}
          disabled={form.values.removePassword}
          flex="2 1 240px"
          {...form.getInputProps('repositoryPassword')}
        />
      </Group>
      {isStored && (
        <Checkbox label="Remove the stored password" {...form.getInputProps('removePassword', { type: 'checkbox' })} />
      )}
    </>
  );
}

/** The target of an app: a server and a directory on it. */
export function TargetFields({ form, names }: NamedFieldsProps) {
  return (
    <Group gap="md" align="flex-start">
      <NativeSelect
        label="Server (optional)"
        flex="1 1 180px"
        data={[{ value: '', label: 'None' }, ...toOptions(names.servers)]}
        {...form.getInputProps('serverId')}
      />
      <PlainTextInput
        label="Directory (optional)"
        placeholder="/srv/storefront"
        flex="2 1 220px"
        {...form.getInputProps('directory')}
      />
    </Group>
  );
}
