import { TextInput } from '@mantine/core';
import type { Workspace } from '../../contract/workspaces.ts';
import { api, queryClient } from '../api.ts';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { rememberWorkspace, workspacesQuery } from '../session.ts';
import { validateName } from '../validation.ts';
import { strings } from './strings.ts';

/** Creates a workspace with the person as its owner. */
export function CreateWorkspaceForm({ onCreated }: { readonly onCreated: (workspace: Workspace) => void }) {
  const form = useAppForm({ initialValues: { name: '' }, validate: { name: validateName } });
  const submission = useSubmit(form, async ({ name }) => {
    const workspace = await api.workspaces.create({ name });
    await queryClient.invalidateQueries({ queryKey: workspacesQuery.queryKey });
    rememberWorkspace(workspace);
    onCreated(workspace);
  });
  return (
    <Form onSubmit={form.onSubmit(submission.submit)}>
      <TextInput
        label={strings.createWorkspace.workspaceName}
        description={strings.createWorkspace.workspaceNameDescription}
        placeholder={strings.createWorkspace.workspaceNamePlaceholder}
        autoComplete="organization"
        autoFocus
        data-autofocus
        {...form.getInputProps('name')}
      />
      <FormFooter saving={submission} submitLabel={strings.createWorkspace.createWorkspace} fullWidth />
    </Form>
  );
}
