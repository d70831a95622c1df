import { Anchor, Button, Group, Loader, SegmentedControl, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Person, Workspace } from '../../contract/schemas.ts';
import { DevpilotError } from '../../sdk/client.ts';
import { api, isSignedOut, messageOf, queryClient } from '../api.ts';
import { Notice } from '../components/notice.tsx';
import { forgetPerson, meQuery, rememberWorkspace, workspacesQuery } from '../session.ts';
import { Centre } from '../shell/centre.tsx';
import { AccountForm } from '../sign-in/account-form.tsx';
import { takeFragment } from '../sign-in/setup-page.tsx';

/** The code of the link, in memory alone: it outlives the way through sign-in and nothing else. */
let code = '';

function useEnter(): (workspace: Workspace | null) => Promise<void> {
  const navigate = useNavigate();
  return async (workspace) => {
    code = '';
    await queryClient.invalidateQueries({ queryKey: workspacesQuery.queryKey });
    if (workspace === null) return navigate({ to: '/', search: {} });
    rememberWorkspace(workspace);
    return navigate({ to: '/settings/access-tokens', search: { workspace: workspace.slug } });
  };
}

/** What went wrong, in words that say what to do. */
function Refusal({ error, me }: { readonly error: Error; readonly me: Person }) {
  if (error instanceof DevpilotError && error.code === 'forbidden') {
    return (
      <Notice tone="bad">
        This invitation is for another email address than {me.email}. Sign in with the address that it was sent to, or
        ask for one to {me.email}.
      </Notice>
    );
  }
  return <Notice tone="bad">{messageOf(error)}</Notice>;
}

function Accept({ me }: { readonly me: Person }) {
  const enter = useEnter();
  const navigate = useNavigate();
  const accept = useMutation({ mutationFn: () => api.invitations.accept(code), onSuccess: enter });
  const already = accept.error instanceof DevpilotError && accept.error.code === 'conflict';

  async function switchAccount() {
    await api.sessions.deleteCurrent().catch(() => undefined);
    forgetPerson();
    await navigate({ to: '/sign-in', search: { from: '/accept-invitation' } });
  }

  return (
    <Centre
      title="Join the workspace"
      description={`You are signed in as ${me.name} (${me.email}). The workspace and its members will see this name and address.`}
    >
      <Stack gap="md">
        {accept.error !== null && <Refusal error={accept.error} me={me} />}
        {already ? (
          <Button onClick={() => void enter(null)}>Go to your workspaces</Button>
        ) : (
          <Button loading={accept.isPending} onClick={() => accept.mutate()}>
            Accept the invitation
          </Button>
        )}
        <Button variant="subtle" onClick={() => void switchAccount()}>
          Use another account
        </Button>
      </Stack>
    </Centre>
  );
}

function SignUp() {
  const enter = useEnter();
  const navigate = useNavigate();
  const [account, setAccount] = useState<'new' | 'known'>('new');
  return (
    <Centre
      title="You are invited"
      description="Join with the email address that the invitation was sent to."
      below={
        <Text c="dimmed" fz="sm" ta="center">
          An invitation works once, for seven days.
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
          { value: 'new', label: 'I am new here' },
          { value: 'known', label: 'I have an account' },
        ]}
      />
      {account === 'new' ? (
        <AccountForm admission={{ invitation: code }} onSignedUp={() => void enter(null)} />
      ) : (
        <Button onClick={() => void navigate({ to: '/sign-in', search: { from: '/accept-invitation' } })}>
          Sign in and come back
        </Button>
      )}
    </Centre>
  );
}

/** Where an invitation's link leads: signed out, one signs up or in; signed in, one accepts. */
export function InvitationPage() {
  const [hasCode] = useState(() => {
    code = takeFragment() || code;
    return code !== '';
  });
  const me = useQuery({ ...meQuery, enabled: hasCode });
  if (!hasCode) {
    return (
      <Centre
        title="Open the link again"
        description="For safety the invitation's code is not kept when a page is reloaded. Open the link that you were sent once more."
        below={
          <Anchor href="/" fz="sm" ta="center">
            To Devpilot
          </Anchor>
        }
      />
    );
  }
  if (me.isPending) {
    return (
      <Centre title="You are invited">
        <Group justify="center">
          <Loader aria-label="Loading" />
        </Group>
      </Centre>
    );
  }
  if (me.data !== undefined) return <Accept me={me.data} />;
  if (isSignedOut(me.error)) return <SignUp />;
  return (
    <Centre title="You are invited">
      <Notice tone="bad">{messageOf(me.error)}</Notice>
      <Button variant="default" onClick={() => void me.refetch()}>
        Try again
      </Button>
    </Centre>
  );
}
