import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { api, fieldErrorsOf, messageOf } from '../api.ts';
import { useFields } from '../components/fields.ts';
import { Notice } from '../components/notice.tsx';
import { emailProblem, passwordProblem, personNameProblem } from '../rules.ts';
import { forgetPerson } from '../session.ts';

interface AccountFormProps {
  /** What lets the person in: the setup code or an invitation's code. */
  readonly admission: { readonly setupCode?: string; readonly invitation?: string };
  /** Known already, where an invitation names it. */
  readonly email?: string;
  readonly onSignedUp: () => void;
}

/** Signs someone up, and in. */
export function AccountForm({ admission, email = '', onSignedUp }: AccountFormProps) {
  const form = useFields({
    initialValues: { name: '', email, password: '' },
    validate: { name: personNameProblem, email: emailProblem, password: passwordProblem },
  });
  const signUp = useMutation({
    mutationFn: (values: typeof form.values) => api.people.signUp({ ...values, ...admission }),
    onError: (error) => form.setErrors(fieldErrorsOf(error) ?? {}),
    onSuccess: () => {
      form.setFieldValue('password', '');
      forgetPerson();
      onSignedUp();
    },
  });
  return (
    <form noValidate onSubmit={form.onSubmit((values) => signUp.mutate(values))}>
      <Stack gap="md">
        <TextInput label="Your name" autoComplete="name" {...form.getInputProps('name')} />
        <TextInput label="Email" type="email" autoComplete="username" {...form.getInputProps('email')} />
        <PasswordInput
          label="Password"
          description="At least 8 characters. A sentence is easier to keep than a riddle."
          autoComplete="new-password"
          {...form.getInputProps('password')}
        />
        {signUp.error !== null && fieldErrorsOf(signUp.error) === null && (
          <Notice tone="bad">{messageOf(signUp.error)}</Notice>
        )}
        <Button type="submit" loading={signUp.isPending} fullWidth>
          Create account
        </Button>
      </Stack>
    </form>
  );
}
