import { Anchor } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMe } from '../session.ts';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { CreateWorkspaceForm } from '../workspace/create-workspace.tsx';
import { strings } from './strings.ts';

/** Shown to people who have no workspace or who are creating another one. */
export function HomePage() {
  const me = useMe();
  const navigate = useNavigate();
  const { create } = useSearch({ strict: false }) as { create?: string };
  const footer = (
    <Anchor component="button" fz="sm" ta="center" onClick={() => void navigate({ to: '/account' })}>
      {strings.homePage.yourAccount}
    </Anchor>
  );
  if (!me.canCreateWorkspaces) {
    return (
      <CenteredLayout
        title={strings.homePage.noWorkspaceTitle}
        description={strings.homePage.askForWorkspace(me.email)}
        footer={footer}
      />
    );
  }
  return (
    <CenteredLayout
      title={strings.homePage.createWorkspaceTitle}
      description={create === undefined ? strings.homePage.createOrAsk(me.email) : strings.homePage.createAnother}
      footer={footer}
    >
      <CreateWorkspaceForm
        onCreated={({ slug }) => void navigate({ to: '/settings/access-tokens', search: { workspace: slug } })}
      />
    </CenteredLayout>
  );
}
