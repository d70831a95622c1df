import { Anchor, PasswordInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api.ts';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { clearSessionData } from '../session.ts';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { validatePassword } from '../validation.ts';
import { takeUrlFragment } from './setup-page.tsx';
import { strings } from './strings.ts';

let takenCode: string | null = null;

/** Sets a new password with the code from the link, which is removed from the URL immediately. */
export function ResetPasswordPage() {
  const navigate = useNavigate();
  const [code] = useState(() => {
    const urlCode = takeUrlFragment();
    if (urlCode !== '') takenCode = urlCode;
    return takenCode ?? '';
  });
  const form = useAppForm({ initialValues: { password: '' }, validate: { password: validatePassword } });
  const submission = useSubmit(form, async ({ password }) => {
    await api.passwordResets.use(code, { password });
    takenCode = null;
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
  if (code === '') {
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
