import { Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
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
import { passkeysQuery, passkeyUnavailableReason, requestPasskeyProof } from './passkey.ts';
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
   * Performs the operation with the proof, and with the name if the form asks for one. If it rejects, the form shows
   * the error, next to the field that the error is about, if any.
   */
  readonly onReauthenticated: (proof: Reauthenticate, name: string) => Promise<unknown>;
}

interface Inputs {
  readonly password: string;
  readonly code: string;
  readonly name: string;
}

/** Whether the server rejected a password or the two-factor code sent with it, as opposed to another proof. */
const isPasswordRejected = (error: unknown, proof: Reauthenticate | 'passkey' | undefined): boolean =>
  error instanceof DevpilotError &&
  error.code === 'sign_in_failed' &&
  proof !== undefined &&
  proof !== 'passkey' &&
  proof.password !== undefined;

/** Returns the form, the mutation that performs the operation with the proof, and its error unless a field shows it. */
function useReauthentication({
  proposedName,
  onReauthenticated,
}: Pick<ReauthenticationFormProps, 'proposedName' | 'onReauthenticated'>) {
  const { twoFactor } = useMe();
  const form = useAppForm<Inputs>({
    initialValues: { password: '', code: '', name: proposedName ?? '' },
    validate: {
      password: (password) => (password === '' ? strings.reauthenticationForm.enterYourPassword : null),
      code: (code) => (twoFactor && code.trim() === '' ? strings.reauthenticationForm.enterACode : null),
      name: (name) =>
        proposedName !== undefined && name.trim() === '' ? strings.reauthenticationForm.enterAName : null,
    },
  });
  const reauthenticate = useMutation({
    mutationFn: async (proof: Reauthenticate | 'passkey') =>
      onReauthenticated(proof === 'passkey' ? await requestPasskeyProof() : proof, form.values.name.trim()),
    onError: (error, proof) => {
      if (isPasswordRejected(error, proof)) {
        const message = twoFactor
          ? strings.reauthenticationForm.incorrectPasswordOrCode
          : strings.reauthenticationForm.incorrectPassword;
        form.setFieldError('password', message);
      } else form.setErrors(getFieldErrors(error) ?? {});
    },
  });
  const { error, variables: proof } = reauthenticate;
  const isFieldError = isPasswordRejected(error, proof) || getFieldErrors(error)?.['name'] !== undefined;
  return { form, reauthenticate, formError: isFieldError ? null : error };
}

interface PasswordFieldsProps {
  readonly form: UseFormReturnType<Inputs>;
  readonly hasInitialFocus: boolean;
}

function PasswordFields({ form, hasInitialFocus }: PasswordFieldsProps) {
  const me = useMe();
  return (
    <>
      <PasswordInput
        label={strings.reauthenticationForm.yourPassword}
        autoComplete="current-password"
        {...(hasInitialFocus && { 'data-autofocus': true })}
        {...form.getInputProps('password')}
      />
      {me.twoFactor && (
        <TextInput
          label={strings.reauthenticationForm.twoFactorCode}
          description={strings.reauthenticationForm.twoFactorCodeDescription}
          autoComplete="one-time-code"
          {...form.getInputProps('code')}
        />
      )}
    </>
  );
}

/** Renders nothing if the person has no passkey or this browser cannot use one. */
function PasskeyButton({ disabled, onClick }: { readonly disabled: boolean; readonly onClick: () => void }) {
  const canUsePasskey = passkeyUnavailableReason() === null;
  const { data: passkeys = [] } = useQuery({ ...passkeysQuery, enabled: canUsePasskey });
  if (!canUsePasskey || passkeys.length === 0) return null;
  return (
    <Button variant="subtle" leftSection={<IconFingerprint size={18} />} disabled={disabled} onClick={onClick}>
      {strings.reauthenticationForm.useAPasskeyInstead}
    </Button>
  );
}

/**
 * Asks for reauthentication before a sensitive operation (ASVS 7.5.3): with the password and, if two-factor
 * authentication is on, a code; with a passkey; or with the identity provider.
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
  const { form, reauthenticate, formError } = useReauthentication({ proposedName, onReauthenticated });
  const { isPending, mutate } = reauthenticate;
  return (
    <form
      noValidate
      aria-describedby={descriptionId}
      onSubmit={form.onSubmit(({ password, code }) => mutate({ password, ...(me.twoFactor && { code: code.trim() }) }))}
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
        <ProviderProof isPending={isPending} onProof={(proof) => mutate(proof)} />
        {arePasswordsOn() && <PasswordFields form={form} hasInitialFocus={proposedName === undefined} />}
        {formError !== null && (
          <ErrorNotice
            error={formError}
            message={formError instanceof DevpilotError ? getErrorMessage(formError) : formError.message}
          />
        )}
        <Group justify="flex-end" gap="sm">
          <PasskeyButton disabled={isPending} onClick={() => mutate('passkey')} />
          <Button variant="default" onClick={onCancel}>
            {strings.reauthenticationForm.cancel}
          </Button>
          {arePasswordsOn() && (
            <Button type="submit" loading={isPending} {...(isDestructive && { className: 'button-danger' })}>
              {submitLabel}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}
