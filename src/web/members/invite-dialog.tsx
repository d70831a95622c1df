import { Button, Group, Radio, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { CreatedInvitation } from '../../contract/invitations.ts';
import type { AssignableRole } from '../../contract/vocabulary.ts';
import { queryClient } from '../api.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { formatDate } from '../components/format.ts';
import { UnstoredSecretBlocker } from '../components/navigation-blocker.tsx';
import { Notice } from '../components/notice.tsx';
import { DimmedText } from '../components/text.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { useWorkspace } from '../session.ts';
import { validateEmail } from '../validation.ts';
import { strings } from './strings.ts';

function InvitationLink({
  invitation,
  onClose,
}: {
  readonly invitation: CreatedInvitation;
  readonly onClose: () => void;
}) {
  return (
    <Stack gap="md">
      {!invitation.mailed && <UnstoredSecretBlocker secretName={strings.inviteDialog.theInvitationLink} />}
      <Notice tone="success">
        {invitation.mailed
          ? strings.inviteDialog.mailed(invitation.email)
          : strings.inviteDialog.notMailed(invitation.email)}
      </Notice>
      <TextInput
        label={strings.inviteDialog.invitationLink}
        description={strings.inviteDialog.invitationLinkDescription(formatDate(invitation.expiresAt), invitation.email)}
        value={invitation.url}
        readOnly
        onFocus={(event) => event.currentTarget.select()}
        data-autofocus
      />
      <Group justify="flex-end" gap="sm">
        <CopyButton text={invitation.url} label={strings.inviteDialog.copyLink} variant="filled" />
        <Button variant="default" onClick={onClose}>
          {strings.inviteDialog.done}
        </Button>
      </Group>
    </Stack>
  );
}

function InviteForm({
  onCreated,
  onClose,
}: {
  readonly onCreated: (created: CreatedInvitation) => void;
  readonly onClose: () => void;
}) {
  const { workspace, api } = useWorkspace();
  const form = useAppForm<{ email: string; role: AssignableRole }>({
    initialValues: { email: '', role: 'member' },
    validate: { email: validateEmail },
  });
  const submission = useSubmit(form, async ({ email, role }) => {
    onCreated(await api.invitations.create({ email: email.trim(), role }));
    await queryClient.invalidateQueries({ queryKey: [workspace.id, 'invitations'] });
  });
  return (
    <Form onSubmit={form.onSubmit(submission.submit)}>
      <TextInput
        label={strings.inviteDialog.email}
        type="email"
        autoComplete="off"
        description={strings.inviteDialog.emailDescription}
        data-autofocus
        {...form.getInputProps('email')}
      />
      <Radio.Group label={strings.inviteDialog.role} {...form.getInputProps('role')}>
        <Stack gap="xs" mt={6}>
          <Radio
            value="member"
            label={strings.inviteDialog.member}
            description={strings.inviteDialog.memberDescription}
          />
          <Radio value="admin" label={strings.inviteDialog.admin} description={strings.inviteDialog.adminDescription} />
        </Stack>
      </Radio.Group>
      <FormFooter saving={submission} submitLabel={strings.inviteDialog.createInvitation} onCancel={onClose} />
    </Form>
  );
}

/** Invites a person with a link that is shown once. Render the dialog only while it is open. */
export function InviteDialog({ onClose }: { readonly onClose: () => void }) {
  const { workspace } = useWorkspace();
  const [created, setCreated] = useState<CreatedInvitation | null>(null);
  return (
    <Dialog onClose={onClose} title={strings.inviteDialog.title(workspace.name)}>
      {created === null ? (
        <Stack gap="md">
          <DimmedText>{strings.inviteDialog.howToJoin}</DimmedText>
          <InviteForm onCreated={setCreated} onClose={onClose} />
        </Stack>
      ) : (
        <InvitationLink invitation={created} onClose={onClose} />
      )}
    </Dialog>
  );
}
