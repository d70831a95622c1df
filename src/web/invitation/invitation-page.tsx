import { Anchor, Button, Group, Loader, SegmentedControl, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Person } from '../../contract/people.ts';
import type { Workspace } from '../../contract/workspaces.ts';
import { DevpilotError } from '../../sdk/client.ts';
import { api, getErrorMessage, isSignedOutError, queryClient } from '../api.ts';
import { Notice } from '../components/notice.tsx';
import { clearSessionData, meQuery, rememberWorkspace, workspacesQuery } from '../session.ts';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { AccountForm } from '../sign-in/account-form.tsx';
import { arePasswordsOn } from '../sign-in/installation.ts';
import { SignUpWithProvider } from '../sign-in/single-sign-on.tsx';
import { takeUrlFragment } from '../sign-in/url-fragment.ts';
import { strings } from './strings.ts';

/** The code from the link. It is stored only in memory, so it survives the sign-in but not a reload of the page. */
let invitationCode = '';

/** Returns a function that opens a workspace, or the home page for null, and discards the invitation's code. */
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

/** An error of the acceptance; for a wrong email address, also what the user can do about it. */
function InvitationError({ error, me }: { readonly error: Error; readonly me: Person }) {
  if (error instanceof DevpilotError && error.code === 'forbidden') {
    return <Notice tone="danger">{strings.invitationPage.wrongAddress(me.email)}</Notice>;
  }
  return <Notice tone="danger">{getErrorMessage(error)}</Notice>;
}

function AcceptInvitation({ me }: { readonly me: Person }) {
  const enterWorkspace = useEnterWorkspace();
  const navigate = useNavigate();
  const accept = useMutation({ mutationFn: () => api.invitations.accept(invitationCode), onSuccess: enterWorkspace });
  const errorCode = accept.error instanceof DevpilotError ? accept.error.code : null;
  /** Whether trying again cannot help: the person is already a member, or the invitation is no longer valid. */
  const isFinal = errorCode === 'conflict' || errorCode === 'not_found';

  async function switchAccount() {
    await api.sessions.deleteCurrent().catch(() => undefined);
    clearSessionData();
    await navigate({ to: '/sign-in', search: { from: '/accept-invitation' } });
  }

  return (
    <CenteredLayout
      title={strings.invitationPage.joinTitle}
      description={strings.invitationPage.joinDescription(me.name, me.email)}
    >
      <Stack gap="md">
        {accept.error !== null && <InvitationError error={accept.error} me={me} />}
        {isFinal ? (
          <Button onClick={() => void enterWorkspace(null)}>{strings.invitationPage.goToYourWorkspaces}</Button>
        ) : (
          <Button loading={accept.isPending} onClick={() => accept.mutate()}>
            {strings.invitationPage.acceptInvitation}
          </Button>
        )}
        <Button variant="subtle" onClick={() => void switchAccount()}>
          {strings.invitationPage.useADifferentAccount}
        </Button>
      </Stack>
    </CenteredLayout>
  );
}

function InvitedSignUp() {
  const enterWorkspace = useEnterWorkspace();
  const navigate = useNavigate();
  const [account, setAccount] = useState<'new' | 'existing'>('new');
  return (
    <CenteredLayout
      title={strings.invitationPage.title}
      description={strings.invitationPage.description}
      footer={
        <Text c="dimmed" fz="sm" ta="center">
          {strings.invitationPage.oneTimeUse}
        </Text>
      }
    >
      {arePasswordsOn() && (
        <>
          <SegmentedControl
            fullWidth
            styles={{
              label: {
                whiteSpace: 'normal',
                paddingInline: 4,
                height: '100%',
                display: 'grid',
                placeContent: 'center',
              },
            }}
            aria-label={strings.invitationPage.account}
            value={account}
            onChange={(value) => setAccount(value === 'existing' ? 'existing' : 'new')}
            data={[
              { value: 'new', label: strings.invitationPage.imNewHere },
              { value: 'existing', label: strings.invitationPage.iHaveAnAccount },
            ]}
          />
          {account === 'new' ? (
            <AccountForm signUpCode={{ invitation: invitationCode }} onSignedUp={() => void enterWorkspace(null)} />
          ) : (
            <Button onClick={() => void navigate({ to: '/sign-in', search: { from: '/accept-invitation' } })}>
              {strings.invitationPage.signInToAccept}
            </Button>
          )}
        </>
      )}
      <SignUpWithProvider request={{ return: '/', invitation: invitationCode }} />
    </CenteredLayout>
  );
}

/** The page of an invitation link. New people accept the invitation by signing up; all others sign in and accept it. */
export function InvitationPage() {
  const [hasCode] = useState(() => {
    invitationCode = takeUrlFragment() || invitationCode;
    return invitationCode !== '';
  });
  const me = useQuery({ ...meQuery, enabled: hasCode });
  if (!hasCode) {
    return (
      <CenteredLayout
        title={strings.invitationPage.reloadedTitle}
        description={strings.invitationPage.reloadedDescription}
        footer={
          <Anchor href="/" fz="sm" ta="center">
            {strings.invitationPage.goToDevpilot}
          </Anchor>
        }
      />
    );
  }
  if (me.isPending) {
    return (
      <CenteredLayout title={strings.invitationPage.title}>
        <Group justify="center">
          <Loader aria-label={strings.invitationPage.loading} />
        </Group>
      </CenteredLayout>
    );
  }
  if (me.data !== undefined) return <AcceptInvitation me={me.data} />;
  if (isSignedOutError(me.error)) return <InvitedSignUp />;
  return (
    <CenteredLayout title={strings.invitationPage.title}>
      <Notice tone="danger">{getErrorMessage(me.error)}</Notice>
      <Button variant="default" onClick={() => void me.refetch()}>
        {strings.invitationPage.tryAgain}
      </Button>
    </CenteredLayout>
  );
}
