import { Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { CopyableId } from '../components/copyable-id.tsx';
import { DangerSection } from '../components/danger-section.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { capitalize } from '../components/format.ts';
import { Notice } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { ExactTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { changedFields } from '../form-values.ts';
import { clearSessionData, useWorkspace, workspacesQuery } from '../session.ts';
import { validateName, validateSlug } from '../validation.ts';
import { countCredentials } from './count-credentials.ts';

function RenameSection() {
  const { workspace } = useWorkspace();
  const navigate = useNavigate();
  const form = useAppForm({
    initialValues: { name: workspace.name, slug: workspace.slug },
    validate: { name: validateName, slug: validateSlug },
  });
  const saving = useSubmit(form, async (values) => {
    const { name, slug } = await api.workspaces.update(
      workspace.id,
      changedFields({ name: workspace.name, slug: workspace.slug }, values),
    );
    // Uses the ID until the list of workspaces has the new slug; a URL with an unknown slug would show "not found".
    await navigate({ to: '.', search: { workspace: workspace.id }, replace: true });
    await queryClient.invalidateQueries({ queryKey: workspacesQuery.queryKey });
    form.setInitialValues({ name, slug });
    form.reset();
    notifications.show({ message: 'Workspace saved' });
    await navigate({ to: '.', search: { workspace: slug }, replace: true });
  });
  return (
    <Section
      title="Name and slug"
      description="Members see the name. The slug identifies the workspace in URLs, the CLI and the API."
    >
      <Form onSubmit={form.onSubmit(saving.submit)}>
        <TextInput label="Name" {...form.getInputProps('name')} />
        <TextInput
          label="Slug"
          description="Links and scripts that use the old slug stop working. Access tokens and API keys are not affected."
          spellCheck={false}
          {...form.getInputProps('slug')}
        />
        <FormFooter saving={saving} submitLabel="Save" disabled={!form.isDirty()} />
      </Form>
    </Section>
  );
}

function DeleteWorkspaceDialog({ onClose }: { readonly onClose: () => void }) {
  const { workspace, api: workspaceApi } = useWorkspace();
  const navigate = useNavigate();
  const count = useQuery({
    queryKey: [workspace.id, 'credential-count'],
    queryFn: ({ signal }) => countCredentials(workspaceApi, signal),
  });
  return (
    <ConfirmDialog
      onClose={onClose}
      title="Delete workspace"
      confirmLabel="Delete workspace"
      confirmationText={workspace.name}
      onConfirm={async () => {
        await api.workspaces.delete(workspace.id);
        clearSessionData();
        notifications.show({ message: `Workspace ${workspace.name} deleted` });
        await navigate({ to: '/', search: {} });
      }}
    >
      <Text fz="sm">
        Everything in <b>{workspace.name}</b> is deleted: members lose access, and those without another workspace are
        signed out; invitations are revoked, and requests with its credentials are rejected from now on.
      </Text>
      <Notice tone="bad">
        {count.data === undefined ? 'Counting the credentials that will be deleted…' : `${count.data} will be deleted.`}
      </Notice>
    </ConfirmDialog>
  );
}

function LeaveWorkspaceDialog({ onClose }: { readonly onClose: () => void }) {
  const { workspace, api: workspaceApi } = useWorkspace();
  const navigate = useNavigate();
  return (
    <ConfirmDialog
      onClose={onClose}
      title="Leave workspace"
      confirmLabel="Leave workspace"
      onConfirm={async () => {
        await workspaceApi.members.leave();
        clearSessionData();
        notifications.show({ message: `You left ${workspace.name}` });
        await navigate({ to: '/', search: {} });
      }}
    >
      You need an invitation to rejoin <b>{workspace.name}</b>. If this is your last workspace, you will be signed out.
    </ConfirmDialog>
  );
}

/** The settings of the workspace: its name, its slug, its deletion. */
export function WorkspacePage() {
  const { workspace, isAdmin, isOwner } = useWorkspace();
  return (
    <Page title="Workspace" width="narrow">
      <Stack gap="lg">
        {isAdmin && <RenameSection key={workspace.updatedAt} />}
        <Section title="Details">
          <DescriptionList
            items={[
              !isAdmin && ['Name', workspace.name],
              !isAdmin && ['Slug', workspace.slug],
              ['ID', <CopyableId key="id" id={workspace.id} />],
              ['Your role', capitalize(workspace.role)],
              ['Created', <ExactTime key="created" time={workspace.createdAt} />],
            ]}
          />
        </Section>
        {isOwner ? (
          <DangerSection
            title="Delete workspace"
            description="Its access tokens and API keys stop working immediately, on every node. This cannot be undone."
          >
            {(close) => <DeleteWorkspaceDialog onClose={close} />}
          </DangerSection>
        ) : (
          <DangerSection
            title="Leave workspace"
            description="You lose access to it. Access tokens and API keys you created keep working."
          >
            {(close) => <LeaveWorkspaceDialog onClose={close} />}
          </DangerSection>
        )}
      </Stack>
    </Page>
  );
}
