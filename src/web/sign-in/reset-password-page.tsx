import { Anchor, Button, PasswordInput, Stack } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api.ts';
import { useFields } from '../components/fields.ts';
import { useSubmit } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { passwordProblem } from '../rules.ts';
import { forgetPerson } from '../session.ts';
import { Centre } from '../shell/centre.tsx';
import { takeFragment } from './setup-page.tsx';

let taken: string | null = null;

/** Chooses a new password with the code of a link, which leaves the address at once. */
export function ResetPasswordPage() {
  const navigate = useNavigate();
  const [code] = useState(() => {
    const inAddress = takeFragment();
    if (inAddress !== '') taken = inAddress;
    return taken ?? '';
  });
  const form = useFields({ initialValues: { password: '' }, validate: { password: passwordProblem } });
  const resetting = useSubmit(form, async ({ password }) => {
    await api.passwordResets.use(code, { password });
    taken = null;
    form.setFieldValue('password', '');
    forgetPerson();
    notifications.show({ message: 'Your password is changed. Sign in with it.' });
    await navigate({ to: '/sign-in', search: {} });
  });
  const again = (
    <Anchor fz="sm" ta="center" renderRoot={(props) => <Link to="/forgot-password" search={{}} {...props} />}>
      Ask for a new link
    </Anchor>
  );
  if (code === '') {
    return (
      <Centre
        title="The link is not complete"
        description="Open the whole link that was sent to you, with the part behind #."
        below={again}
      />
    );
  }
  return (
    <Centre
      title="Choose a new password"
      description="You are signed out everywhere else. Access tokens and API keys go on working."
      below={again}
    >
      <form noValidate onSubmit={form.onSubmit(resetting.submit)}>
        <Stack gap="md">
          <PasswordInput
            label="New password"
            description="At least 8 characters."
            autoComplete="new-password"
            autoFocus
            {...form.getInputProps('password')}
          />
          {resetting.trouble !== null && <Notice tone="bad">{resetting.trouble}</Notice>}
          <Button type="submit" loading={resetting.busy} fullWidth>
            Change password
          </Button>
        </Stack>
      </form>
    </Centre>
  );
}
