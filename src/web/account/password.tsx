import { Button, Group, PasswordInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { DevpilotError } from '../../sdk/client.ts';
import { api, getFieldErrors } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { ErrorNotice } from '../components/error-message.tsx';
import { Form } from '../components/form.tsx';
import { Section } from '../components/section.tsx';
import { DimmedText } from '../components/text.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { useMe } from '../session.ts';
import { validatePassword } from '../validation.ts';
import { refetchSessions } from './sessions.tsx';
import { strings } from './strings.ts';

function ChangePasswordForm({ onClose }: { readonly onClose: () => void }) {
  const me = useMe();
  const form = useAppForm({
    initialValues: { currentPassword: '', newPassword: '' },
    validate: {
      currentPassword: (password) => (password === '' ? strings.password.enterYourCurrentPassword : null),
      newPassword: validatePassword,
    },
  });
  const change = useMutation({
    mutationFn: (values: typeof form.values) => api.me.changePassword(values),
    onError: (error) => {
      if (error instanceof DevpilotError && error.code === 'sign_in_failed') {
        form.setFieldError('currentPassword', strings.password.incorrectPassword);
      } else form.setErrors(getFieldErrors(error) ?? {});
    },
    onSuccess: async () => {
      onClose();
      notifications.show({ message: strings.password.changed });
      await refetchSessions();
    },
  });
  const isFieldError =
    getFieldErrors(change.error) !== null ||
    (change.error instanceof DevpilotError && change.error.code === 'sign_in_failed');
  return (
    <Form onSubmit={form.onSubmit((values) => change.mutate(values))}>
      <input type="hidden" name="username" autoComplete="username" value={me.email} />
      <PasswordInput
        label={strings.password.currentPassword}
        autoComplete="current-password"
        data-autofocus
        {...form.getInputProps('currentPassword')}
      />
      <PasswordInput
        label={strings.password.newPassword}
        description={strings.password.newPasswordDescription}
        autoComplete="new-password"
        {...form.getInputProps('newPassword')}
      />
      <DimmedText>{strings.password.consequences}</DimmedText>
      {change.error !== null && !isFieldError && <ErrorNotice error={change.error} />}
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onClose}>
          {strings.password.cancel}
        </Button>
        <Button type="submit" loading={change.isPending}>
          {strings.password.changePassword}
        </Button>
      </Group>
    </Form>
  );
}

export function PasswordSection() {
  const [opened, { open, close }] = useDisclosure();
  return (
    <Section
      title={strings.password.title}
      description={strings.password.description}
      actions={
        <Button variant="default" onClick={open}>
          {strings.password.changePassword}
        </Button>
      }
    >
      {opened && (
        <Dialog onClose={close} title={strings.password.changePassword}>
          <ChangePasswordForm onClose={close} />
        </Dialog>
      )}
    </Section>
  );
}
