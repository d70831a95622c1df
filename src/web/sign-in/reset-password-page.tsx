import { Anchor, PasswordInput, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { DevpilotError } from '../../sdk/client.ts';
import { api } from '../api.ts';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { clearSessionData } from '../session.ts';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { validatePassword } from '../validation.ts';
import { arePasswordsOn } from './installation.ts';
import { strings } from './strings.ts';
import { takeUrlFragment } from './url-fragment.ts';

/** The code from the link. It is stored only in memory, so that the URL and the history do not contain it. */
let takenLinkCode: string | null = null;

/** Signs in with the code from an operator's link. Only if passwords are disabled. */
function LinkSignIn({ linkCode }: { readonly linkCode: string }) {
  const navigate = useNavigate();
  const [needsTwoFactorCode, setNeedsTwoFactorCode] = useState(false);
  const form = useAppForm({
    initialValues: { code: '' },
    validate: {
      code: (code) => (needsTwoFactorCode && code.trim() === '' ? strings.resetPasswordPage.enterACode : null),
    },
  });
  const submission = useSubmit(form, async ({ code }) => {
    try {
      await api.sessions.createWithLink({
        link: linkCode,
        ...(needsTwoFactorCode && { code: code.replace(/\s/g, '') }),
      });
    } catch (error) {
      if (!(error instanceof DevpilotError) || error.code !== 'second_factor_required' || needsTwoFactorCode)
        throw error;
      return setNeedsTwoFactorCode(true);
    }
    takenLinkCode = null;
    clearSessionData();
    await navigate({ to: '/account', search: {} });
  });
  return (
    <CenteredLayout
      title={strings.resetPasswordPage.signInTitle}
      description={strings.resetPasswordPage.signInDescription}
    >
      <Form onSubmit={form.onSubmit(submission.submit)}>
        {needsTwoFactorCode && (
          <TextInput
            label={strings.resetPasswordPage.code}
            autoComplete="one-time-code"
            autoFocus
            {...form.getInputProps('code')}
          />
        )}
        <FormFooter saving={submission} submitLabel={strings.resetPasswordPage.signIn} fullWidth />
      </Form>
    </CenteredLayout>
  );
}

/**
 * Sets a new password with the code from the link or, if passwords are disabled, signs in with it. The code is removed
 * from the URL immediately.
 */
export function ResetPasswordPage() {
  const [linkCode] = useState(() => {
    const urlCode = takeUrlFragment();
    if (urlCode !== '') takenLinkCode = urlCode;
    return takenLinkCode ?? '';
  });
  return arePasswordsOn() || linkCode === '' ? <NewPassword linkCode={linkCode} /> : <LinkSignIn linkCode={linkCode} />;
}

/** Sets a new password, or explains that the link is incomplete if it contained no code. */
function NewPassword({ linkCode }: { readonly linkCode: string }) {
  const navigate = useNavigate();
  const form = useAppForm({ initialValues: { password: '' }, validate: { password: validatePassword } });
  const submission = useSubmit(form, async ({ password }) => {
    await api.passwordResets.use(linkCode, { password });
    takenLinkCode = null;
    form.setFieldValue('password', '');
    clearSessionData();
    notifications.show({ message: strings.resetPasswordPage.passwordChanged });
    await navigate({ to: '/sign-in', search: {} });
  });
  const newLinkAnchor = (
    <Anchor fz="sm" ta="center" renderRoot={(props) => <Link to="/forgot-password" search={{}} {...props} />}>
      {strings.resetPasswordPage.requestANewLink}
    </Anchor>
  );
  if (linkCode === '') {
    return (
      <CenteredLayout
        title={strings.resetPasswordPage.incompleteLinkTitle}
        description={strings.resetPasswordPage.incompleteLinkDescription}
        footer={newLinkAnchor}
      />
    );
  }
  return (
    <CenteredLayout
      title={strings.resetPasswordPage.title}
      description={strings.resetPasswordPage.description}
      footer={newLinkAnchor}
    >
      <Form onSubmit={form.onSubmit(submission.submit)}>
        <PasswordInput
          label={strings.resetPasswordPage.newPassword}
          description={strings.resetPasswordPage.newPasswordDescription}
          autoComplete="new-password"
          autoFocus
          {...form.getInputProps('password')}
        />
        <FormFooter saving={submission} submitLabel={strings.resetPasswordPage.changePassword} fullWidth />
      </Form>
    </CenteredLayout>
  );
}
