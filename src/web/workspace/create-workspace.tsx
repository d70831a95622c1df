import { Button, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { Workspace } from '../../contract/schemas.ts';
import { api, fieldErrorsOf, messageOf, queryClient } from '../api.ts';
import { useFields } from '../components/fields.ts';
import { Notice } from '../components/notice.tsx';
import { nameProblem } from '../rules.ts';
import { rememberWorkspace, workspacesQuery } from '../session.ts';

/** Makes a workspace, of which the person becomes the owner. */
export function CreateWorkspaceForm({ onCreated }: { readonly onCreated: (workspace: Workspace) => void }) {
  const form = useFields({ initialValues: { name: '' }, validate: { name: nameProblem } });
  const create = useMutation({
    mutationFn: (name: string) => api.workspaces.create({ name }),
    onError: (error) => form.setErrors(fieldErrorsOf(error) ?? {}),
    onSuccess: async (workspace) => {
      await queryClient.invalidateQueries({ queryKey: workspacesQuery.queryKey });
      rememberWorkspace(workspace);
      onCreated(workspace);
    },
  });
  return (
    <form noValidate onSubmit={form.onSubmit(({ name }) => create.mutate(name))}>
      <Stack gap="md">
        <TextInput
          label="Workspace name"
          description="Your team or company. You can rename it later."
          placeholder="Acme"
          autoComplete="organization"
          data-autofocus
          {...form.getInputProps('name')}
        />
        {create.error !== null && fieldErrorsOf(create.error) === null && (
          <Notice tone="bad">{messageOf(create.error)}</Notice>
        )}
        <Button type="submit" loading={create.isPending} fullWidth>
          Create workspace
        </Button>
      </Stack>
    </form>
  );
}
