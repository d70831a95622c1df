import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { api } from '../api.ts';
import { useFields } from '../components/fields.ts';
import { useSubmit } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { emailProblem, passwordProblem, personNameProblem } from '../rules.ts';
import { forgetPerson } from '../session.ts';

interface AccountFormProps {
  /** What lets the person in: the setup code or an invitation's code. */
  readonly admission: { readonly setupCode?: string; readonly invitation?: string };
  /** Known already, where an invitation names it. */
  readonly email?: string;
  /** Whether its first field has the focus, where nothing else on the page comes first. */
  readonly autoFocus?: boolean;
  readonly onSignedUp: () => void;
}

/** Signs someone up, and in. */
export function AccountForm({ admission, email = '', autoFocus = false, onSignedUp }: AccountFormProps) {
  const form = useFields({
    initialValues: { name: '', email, password: '' },
    validate: { name: personNameProblem, email: emailProblem, password: passwordProblem },
  });
  const signingUp = useSubmit(form, async (values) => {
    await api.people.signUp({ ...values, ...admission });
    form.setFieldValue('password', '');
    forgetPerson();
    onSignedUp();
  });
  return (
    <form noValidate onSubmit={form.onSubmit(signingUp.submit)}>
      <Stack gap="md">
        <TextInput label="Your name" autoComplete="name" autoFocus={autoFocus} {...form.getInputProps('name')} />
        <TextInput label="Email" type="email" autoComplete="username" {...form.getInputProps('email')} />
        <PasswordInput
          label="Password"
          description="At least 8 characters. A sentence is easier to keep than a riddle."
          autoComplete="new-password"
          {...form.getInputProps('password')}
        />
        {signingUp.trouble !== null && <Notice tone="bad">{signingUp.trouble}</Notice>}
        <Button type="submit" loading={signingUp.busy} fullWidth>
          Create account
        </Button>
      </Stack>
    </form>
  );
}
