import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { Reauthenticate } from '../../contract/reauthentication.ts';
import { DevpilotError } from '../../sdk/client.ts';
import { api, getErrorMessage } from '../api.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Form } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import styles from './account.module.css';
import { QrCode } from './qr-code.tsx';
import { ReauthenticationForm } from './reauthentication-form.tsx';
import { RecoveryCodes } from './recovery-codes.tsx';

export type TwoFactorPurpose = 'enable' | 'renew' | 'disable';

type DialogStep =
  | { readonly step: 'reauthenticate' }
  | { readonly step: 'scan'; readonly secret: string; readonly uri: string }
  | { readonly step: 'codes'; readonly codes: readonly string[] };

const PURPOSE_TEXTS: Readonly<
  Record<TwoFactorPurpose, { readonly title: string; readonly verb: string; readonly text: string }>
> = {
  enable: {
    title: 'Turn on two-factor authentication',
    verb: 'Continue',
    text: 'Confirm your identity first.',
  },
  renew: {
    title: 'Generate new recovery codes',
    verb: 'Generate codes',
    text: 'Your current recovery codes stop working.',
  },
  disable: {
    title: 'Turn off two-factor authentication',
    verb: 'Turn off',
    text: 'You will sign in with your password only. Your recovery codes stop working.',
  },
};

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
    validate: { code: (code) => (/^\d{6}$/.test(code.replace(/\s/g, '')) ? null : 'Enter the six-digit code') },
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
      <Text fz="sm">Scan this QR code with your authenticator app, then enter the six-digit code it shows.</Text>
      <Group gap="lg" align="flex-start" justify="center">
        <QrCode text={uri} label="QR code for your authenticator app" />
        <Stack gap="xs" flex="1 1 180px">
          <Text fz="xs" c="dimmed">
            Can't scan it? Enter this key in the app:
          </Text>
          <div className={styles['key']} data-testid="totp-key">
            {secret.replace(/.{4}(?=.)/g, '$& ')}
          </div>
          <CopyButton text={secret} label="Copy key" size="xs" />
        </Stack>
      </Group>
      <TextInput
        label="Code"
        autoComplete="one-time-code"
        inputMode="numeric"
        maxLength={10}
        data-autofocus
        {...form.getInputProps('code')}
      />
      {error !== null && !(error instanceof DevpilotError && error.code === 'sign_in_failed') && (
        <Notice tone="bad">{getErrorMessage(error)}</Notice>
      )}
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button type="submit" loading={confirm.isPending}>
          Turn on
        </Button>
      </Group>
    </Form>
  );
}

interface TwoFactorDialogProps {
  readonly purpose: TwoFactorPurpose;
  readonly onChanged: () => void;
  readonly onClose: () => void;
}

/**
 * The steps of the dialog: reauthenticate, then scan the QR code and enter a code, then store the recovery codes.
 * Mount it only while it is open.
 */
export function TwoFactorDialog({ purpose, onChanged, onClose }: TwoFactorDialogProps) {
  const [currentStep, setCurrentStep] = useState<DialogStep>({ step: 'reauthenticate' });
  const { title, verb: submitLabel, text } = PURPOSE_TEXTS[purpose];
  const isShowingCodes = currentStep.step === 'codes';

  function showCodes(codes: readonly string[]): void {
    setCurrentStep({ step: 'codes', codes });
    onChanged();
  }

  async function handleReauthenticated(proof: Reauthenticate): Promise<void> {
    if (purpose === 'enable') return setCurrentStep({ step: 'scan', ...(await api.me.twoFactor.start(proof)) });
    if (purpose === 'renew') return showCodes((await api.me.twoFactor.renewRecoveryCodes(proof)).recoveryCodes);
    await api.me.twoFactor.disable(proof);
    notifications.show({ message: 'Two-factor authentication turned off' });
    onChanged();
    onClose();
  }

  return (
    <Dialog
      onClose={onClose}
      title={isShowingCodes ? 'Recovery codes' : title}
      size="lg"
      closeOnEscape={!isShowingCodes}
      withCloseButton={!isShowingCodes}
      // Without a transition the recovery codes are removed from the document at once.
      transitionProps={{ duration: 0 }}
    >
      {currentStep.step === 'reauthenticate' && (
        <ReauthenticationForm
          submitLabel={submitLabel}
          {...(purpose === 'disable' && { tone: 'bad' as const })}
          onCancel={onClose}
          onReauthenticated={handleReauthenticated}
        >
          {text}
        </ReauthenticationForm>
      )}
      {currentStep.step === 'scan' && (
        <ScanStep secret={currentStep.secret} uri={currentStep.uri} onCancel={onClose} onConfirmed={showCodes} />
      )}
      {currentStep.step === 'codes' && <RecoveryCodes codes={currentStep.codes} onStored={onClose} />}
    </Dialog>
  );
}
