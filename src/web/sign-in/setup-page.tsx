import { Text, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { queryClient } from '../api.ts';
import { meQuery } from '../session.ts';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { CreateWorkspaceForm } from '../workspace/create-workspace.tsx';
import { AccountForm } from './account-form.tsx';
import { arePasswordsOn } from './installation.ts';
import { SignUpWithProvider } from './single-sign-on.tsx';
import { strings } from './strings.ts';
import { takeUrlFragment } from './url-fragment.ts';

/** The key under which the browser tab stores the setup code, so that setup can continue after a reload. */
const CODE_STORAGE_KEY = 'devpilot.setup-code';

/** Returns the code from the setup link, also after a reload; empty if the browser tab has opened no such link. */
function takeSetupCode(): string {
  const code = takeUrlFragment().replace(/^code=/, '');
  if (code !== '') sessionStorage.setItem(CODE_STORAGE_KEY, code);
  return sessionStorage.getItem(CODE_STORAGE_KEY) ?? '';
}

/** Creates the first account and its workspace. Skips the account if the person is already signed in. */
export function SetupPage() {
  const navigate = useNavigate();
  const [code, setCode] = useState(takeSetupCode);
  const [step, setStep] = useState<'account' | 'workspace'>(() =>
    queryClient.getQueryData(meQuery.queryKey) === undefined ? 'account' : 'workspace',
  );
  const [hasCodeField] = useState(code === '');

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
      {hasCodeField && (
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
      {arePasswordsOn() && (
        <AccountForm
          signUpCode={{ setupCode: code }}
          autoFocus={!hasCodeField}
          onSignedUp={() => {
            sessionStorage.removeItem(CODE_STORAGE_KEY);
            setStep('workspace');
          }}
        />
      )}
      <SignUpWithProvider request={{ return: '/setup', setupCode: code }} />
    </CenteredLayout>
  );
}
