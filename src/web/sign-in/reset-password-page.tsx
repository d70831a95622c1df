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
    notifications.show({ message: 'Password changed. Sign in with your new password.' });
    await navigate({ to: '/sign-in', search: {} });
  });
  const newLinkAnchor = (
    <Anchor fz="sm" ta="center" renderRoot={(props) => <Link to="/forgot-password" search={{}} {...props} />}>
      Request a new link
    </Anchor>
  );
  if (code === '') {
    return (
      <CenteredLayout
        title="Incomplete link"
        description="Open the full link from the email, including the part after #."
        footer={newLinkAnchor}
      />
    );
  }
  return (
    <CenteredLayout
      title="Choose a new password"
      description="You will be signed out everywhere else. Access tokens and API keys keep working."
      footer={newLinkAnchor}
    >
      <Form onSubmit={form.onSubmit(submission.submit)}>
        <PasswordInput
          label="New password"
          description="At least 8 characters."
          autoComplete="new-password"
          autoFocus
          {...form.getInputProps('password')}
        />
        <FormFooter saving={submission} submitLabel="Change password" fullWidth />
      </Form>
    </CenteredLayout>
  );
}
