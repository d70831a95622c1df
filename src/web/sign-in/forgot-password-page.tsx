import { Anchor, Text, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api.ts';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { DimmedText } from '../components/text.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { validateEmail } from '../validation.ts';
import { strings } from './strings.ts';

const backLink = (
  <Anchor fz="sm" ta="center" renderRoot={(props) => <Link to="/sign-in" search={{}} {...props} />}>
    {strings.forgotPasswordPage.backToSignIn}
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
      <CenteredLayout title={strings.forgotPasswordPage.checkYourEmailTitle} footer={backLink}>
        <Text fz="sm">{strings.forgotPasswordPage.linkSent(<b>{sentTo}</b>)}</Text>
        <DimmedText>{strings.forgotPasswordPage.noEmail}</DimmedText>
      </CenteredLayout>
    );
  }
  return (
    <CenteredLayout
      title={strings.forgotPasswordPage.title}
      description={strings.forgotPasswordPage.description}
      footer={backLink}
    >
      <Form onSubmit={form.onSubmit(submission.submit)}>
        <TextInput
          label={strings.forgotPasswordPage.email}
          type="email"
          autoComplete="username"
          autoFocus
          {...form.getInputProps('email')}
        />
        <FormFooter saving={submission} submitLabel={strings.forgotPasswordPage.sendLink} fullWidth />
      </Form>
    </CenteredLayout>
  );
}
