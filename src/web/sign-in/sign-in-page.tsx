import { Anchor, Button, Divider, PasswordInput, Text, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { Link, useRouter, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { DevpilotError } from '../../sdk/client.ts';
import { passkeyUnavailableReason } from '../account/passkey.ts';
import { PasskeySignIn } from '../account/passkey-sign-in.tsx';
import { api, getErrorMessage, getFieldErrors } from '../api.ts';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { clearSessionData } from '../session.ts';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { validateEmail } from '../validation.ts';
import { arePasswordsOn, singleSignOnName } from './installation.ts';
import { safeReturnPath } from './return-path.ts';
import { SingleSignOnButton, SingleSignOnProblemNotice } from './single-sign-on.tsx';
import { strings } from './strings.ts';

const EMPTY_VALUES = { email: '', password: '', code: '' };

/**
 * Returns the form and the request of a sign-in with a password. `needsCode` is true once the password was accepted and
 * a second factor is required: the form then asks only for the code.
 */
function usePasswordSignIn() {
  const router = useRouter();
  const { from } = useSearch({ strict: false }) as { from?: string };
  const [needsCode, setNeedsCode] = useState(false);
  const form = useAppForm({
    initialValues: EMPTY_VALUES,
    validate: {
      email: validateEmail,
      password: (password) => (password === '' ? strings.signInPage.enterYourPassword : null),
      code: (code) => (needsCode && code.trim() === '' ? strings.signInPage.enterACode : null),
    },
  });
  const signIn = useMutation({
    mutationFn: ({ email, password, code }: typeof EMPTY_VALUES) =>
      api.sessions.create({ email: email.trim(), password, ...(needsCode && { code: code.replace(/\s/g, '') }) }),
    onError: (error) => {
      if (isCodeRequiredError(error)) setNeedsCode(true);
      form.setErrors(getFieldErrors(error) ?? {});
    },
    onSuccess: () => {
      form.reset();
      clearSessionData();
      router.history.push(safeReturnPath(from));
    },
  });
  function restart(): void {
    setNeedsCode(false);
    signIn.reset();
    form.reset();
  }
  return { form, signIn, needsCode, restart };
}

const isCodeRequiredError = (error: unknown): boolean =>
  error instanceof DevpilotError && error.code === 'second_factor_required';

type PasswordForm = UseFormReturnType<typeof EMPTY_VALUES>;

function CodeField({ form }: { readonly form: PasswordForm }) {
  return (
    <TextInput
      label={strings.signInPage.code}
      autoComplete="one-time-code"
      inputMode="text"
      autoFocus
      {...form.getInputProps('code')}
    />
  );
}

function EmailAndPassword({ form }: { readonly form: PasswordForm }) {
  return (
    <>
      <TextInput
        label={strings.signInPage.email}
        type="email"
        autoComplete="username"
        autoFocus={singleSignOnName() === null}
        {...form.getInputProps('email')}
      />
      <PasswordInput
        label={strings.signInPage.password}
        autoComplete="current-password"
        {...form.getInputProps('password')}
      />
      <Anchor fz="sm" renderRoot={(props) => <Link to="/forgot-password" search={{}} {...props} />}>
        {strings.signInPage.forgotYourPassword}
      </Anchor>
    </>
  );
}

/** Signs in with a password or a passkey, or with single sign-on if it is set up. */
function PasswordSignIn() {
  const router = useRouter();
  const { from } = useSearch({ strict: false }) as { from?: string };
  const { form, signIn, needsCode, restart } = usePasswordSignIn();
  const description = from === undefined ? strings.signInPage.description : strings.signInPage.returnDescription;
  return (
    <CenteredLayout
      title={needsCode ? strings.signInPage.codeTitle : strings.signInPage.title}
      description={needsCode ? strings.signInPage.codeDescription : description}
      footer={
        <Text c="dimmed" fz="sm" ta="center">
          {strings.signInPage.newHere}
        </Text>
      }
    >
      {!needsCode && <SingleSignOnProblemNotice />}
      {!needsCode && singleSignOnName() !== null && (
        <>
          <SingleSignOnButton request={{ return: safeReturnPath(from) }} isPrimary />
          <Divider label={strings.signInPage.or} />
        </>
      )}
      <Form onSubmit={form.onSubmit((values) => signIn.mutate(values))}>
        {needsCode ? <CodeField form={form} /> : <EmailAndPassword form={form} />}
        {signIn.error !== null && !isCodeRequiredError(signIn.error) && getFieldErrors(signIn.error) === null && (
          <Notice tone="danger">{getErrorMessage(signIn.error)}</Notice>
        )}
        <Button
          type="submit"
          loading={signIn.isPending}
          fullWidth
          variant={singleSignOnName() === null || needsCode ? 'filled' : 'default'}
        >
          {needsCode ? strings.signInPage.continue : strings.signInPage.signIn}
        </Button>
        {!needsCode && passkeyUnavailableReason() === null && (
          <>
            <Divider label={strings.signInPage.or} />
            <PasskeySignIn onSignedIn={() => router.history.push(safeReturnPath(from))} />
          </>
        )}
        {needsCode && (
          <Button variant="subtle" onClick={restart}>
            {strings.signInPage.useADifferentAccount}
          </Button>
        )}
      </Form>
    </CenteredLayout>
  );
}

/** Asks for a two-factor code after a sign-in at the single sign-on provider without a second factor. */
function ProviderSecondFactor() {
  const router = useRouter();
  const { from } = useSearch({ strict: false }) as { from?: string };
  const form = useAppForm({
    initialValues: { code: '' },
    validate: { code: (code) => (code.trim() === '' ? strings.signInPage.enterACode : null) },
  });
  const submission = useSubmit(form, async ({ code }) => {
    await api.singleSignOn.secondFactor({ code: code.replace(/\s/g, '') });
    form.reset();
    clearSessionData();
    router.history.push(safeReturnPath(from));
  });
  return (
    <CenteredLayout title={strings.signInPage.codeTitle} description={strings.signInPage.codeDescription}>
      <Form onSubmit={form.onSubmit(submission.submit)}>
        <TextInput
          label={strings.signInPage.code}
          autoComplete="one-time-code"
          autoFocus
          {...form.getInputProps('code')}
        />
        <FormFooter saving={submission} submitLabel={strings.signInPage.continue} fullWidth />
      </Form>
      <Anchor fz="sm" ta="center" renderRoot={(props) => <Link to="/sign-in" search={{}} {...props} />}>
        {strings.singleSignOn.startAgain}
      </Anchor>
    </CenteredLayout>
  );
}

/** Signs in with single sign-on. Only if passwords are disabled. */
function ProviderSignIn() {
  const { from } = useSearch({ strict: false }) as { from?: string };
  return (
    <CenteredLayout
      title={strings.signInPage.title}
      description={from === undefined ? strings.signInPage.description : strings.signInPage.returnDescription}
      footer={
        <Text c="dimmed" fz="sm" ta="center">
          {strings.singleSignOn.onlyWay}
        </Text>
      }
    >
      <SingleSignOnProblemNotice />
      <SingleSignOnButton request={{ return: safeReturnPath(from) }} isPrimary />
    </CenteredLayout>
  );
}

/** Signs in, then returns to the page from which the person was redirected. */
export function SignInPage() {
  const { step } = useSearch({ strict: false }) as { step?: string };
  if (step === 'code' && singleSignOnName() !== null) return <ProviderSecondFactor />;
  return arePasswordsOn() ? <PasswordSignIn /> : <ProviderSignIn />;
}
