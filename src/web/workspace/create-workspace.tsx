import { Button, Stack, TextInput } from '@mantine/core';
import type { Workspace } from '../../contract/schemas.ts';
import { api, queryClient } from '../api.ts';
import { useFields } from '../components/fields.ts';
import { useSubmit } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { nameProblem } from '../rules.ts';
import { rememberWorkspace, workspacesQuery } from '../session.ts';

/** Makes a workspace, of which the person becomes the owner. */
export function CreateWorkspaceForm({ onCreated }: { readonly onCreated: (workspace: Workspace) => void }) {
  const form = useFields({ initialValues: { name: '' }, validate: { name: nameProblem } });
  const creating = useSubmit(form, async ({ name }) => {
    const workspace = await api.workspaces.create({ name });
    await queryClient.invalidateQueries({ queryKey: workspacesQuery.queryKey });
    rememberWorkspace(workspace);
    onCreated(workspace);
  });
  return (
    <form noValidate onSubmit={form.onSubmit(creating.submit)}>
      <Stack gap="md">
        <TextInput
          label="Workspace name"
          description="Your team or company. You can rename it later."
          placeholder="Acme"
          autoComplete="organization"
          autoFocus
          data-autofocus
          {...form.getInputProps('name')}
        />
        {creating.trouble !== null && <Notice tone="bad">{creating.trouble}</Notice>}
        <Button type="submit" loading={creating.busy} fullWidth>
          Create workspace
        </Button>
      </Stack>
    </form>
  );
}
