import { Anchor, Text, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api.ts';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { DimmedText } from '../components/text.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { validateEmail } from '../validation.ts';

const backLink = (
  <Anchor fz="sm" ta="center" renderRoot={(props) => <Link to="/sign-in" search={{}} {...props} />}>
    Back to sign-in
  </Anchor>
);

/** Requests a link that resets the password. The response does not reveal whether the account exists. */
export function ForgotPasswordPage() {
  const [sentTo, setSentTo] = useState<string | null>(null);
  const form = useAppForm({ initialValues: { email: '' }, validate: { email: validateEmail } });
  const submission = useSubmit(form, async ({ email }) => {
    await api.passwordResets.request({ email: email.trim() });
    setSentTo(email.trim());
  });
  if (sentTo !== null) {
    return (
      <CenteredLayout title="Check your email" footer={backLink}>
        <Text fz="sm">
          If <b>{sentTo}</b> has an account and this server sends email, a password reset link will arrive shortly. It
          can be used once and expires after one hour.
        </Text>
        <DimmedText>No email? Ask an operator of this server for a link.</DimmedText>
      </CenteredLayout>
    );
  }
  return (
    <CenteredLayout
      title="Forgot your password?"
      description="We'll email you a link to choose a new one."
      footer={backLink}
    >
      <Form onSubmit={form.onSubmit(submission.submit)}>
        <TextInput label="Email" type="email" autoComplete="username" autoFocus {...form.getInputProps('email')} />
        <FormFooter saving={submission} submitLabel="Send link" fullWidth />
      </Form>
    </CenteredLayout>
  );
}
