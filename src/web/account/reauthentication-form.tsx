import { Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useId } from 'react';
import type { Reauthenticate } from '../../contract/reauthentication.ts';
import { DevpilotError } from '../../sdk/client.ts';
import { getErrorMessage, getFieldErrors } from '../api.ts';
import { ErrorNotice } from '../components/error-message.tsx';
import { IconFingerprint } from '../components/icons.ts';
import { useAppForm } from '../components/use-app-form.ts';
import { useMe } from '../session.ts';
import { arePasswordsOn } from '../sign-in/installation.ts';
import { passkeysQuery, passkeyUnavailableReason, reauthenticateWithPasskey } from './passkey.ts';
import { ProviderProof } from './provider-proof.tsx';
import { strings } from './strings.ts';

interface ReauthenticationFormProps {
  readonly children?: ReactNode;
  readonly submitLabel: string;
  /** Whether the operation deletes something or lowers security; the button is then red. */
  readonly isDestructive?: boolean;
  /** If set, the form also asks for a name and suggests this one. */
  readonly proposedName?: string;
  readonly onCancel: () => void;
  /**
   * Performs the operation with the proof, and with the name if the form asks for one. If it rejects, the form shows the
   * error, next to the field that the error is about, if any.
   */
  readonly onReauthenticated: (proof: Reauthenticate, name: string) => Promise<unknown>;
}

/** Returns the form, and the mutation that performs the operation with the proof. */
function useReauthentication({
  proposedName,
  onReauthenticated,
}: Pick<ReauthenticationFormProps, 'proposedName' | 'onReauthenticated'>) {
  const me = useMe();
  const form = useAppForm({
    initialValues: { password: '', code: '', name: proposedName ?? '' },
    validate: {
      password: (password) => (password === '' ? strings.reauthenticationForm.enterYourPassword : null),
      code: (code) => (me.twoFactor && code.trim() === '' ? strings.reauthenticationForm.enterACode : null),
      name: (name) =>
        proposedName !== undefined && name.trim() === '' ? strings.reauthenticationForm.enterAName : null,
    },
  });
  const reauthenticate = useMutation({
    mutationFn: async (proof: Reauthenticate | 'passkey') =>
      onReauthenticated(proof === 'passkey' ? await reauthenticateWithPasskey() : proof, form.values.name.trim()),
    onError: (error) => {
      if (error instanceof DevpilotError && error.code === 'sign_in_failed') {
        const message = me.twoFactor
          ? strings.reauthenticationForm.incorrectPasswordOrCode
          : strings.reauthenticationForm.incorrectPassword;
        form.setFieldError('password', message);
      } else form.setErrors(getFieldErrors(error) ?? {});
    },
  });
  return { form, reauthenticate };
}

/**
 * Asks for reauthentication before a sensitive operation (ASVS 7.5.3): the password, with a code if two-factor
 * authentication is on, or a passkey.
 */
export function ReauthenticationForm({
  children,
  submitLabel,
  isDestructive = false,
  proposedName,
  onCancel,
  onReauthenticated,
}: ReauthenticationFormProps) {
  const me = useMe();
  const descriptionId = useId();
  const canUsePasskey = passkeyUnavailableReason() === null;
  const { data: passkeys = [] } = useQuery({ ...passkeysQuery, enabled: canUsePasskey });
  const { form, reauthenticate } = useReauthentication({ proposedName, onReauthenticated });
  const { error } = reauthenticate;
  const isFieldError =
    error instanceof DevpilotError &&
    (error.code === 'sign_in_failed' || getFieldErrors(error)?.['name'] !== undefined);
  return (
    <form
      noValidate
      aria-describedby={descriptionId}
      onSubmit={form.onSubmit(({ password, code }) =>
        reauthenticate.mutate({ password, ...(me.twoFactor && { code: code.trim() }) }),
      )}
    >
      <Stack gap="md">
        <Text fz="sm" component="div" id={descriptionId}>
          {children}
        </Text>
        <input type="hidden" name="username" autoComplete="username" value={me.email} />
        {proposedName !== undefined && (
          <TextInput
            label={strings.reauthenticationForm.name}
            description={strings.reauthenticationForm.nameDescription}
            data-autofocus
            {...form.getInputProps('name')}
          />
        )}
        <ProviderProof isPending={reauthenticate.isPending} onProof={(proof) => reauthenticate.mutate(proof)} />
        {arePasswordsOn() && (
          <PasswordInput
            label={strings.reauthenticationForm.yourPassword}
            autoComplete="current-password"
            {...(proposedName === undefined && { 'data-autofocus': true })}
            {...form.getInputProps('password')}
          />
        )}
        {arePasswordsOn() && me.twoFactor && (
          <TextInput
            label={strings.reauthenticationForm.twoFactorCode}
            description={strings.reauthenticationForm.twoFactorCodeDescription}
            autoComplete="one-time-code"
            {...form.getInputProps('code')}
          />
        )}
        {error !== null && !isFieldError && (
          <ErrorNotice
            error={error}
            message={error instanceof DevpilotError ? getErrorMessage(error) : error.message}
          />
        )}
        <Group justify="flex-end" gap="sm">
          {canUsePasskey && passkeys.length > 0 && (
            <Button
              variant="subtle"
              leftSection={<IconFingerprint size={18} />}
              disabled={reauthenticate.isPending}
              onClick={() => reauthenticate.mutate('passkey')}
            >
              {strings.reauthenticationForm.useAPasskeyInstead}
            </Button>
          )}
          <Button variant="default" onClick={onCancel}>
            {strings.reauthenticationForm.cancel}
          </Button>
          {arePasswordsOn() && (
            <Button
              type="submit"
              loading={reauthenticate.isPending}
              {...(isDestructive && { className: 'button-danger' })}
            >
              {submitLabel}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}
