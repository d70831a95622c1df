import { PasswordInput, TextInput } from '@mantine/core';
import { api } from '../api.ts';
import { Form, FormFooter, useSubmit } from '../components/form.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { clearSessionData } from '../session.ts';
import { validateEmail, validatePassword, validatePersonName } from '../validation.ts';
import { strings } from './strings.ts';

interface AccountFormProps {
  /** The setup code or the code of the invitation. */
  readonly signUpCode: { readonly setupCode?: string; readonly invitation?: string };
  /** The email address of the invitation, if any. */
  readonly email?: string;
  /** Whether the first field is focused on load. */
  readonly autoFocus?: boolean;
  readonly onSignedUp: () => void;
}

/** Creates an account and signs in. */
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
    <Form onSubmit={form.onSubmit(submission.submit)}>
      <TextInput
        label={strings.accountForm.yourName}
        autoComplete="name"
        autoFocus={autoFocus}
        {...form.getInputProps('name')}
      />
      <TextInput
        label={strings.accountForm.email}
        type="email"
        autoComplete="username"
        {...form.getInputProps('email')}
      />
      <PasswordInput
        label={strings.accountForm.password}
        description={strings.accountForm.passwordDescription}
        autoComplete="new-password"
        {...form.getInputProps('password')}
      />
      <FormFooter saving={submission} submitLabel={strings.accountForm.createAccount} fullWidth />
    </Form>
  );
}
