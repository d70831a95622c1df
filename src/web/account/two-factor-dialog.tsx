import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { Reauthenticate } from '../../contract/reauthentication.ts';
import { DevpilotError } from '../../sdk/client.ts';
import { api } from '../api.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorNotice } from '../components/error-message.tsx';
import { Form } from '../components/form.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import styles from './account.module.css';
import { QrCode } from './qr-code.tsx';
import { ReauthenticationForm } from './reauthentication-form.tsx';
import { RecoveryCodes } from './recovery-codes.tsx';
import { strings } from './strings.ts';

export type TwoFactorPurpose = 'enable' | 'renew' | 'disable';

type DialogStep =
  | { readonly name: 'reauthenticate' }
  | { readonly name: 'scan'; readonly secret: string; readonly uri: string }
  | { readonly name: 'codes'; readonly codes: readonly string[] };

function ScanStep({
  secret,
  uri,
  onConfirmed,
  onCancel,
}: {
  readonly secret: string;
  readonly uri: string;
  readonly onConfirmed: (codes: readonly string[]) => void;
  readonly onCancel: () => void;
}) {
  const form = useAppForm({
    initialValues: { code: '' },
    validate: {
      code: (code) => (/^\d{6}$/.test(code.replace(/\s/g, '')) ? null : strings.twoFactorDialog.invalidCode),
    },
  });
  const confirm = useMutation({
    mutationFn: (code: string) => api.me.twoFactor.confirm({ code: code.replace(/\s/g, '') }),
    onSuccess: ({ recoveryCodes }) => onConfirmed(recoveryCodes),
    onError: (error) => {
      if (error instanceof DevpilotError && error.code === 'sign_in_failed') form.setFieldError('code', error.message);
    },
  });
  const { error } = confirm;
  return (
    <Form onSubmit={form.onSubmit(({ code }) => confirm.mutate(code))}>
      <Text fz="sm">{strings.twoFactorDialog.scanThisCode}</Text>
      <Group gap="lg" align="flex-start" justify="center">
        <QrCode text={uri} label={strings.twoFactorDialog.qrCodeLabel} />
        <Stack gap="xs" flex="1 1 180px">
          <Text fz="xs" c="dimmed">
            {strings.twoFactorDialog.orEnterThisKey}
          </Text>
          <div className={styles['key']} data-testid="totp-key">
            {/* In groups of four characters. */}
            {secret.replace(/.{4}(?=.)/g, '$& ')}
          </div>
          <CopyButton text={secret} label={strings.twoFactorDialog.copyKey} size="xs" />
        </Stack>
      </Group>
      <TextInput
        label={strings.twoFactorDialog.code}
        autoComplete="one-time-code"
        inputMode="numeric"
        maxLength={10}
        data-autofocus
        {...form.getInputProps('code')}
      />
      {error !== null && !(error instanceof DevpilotError && error.code === 'sign_in_failed') && (
        <ErrorNotice error={error} />
      )}
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onCancel}>
          {strings.twoFactorDialog.cancel}
        </Button>
        <Button type="submit" loading={confirm.isPending}>
          {strings.twoFactorDialog.turnOn}
        </Button>
      </Group>
    </Form>
  );
}

interface TwoFactorDialogProps {
  readonly purpose: TwoFactorPurpose;
  /** Called when the server has made the change. */
  readonly onChanged: () => void;
  /** Called when the person has stored the recovery codes, after `onClose`. */
  readonly onCodesStored: () => void;
  readonly onClose: () => void;
}

/**
 * Turns two-factor authentication on or off, or renews the recovery codes, after reauthentication. Turning it on has
 * two more steps: scan the QR code and enter a code, then store the recovery codes. Renewing has the last of these.
 * Mount the dialog only while it is open.
 */
export function TwoFactorDialog({ purpose, onChanged, onCodesStored, onClose }: TwoFactorDialogProps) {
  const [currentStep, setCurrentStep] = useState<DialogStep>({ name: 'reauthenticate' });
  const { title, confirmLabel, consequences } = strings.twoFactorDialog.purposes[purpose];
  const isShowingCodes = currentStep.name === 'codes';

  function showCodes(codes: readonly string[]): void {
    setCurrentStep({ name: 'codes', codes });
    onChanged();
  }

  async function handleReauthenticated(proof: Reauthenticate): Promise<void> {
    if (purpose === 'enable') return setCurrentStep({ name: 'scan', ...(await api.me.twoFactor.start(proof)) });
    if (purpose === 'renew') return showCodes((await api.me.twoFactor.renewRecoveryCodes(proof)).recoveryCodes);
    await api.me.twoFactor.disable(proof);
    notifications.show({ message: strings.twoFactorDialog.turnedOff });
    onChanged();
    onClose();
  }

  return (
    <Dialog
      onClose={onClose}
      title={isShowingCodes ? strings.twoFactorDialog.recoveryCodesTitle : title}
      size="lg"
      closeOnEscape={!isShowingCodes}
      withCloseButton={!isShowingCodes}
      // Without a transition, closing the dialog removes the recovery codes from the document immediately.
      transitionProps={{ duration: 0 }}
    >
      {currentStep.name === 'reauthenticate' && (
        <ReauthenticationForm
          submitLabel={confirmLabel}
          isDestructive={purpose === 'disable'}
          onCancel={onClose}
          onReauthenticated={handleReauthenticated}
        >
          {consequences}
        </ReauthenticationForm>
      )}
      {currentStep.name === 'scan' && (
        <ScanStep secret={currentStep.secret} uri={currentStep.uri} onCancel={onClose} onConfirmed={showCodes} />
      )}
      {currentStep.name === 'codes' && (
        <RecoveryCodes
          codes={currentStep.codes}
          onStored={() => {
            onClose();
            onCodesStored();
          }}
        />
      )}
    </Dialog>
  );
}
