import { Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useId } from 'react';
import { DevpilotError } from '../../sdk/client.ts';
import { fieldErrorsOf, messageOf } from '../api.ts';
import { useFields } from '../components/fields.ts';
import { Notice } from '../components/notice.tsx';
import { useMe } from '../session.ts';

export interface Proof {
  readonly password: string;
  /** Empty where no name is asked for. */
  readonly name: string;
}

interface ProveFormProps {
  readonly children?: ReactNode;
  /** The verb on the button. */
  readonly confirm: string;
  readonly tone?: 'bad';
  /** Where set, a name is asked for too, and this is proposed. */
  readonly proposedName?: string;
  readonly onCancel: () => void;
  /** Does it with the password. What it throws is shown; a wrong password at its field. */
  readonly onProven: (proof: Proof) => Promise<unknown>;
}

/** Asks for the password anew before something sensitive (ASVS 7.5.3). */
export function ProveForm({ children, confirm, tone, proposedName, onCancel, onProven }: ProveFormProps) {
  const me = useMe();
  const describedBy = useId();
  const form = useFields({
    initialValues: { password: '', name: proposedName ?? '' },
    validate: {
      password: (password) => (password === '' ? 'Type your password' : null),
      name: (name) => (proposedName !== undefined && name.trim() === '' ? 'Give it a name' : null),
    },
  });
  const prove = useMutation({
    mutationFn: onProven,
    onError: (error) => {
      if (error instanceof DevpilotError && error.code === 'sign_in_failed') {
        form.setFieldError('password', 'This is not your password');
      } else form.setErrors(fieldErrorsOf(error) ?? {});
    },
  });
  const { error } = prove;
  const atField =
    error instanceof DevpilotError && (error.code === 'sign_in_failed' || fieldErrorsOf(error)?.['name'] !== undefined);
  return (
    <form
      noValidate
      aria-describedby={describedBy}
      onSubmit={form.onSubmit((values) => prove.mutate({ ...values, name: values.name.trim() }))}
    >
      <Stack gap="md">
        <Text fz="sm" component="div" id={describedBy}>
          {children}
        </Text>
        <input type="hidden" name="username" autoComplete="username" value={me.email} />
        {proposedName !== undefined && (
          <TextInput
            label="Name"
            description="So that you can tell it from others."
            data-autofocus
            {...form.getInputProps('name')}
          />
        )}
        <PasswordInput
          label="Your password"
          autoComplete="current-password"
          {...(proposedName === undefined && { 'data-autofocus': true })}
          {...form.getInputProps('password')}
        />
        {error !== null && !atField && (
          <Notice tone="bad">{error instanceof DevpilotError ? messageOf(error) : error.message}</Notice>
        )}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={prove.isPending} {...(tone === 'bad' && { className: 'button-bad' })}>
            {confirm}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
