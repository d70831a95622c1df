import { Text, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { CreateWorkspaceForm } from '../workspace/create-workspace.tsx';
import { AccountForm } from './account-form.tsx';

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
      <CenteredLayout
        title="Name your workspace"
        description="Step 2 of 2. Everything you create belongs to a workspace."
      >
        <CreateWorkspaceForm
          onCreated={({ slug }) => void navigate({ to: '/settings/access-tokens', search: { workspace: slug } })}
        />
      </CenteredLayout>
    );
  }
  return (
    <CenteredLayout
      title="Set up Devpilot"
      description="Step 1 of 2. You will own this server's first workspace."
      footer={
        <Text c="dimmed" fz="sm" ta="center">
          The setup link can be used once. The server prints it when it starts.
        </Text>
      }
    >
      {showCodeField && (
        <TextInput
          label="Setup code"
          description="The part after #code= in the setup link the server printed."
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
