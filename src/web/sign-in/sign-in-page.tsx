import { Anchor, Button, Divider, PasswordInput, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link, useRouter, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { DevpilotError } from '../../sdk/client.ts';
import { passkeyUnavailableReason } from '../account/passkey.ts';
import { PasskeySignIn } from '../account/passkey-sign-in.tsx';
import { api, getErrorMessage, getFieldErrors } from '../api.ts';
import { Form } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { clearSessionData } from '../session.ts';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { validateEmail } from '../validation.ts';
import { safeReturnPath } from './return-path.ts';

/** Signs in and returns to the page that required it. */
export function SignInPage() {
  const router = useRouter();
  const { from } = useSearch({ strict: false }) as { from?: string };
  const [needsCode, setNeedsCode] = useState(false);
  const form = useAppForm({
    initialValues: { email: '', password: '', code: '' },
    validate: {
      email: validateEmail,
      password: (password) => (password === '' ? 'Enter your password' : null),
      code: (code) => (needsCode && code.trim() === '' ? 'Enter a code' : null),
    },
  });
  const signIn = useMutation({
    mutationFn: ({ email, password, code }: typeof form.values) =>
      api.sessions.create({ email: email.trim(), password, ...(needsCode && { code: code.replace(/\s/g, '') }) }),
    onError: (error) => {
      if (error instanceof DevpilotError && error.code === 'second_factor_required') setNeedsCode(true);
      form.setErrors(getFieldErrors(error) ?? {});
    },
    onSuccess: () => {
      form.reset();
      clearSessionData();
      router.history.push(safeReturnPath(from));
    },
  });
  const isCodeRequired = signIn.error instanceof DevpilotError && signIn.error.code === 'second_factor_required';

  return (
    <CenteredLayout
      title={needsCode ? 'Two-factor code' : 'Sign in'}
      description={
        needsCode
          ? 'Enter the six-digit code from your authenticator app, or a recovery code.'
          : from === undefined
            ? 'Sign in to your workspace.'
            : 'You will return to the page you were on.'
      }
      footer={
        <Text c="dimmed" fz="sm" ta="center">
          New here? Ask an owner or admin of your workspace for an invitation.
        </Text>
      }
    >
      <Form onSubmit={form.onSubmit((values) => signIn.mutate(values))}>
        {needsCode ? (
          <TextInput
            key="code"
            label="Code"
            autoComplete="one-time-code"
            inputMode="text"
            autoFocus
            {...form.getInputProps('code')}
          />
        ) : (
          <>
            <TextInput label="Email" type="email" autoComplete="username" autoFocus {...form.getInputProps('email')} />
            <PasswordInput label="Password" autoComplete="current-password" {...form.getInputProps('password')} />
            <Anchor fz="sm" renderRoot={(props) => <Link to="/forgot-password" search={{}} {...props} />}>
              Forgot your password?
            </Anchor>
          </>
        )}
        {signIn.error !== null && !isCodeRequired && getFieldErrors(signIn.error) === null && (
          <Notice tone="bad">{getErrorMessage(signIn.error)}</Notice>
        )}
        <Button type="submit" loading={signIn.isPending} fullWidth>
          {needsCode ? 'Continue' : 'Sign in'}
        </Button>
        {!needsCode && passkeyUnavailableReason() === null && (
          <>
            <Divider label="or" />
            <PasskeySignIn onSignedIn={() => router.history.push(safeReturnPath(from))} />
          </>
        )}
        {needsCode && (
          <Button
            variant="subtle"
            onClick={() => {
              setNeedsCode(false);
              signIn.reset();
              form.reset();
            }}
          >
            Use a different account
          </Button>
        )}
      </Form>
    </CenteredLayout>
  );
}
