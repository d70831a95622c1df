import { Anchor, Button, Stack, Text, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api.ts';
import { useFields } from '../components/fields.ts';
import { useSubmit } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { emailProblem } from '../rules.ts';
import { Centre } from '../shell/centre.tsx';

const back = (
  <Anchor fz="sm" ta="center" renderRoot={(props) => <Link to="/sign-in" search={{}} {...props} />}>
    Back to sign-in
  </Anchor>
);

/** Asks for a link to reset the password; says the same whether or not there is such a person. */
export function ForgotPasswordPage() {
  const [sentTo, setSentTo] = useState<string | null>(null);
  const form = useFields({ initialValues: { email: '' }, validate: { email: emailProblem } });
  const asking = useSubmit(form, async ({ email }) => {
    await api.passwordResets.request({ email: email.trim() });
    setSentTo(email.trim());
  });
  if (sentTo !== null) {
    return (
      <Centre title="Check your mail" below={back}>
        <Text fz="sm">
          If <b>{sentTo}</b> has an account and this server sends mail, a link to choose a new password arrives shortly.
          It works once, within one hour.
        </Text>
        <Text fz="sm" c="dimmed">
          Nothing arrives? Ask an operator of this server for a link.
        </Text>
      </Centre>
    );
  }
  return (
    <Centre title="Forgot your password?" description="We send you a link to choose a new one." below={back}>
      <form noValidate onSubmit={form.onSubmit(asking.submit)}>
        <Stack gap="md">
          <TextInput label="Email" type="email" autoComplete="username" autoFocus {...form.getInputProps('email')} />
          {asking.trouble !== null && <Notice tone="bad">{asking.trouble}</Notice>}
          <Button type="submit" loading={asking.busy} fullWidth>
            Send link
          </Button>
        </Stack>
      </form>
    </Centre>
  );
}
