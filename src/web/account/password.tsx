import { Button, Group, PasswordInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { DevpilotError } from '../../sdk/client.ts';
import { api, getErrorMessage, getFieldErrors, queryClient } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { Form } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { DimmedText } from '../components/text.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { useMe } from '../session.ts';
import { validatePassword } from '../validation.ts';

function ChangePasswordForm({ onClose }: { readonly onClose: () => void }) {
  const me = useMe();
  const form = useAppForm({
    initialValues: { currentPassword: '', newPassword: '' },
    validate: {
      currentPassword: (password) => (password === '' ? 'Enter your current password' : null),
      newPassword: validatePassword,
    },
  });
  const change = useMutation({
    mutationFn: (values: typeof form.values) => api.me.changePassword(values),
    onError: (error) => {
      if (error instanceof DevpilotError && error.code === 'sign_in_failed') {
        form.setFieldError('currentPassword', 'Incorrect password');
      } else form.setErrors(getFieldErrors(error) ?? {});
    },
    onSuccess: async () => {
      onClose();
      notifications.show({ message: 'Password changed. All other sessions have ended.' });
      await queryClient.invalidateQueries({ queryKey: ['sessions'] });
    },
  });
  const isFieldError =
    getFieldErrors(change.error) !== null ||
    (change.error instanceof DevpilotError && change.error.code === 'sign_in_failed');
  return (
    <Form onSubmit={form.onSubmit((values) => change.mutate(values))}>
      <input type="hidden" name="username" autoComplete="username" value={me.email} />
      <PasswordInput
        label="Current password"
        autoComplete="current-password"
        data-autofocus
        {...form.getInputProps('currentPassword')}
      />
      <PasswordInput
        label="New password"
        description="At least 8 characters. A long passphrase is easier to remember than a complex password."
        autoComplete="new-password"
        {...form.getInputProps('newPassword')}
      />
      <DimmedText>
        All your other sessions end, on every device. You stay signed in here. Access tokens, API keys and passkeys keep
        working.
      </DimmedText>
      {change.error !== null && !isFieldError && <Notice tone="bad">{getErrorMessage(change.error)}</Notice>}
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" loading={change.isPending}>
          Change password
        </Button>
      </Group>
    </Form>
  );
}

export function PasswordSection() {
  const [opened, { open, close }] = useDisclosure();
  return (
    <Section
      title="Password"
      description="Changing it ends all your other sessions."
      actions={
        <Button variant="default" onClick={open}>
          Change password
        </Button>
      }
    >
      {opened && (
        <Dialog onClose={close} title="Change password">
          <ChangePasswordForm onClose={close} />
        </Dialog>
      )}
    </Section>
  );
}
