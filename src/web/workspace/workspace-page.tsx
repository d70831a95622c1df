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
import { singleSignOnName } from '../sign-in/installation.ts';
import { validateName, validateSlug } from '../validation.ts';
import { BackupKeySection } from './backup-key-section.tsx';
import { describeCredentialCount } from './describe-credential-count.ts';
import { GroupRolesSection } from './group-roles.tsx';
import { strings } from './strings.ts';

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
    // The URL contains the ID until the list of workspaces has been refetched and contains the new slug.
    await navigate({ to: '.', search: { workspace: workspace.id }, replace: true });
    await queryClient.invalidateQueries({ queryKey: workspacesQuery.queryKey });
    form.setInitialValues({ name, slug });
    form.reset();
    notifications.show({ message: strings.workspacePage.workspaceSaved });
    await navigate({ to: '.', search: { workspace: slug }, replace: true });
  });
  return (
    <Section title={strings.workspacePage.renameTitle} description={strings.workspacePage.renameDescription}>
      <Form onSubmit={form.onSubmit(saving.submit)}>
        <TextInput label={strings.workspacePage.name} {...form.getInputProps('name')} />
        <TextInput
          label={strings.workspacePage.slug}
          description={strings.workspacePage.slugDescription}
          spellCheck={false}
          {...form.getInputProps('slug')}
        />
        <FormFooter saving={saving} submitLabel={strings.workspacePage.save} disabled={!form.isDirty()} />
      </Form>
    </Section>
  );
}

function DeleteWorkspaceDialog({ onClose }: { readonly onClose: () => void }) {
  const { workspace, api: workspaceApi } = useWorkspace();
  const navigate = useNavigate();
  const count = useQuery({
    queryKey: [workspace.id, 'credential-count'],
    queryFn: ({ signal }) => describeCredentialCount(workspaceApi, signal),
  });
  return (
    <ConfirmDialog
      onClose={onClose}
      title={strings.workspacePage.deleteTitle}
      confirmLabel={strings.workspacePage.deleteTitle}
      confirmationText={workspace.name}
      onConfirm={async () => {
        await api.workspaces.delete(workspace.id);
        clearSessionData();
        notifications.show({ message: strings.workspacePage.deleted(workspace.name) });
        await navigate({ to: '/', search: {} });
      }}
    >
      <Text fz="sm">{strings.workspacePage.deletionConsequences(<b>{workspace.name}</b>)}</Text>
      <Notice tone="danger">
        {count.data === undefined
          ? strings.workspacePage.countingCredentials
          : strings.workspacePage.deletesCredentials(count.data)}
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
      title={strings.workspacePage.leaveTitle}
      confirmLabel={strings.workspacePage.leaveTitle}
      onConfirm={async () => {
        await workspaceApi.members.leave();
        clearSessionData();
        notifications.show({ message: strings.workspacePage.left(workspace.name) });
        await navigate({ to: '/', search: {} });
      }}
    >
      <Text fz="sm">{strings.workspacePage.leavingConsequences(<b>{workspace.name}</b>)}</Text>
    </ConfirmDialog>
  );
}

/** The settings of the workspace: name, slug, groups, backup key, and deleting or leaving the workspace. */
export function WorkspacePage() {
  const { workspace, isAdmin, isOwner } = useWorkspace();
  return (
    <Page title={strings.workspacePage.title} width="narrow">
      <Stack gap="lg">
        {/* The keys reset the forms when the workspace changes. */}
        {isAdmin && <RenameSection key={workspace.updatedAt} />}
        {isAdmin && singleSignOnName() !== null && <GroupRolesSection key={`groups ${workspace.updatedAt}`} />}
        {isAdmin && <BackupKeySection />}
        <Section title={strings.workspacePage.detailsTitle}>
          <DescriptionList
            items={[
              !isAdmin && [strings.workspacePage.name, workspace.name],
              !isAdmin && [strings.workspacePage.slug, workspace.slug],
              [strings.workspacePage.id, <CopyableId key="id" id={workspace.id} />],
              [strings.workspacePage.yourRole, capitalize(workspace.role)],
              [strings.workspacePage.created, <ExactTime key="created" time={workspace.createdAt} />],
            ]}
          />
        </Section>
        {isOwner ? (
          <DangerSection
            title={strings.workspacePage.deleteTitle}
            description={strings.workspacePage.deleteDescription}
          >
            {(close) => <DeleteWorkspaceDialog onClose={close} />}
          </DangerSection>
        ) : (
          <DangerSection title={strings.workspacePage.leaveTitle} description={strings.workspacePage.leaveDescription}>
            {(close) => <LeaveWorkspaceDialog onClose={close} />}
          </DangerSection>
        )}
      </Stack>
    </Page>
  );
}
