import { Anchor } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMe } from '../session.ts';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { CreateWorkspaceForm } from '../workspace/create-workspace.tsx';

/** Shown to people without a workspace, and to create another one. */
export function HomePage() {
  const me = useMe();
  const navigate = useNavigate();
  const { create } = useSearch({ strict: false }) as { create?: string };
  const footer = (
    <Anchor component="button" fz="sm" ta="center" onClick={() => void navigate({ to: '/account' })}>
      Your account
    </Anchor>
  );
  if (!me.canCreateWorkspaces) {
    return (
      <CenteredLayout
        title="You are not a member of any workspace"
        description={`You are signed in as ${me.email}. Ask an owner or admin of a workspace for an invitation, or an operator of this server to create a workspace.`}
        footer={footer}
      />
    );
  }
  return (
    <CenteredLayout
      title="Create workspace"
      description={
        create === undefined
          ? `You are signed in as ${me.email} but not a member of any workspace yet. Create one, or ask for an invitation.`
          : 'You will be its owner. It shares nothing with your other workspaces.'
      }
      footer={footer}
    >
      <CreateWorkspaceForm
        onCreated={({ slug }) => void navigate({ to: '/settings/access-tokens', search: { workspace: slug } })}
      />
    </CenteredLayout>
  );
}
