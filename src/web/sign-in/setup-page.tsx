import { Text, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { CreateWorkspaceForm } from '../workspace/create-workspace.tsx';
import { AccountForm } from './account-form.tsx';
import { strings } from './strings.ts';

/** Returns the URL's fragment and removes it from the address bar and the history. */
export function takeUrlFragment(): string {
  const fragment = decodeURIComponent(window.location.hash.slice(1));
  if (fragment !== '') window.history.replaceState(window.history.state, '', window.location.pathname);
  return fragment;
}

let takenCode: string | null = null;

/** Creates the first account and its workspace. */
export function SetupPage() {
  const navigate = useNavigate();
  const [code, setCode] = useState(() => (takenCode ??= takeUrlFragment().replace(/^code=/, '')));
  const [step, setStep] = useState<'account' | 'workspace'>('account');
  const [showCodeField] = useState(code === '');

  if (step === 'workspace') {
    return (
      <CenteredLayout title={strings.setupPage.workspaceTitle} description={strings.setupPage.workspaceDescription}>
        <CreateWorkspaceForm
          onCreated={({ slug }) => void navigate({ to: '/settings/access-tokens', search: { workspace: slug } })}
        />
      </CenteredLayout>
    );
  }
  return (
    <CenteredLayout
      title={strings.setupPage.title}
      description={strings.setupPage.description}
      footer={
        <Text c="dimmed" fz="sm" ta="center">
          {strings.setupPage.whereToFindTheLink}
        </Text>
      }
    >
      {showCodeField && (
        <TextInput
          label={strings.setupPage.setupCode}
          description={strings.setupPage.setupCodeDescription}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value.trim())}
          autoComplete="off"
          spellCheck={false}
          autoFocus
        />
      )}
      <AccountForm
        signUpCode={{ setupCode: code }}
        autoFocus={!showCodeField}
        onSignedUp={() => {
          takenCode = null;
          setStep('workspace');
        }}
      />
    </CenteredLayout>
  );
}
