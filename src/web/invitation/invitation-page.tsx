import { Anchor, Button, Group, Loader, SegmentedControl, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Person } from '../../contract/people.ts';
import type { Workspace } from '../../contract/workspaces.ts';
import { DevpilotError } from '../../sdk/client.ts';
import { api, getErrorMessage, isSignedOut, queryClient } from '../api.ts';
import { Notice } from '../components/notice.tsx';
import { clearSessionData, meQuery, rememberWorkspace, workspacesQuery } from '../session.ts';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { AccountForm } from '../sign-in/account-form.tsx';
import { takeUrlFragment } from '../sign-in/setup-page.tsx';

/** The code from the link, kept only in memory so that it survives the sign-in but not a reload. */
let invitationCode = '';

function useEnterWorkspace(): (workspace: Workspace | null) => Promise<void> {
  const navigate = useNavigate();
  return async (workspace) => {
    invitationCode = '';
    await queryClient.invalidateQueries({ queryKey: workspacesQuery.queryKey });
    if (workspace === null) return navigate({ to: '/', search: {} });
    rememberWorkspace(workspace);
    return navigate({ to: '/settings/access-tokens', search: { workspace: workspace.slug } });
  };
}

/** An error, and what the user can do about it. */
function InvitationError({ error, me }: { readonly error: Error; readonly me: Person }) {
  if (error instanceof DevpilotError && error.code === 'forbidden') {
    return (
      <Notice tone="bad">
        This invitation is for a different email address. Sign in with the address it was sent to, or ask for an
        invitation for {me.email}.
      </Notice>
    );
  }
  return <Notice tone="bad">{getErrorMessage(error)}</Notice>;
}

function AcceptInvitation({ me }: { readonly me: Person }) {
  const enterWorkspace = useEnterWorkspace();
  const navigate = useNavigate();
  const accept = useMutation({ mutationFn: () => api.invitations.accept(invitationCode), onSuccess: enterWorkspace });
  const isAlreadyMember = accept.error instanceof DevpilotError && accept.error.code === 'conflict';

  async function switchAccount() {
    await api.sessions.deleteCurrent().catch(() => undefined);
    clearSessionData();
    await navigate({ to: '/sign-in', search: { from: '/accept-invitation' } });
  }

  return (
    <CenteredLayout
      title="Join the workspace"
      description={`You are signed in as ${me.name} (${me.email}). The workspace and its members will see this name and address.`}
    >
      <Stack gap="md">
        {accept.error !== null && <InvitationError error={accept.error} me={me} />}
        {isAlreadyMember ? (
          <Button onClick={() => void enterWorkspace(null)}>Go to your workspaces</Button>
        ) : (
          <Button loading={accept.isPending} onClick={() => accept.mutate()}>
            Accept invitation
          </Button>
        )}
        <Button variant="subtle" onClick={() => void switchAccount()}>
          Use a different account
        </Button>
      </Stack>
    </CenteredLayout>
  );
}

function InvitedSignUp() {
  const enterWorkspace = useEnterWorkspace();
  const navigate = useNavigate();
  const [account, setAccount] = useState<'new' | 'known'>('new');
  return (
    <CenteredLayout
      title="You are invited"
      description="Join with the email address the invitation was sent to."
      footer={
        <Text c="dimmed" fz="sm" ta="center">
          An invitation can be used once and expires after seven days.
        </Text>
      }
    >
      <SegmentedControl
        fullWidth
        styles={{ label: { whiteSpace: 'normal', paddingInline: 4 } }}
        aria-label="Account"
        value={account}
        onChange={(value) => setAccount(value === 'known' ? 'known' : 'new')}
        data={[
          { value: 'new', label: "I'm new here" },
          { value: 'known', label: 'I have an account' },
        ]}
      />
      {account === 'new' ? (
        <AccountForm signUpCode={{ invitation: invitationCode }} onSignedUp={() => void enterWorkspace(null)} />
      ) : (
        <Button onClick={() => void navigate({ to: '/sign-in', search: { from: '/accept-invitation' } })}>
          Sign in to accept
        </Button>
      )}
    </CenteredLayout>
  );
}

/** The target of an invitation link: sign up or sign in, then accept. */
export function InvitationPage() {
  const [hasCode] = useState(() => {
    invitationCode = takeUrlFragment() || invitationCode;
    return invitationCode !== '';
  });
  const me = useQuery({ ...meQuery, enabled: hasCode });
  if (!hasCode) {
    return (
      <CenteredLayout
        title="Open the link again"
        description="For security the code isn't kept across reloads. Open your invitation link again."
        footer={
          <Anchor href="/" fz="sm" ta="center">
            Go to Devpilot
          </Anchor>
        }
      />
    );
  }
  if (me.isPending) {
    return (
      <CenteredLayout title="You are invited">
        <Group justify="center">
          <Loader aria-label="Loading" />
        </Group>
      </CenteredLayout>
    );
  }
  if (me.data !== undefined) return <AcceptInvitation me={me.data} />;
  if (isSignedOut(me.error)) return <InvitedSignUp />;
  return (
    <CenteredLayout title="You are invited">
      <Notice tone="bad">{getErrorMessage(me.error)}</Notice>
      <Button variant="default" onClick={() => void me.refetch()}>
        Try again
      </Button>
    </CenteredLayout>
  );
}
