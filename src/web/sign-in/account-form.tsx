import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { api } from '../api.ts';
import { useSubmit } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { clearSessionData } from '../session.ts';
import { validateEmail, validatePassword, validatePersonName } from '../validation.ts';

interface AccountFormProps {
  /** What lets the person in: the setup code or an invitation's code. */
  readonly signUpCode: { readonly setupCode?: string; readonly invitation?: string };
  /** Known already, where an invitation names it. */
  readonly email?: string;
  /** Whether its first field has the focus, where nothing else on the page comes first. */
  readonly autoFocus?: boolean;
  readonly onSignedUp: () => void;
}

/** Signs someone up, and in. */
export function AccountForm({ signUpCode, email = '', autoFocus = false, onSignedUp }: AccountFormProps) {
  const form = useAppForm({
    initialValues: { name: '', email, password: '' },
    validate: { name: validatePersonName, email: validateEmail, password: validatePassword },
  });
  const submission = useSubmit(form, async (values) => {
    await api.people.signUp({ ...values, ...signUpCode });
    form.setFieldValue('password', '');
    clearSessionData();
    onSignedUp();
  });
  return (
    <form noValidate onSubmit={form.onSubmit(submission.submit)}>
      <Stack gap="md">
        <TextInput label="Your name" autoComplete="name" autoFocus={autoFocus} {...form.getInputProps('name')} />
        <TextInput label="Email" type="email" autoComplete="username" {...form.getInputProps('email')} />
        <PasswordInput
          label="Password"
          description="At least 8 characters. A long passphrase is easier to remember than a complex password."
          autoComplete="new-password"
          {...form.getInputProps('password')}
        />
        {submission.trouble !== null && <Notice tone="bad">{submission.trouble}</Notice>}
        <Button type="submit" loading={submission.busy} fullWidth>
          Create account
        </Button>
      </Stack>
    </form>
  );
}
