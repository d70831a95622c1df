import { Button, Divider, Stack } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import type { StartSingleSignOn } from '../../contract/single-sign-on.ts';
import { SINGLE_SIGN_ON_PROBLEMS } from '../../contract/vocabulary.ts';
import { api, getErrorMessage } from '../api.ts';
import { IconShieldCheck } from '../components/icons.ts';
import { Notice } from '../components/notice.tsx';
import { arePasswordsOn, singleSignOnName } from './installation.ts';
import { strings } from './strings.ts';

interface SingleSignOnButtonProps {
  readonly request: StartSingleSignOn;
  readonly label?: string;
  readonly isPrimary?: boolean;
}

/** The "Sign in with …" button, which opens the provider's page. Renders nothing if single sign-on is not set up. */
export function SingleSignOnButton({ request, label, isPrimary = false }: SingleSignOnButtonProps) {
  const name = singleSignOnName();
  const start = useMutation({
    mutationFn: () => api.singleSignOn.start(request),
    onSuccess: ({ url }) => window.location.assign(url),
  });
  if (name === null) return null;
  return (
    <Stack gap="sm">
      <Button
        variant={isPrimary ? 'filled' : 'default'}
        fullWidth
        leftSection={<IconShieldCheck size={18} />}
        loading={start.isPending || start.isSuccess}
        onClick={() => start.mutate()}
      >
        {label ?? strings.singleSignOn.signInWith(name)}
      </Button>
      {start.error !== null && <Notice tone="danger">{getErrorMessage(start.error)}</Notice>}
    </Stack>
  );
}

/** Explains why single sign-on failed. Renders nothing if it is not set up or the URL has no known `problem`. */
export function SingleSignOnProblemNotice() {
  const { problem } = useSearch({ strict: false }) as { problem?: string };
  const knownProblem = SINGLE_SIGN_ON_PROBLEMS.find((name) => name === problem);
  const name = singleSignOnName();
  if (knownProblem === undefined || name === null) return null;
  return (
    <Notice tone={knownProblem === 'cancelled' ? 'warning' : 'danger'}>
      {strings.singleSignOn.problems[knownProblem](name)}
    </Notice>
  );
}

/** The "Continue with …" button below the sign-up form. Renders nothing if single sign-on is not set up. */
export function SignUpWithProvider({ request }: { readonly request: StartSingleSignOn }) {
  const name = singleSignOnName();
  if (name === null) return null;
  return (
    <>
      {arePasswordsOn() && <Divider label={strings.signInPage.or} />}
      <SingleSignOnButton
        request={request}
        label={strings.singleSignOn.signUpWith(name)}
        isPrimary={!arePasswordsOn()}
      />
    </>
  );
}
