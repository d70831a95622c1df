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

function InvitationLink({
  invitation,
  onClose,
}: {
  readonly invitation: CreatedInvitation;
  readonly onClose: () => void;
}) {
  return (
    <Stack gap="md">
      {!invitation.mailed && <UnstoredSecretBlocker secretName="the invitation link" />}
      <Notice tone="good">
        {invitation.mailed
          ? `The link was sent by email to ${invitation.email}. You can also share it yourself.`
          : `No email was sent. Send this link to ${invitation.email} yourself.`}
      </Notice>
      <TextInput
        label="Invitation link"
        description={`Can be used once until ${formatDate(invitation.expiresAt)}, only by ${invitation.email}. It is not shown again.`}
        value={invitation.url}
        readOnly
        onFocus={(event) => event.currentTarget.select()}
        data-autofocus
      />
      <Group justify="flex-end" gap="sm">
        <CopyButton text={invitation.url} label="Copy link" variant="filled" />
        <Button variant="default" onClick={onClose}>
          Done
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
        label="Email"
        type="email"
        autoComplete="off"
        description="Revokes any earlier invitation for this address."
        data-autofocus
        {...form.getInputProps('email')}
      />
      <Radio.Group label="Role" {...form.getInputProps('role')}>
        <Stack gap="xs" mt={6}>
          <Radio
            value="member"
            label="Member"
            description="Can view credentials and resources, but not secrets. Can deploy, run scripts and create backups."
          />
          <Radio
            value="admin"
            label="Admin"
            description="Can create and delete credentials and resources, manage members and read the activity log."
          />
        </Stack>
      </Radio.Group>
      <FormFooter saving={submission} submitLabel="Create invitation" onCancel={onClose} />
    </Form>
  );
}

/** Invites a person with a link that is shown once. Render it only while it is open. */
export function InviteDialog({ onClose }: { readonly onClose: () => void }) {
  const { workspace } = useWorkspace();
  const [created, setCreated] = useState<CreatedInvitation | null>(null);
  return (
    <Dialog onClose={onClose} title={`Invite to ${workspace.name}`}>
      {created === null ? (
        <Stack gap="md">
          <DimmedText>They join by signing up or signing in with this email address.</DimmedText>
          <InviteForm onCreated={setCreated} onClose={onClose} />
        </Stack>
      ) : (
        <InvitationLink invitation={created} onClose={onClose} />
      )}
    </Dialog>
  );
}
