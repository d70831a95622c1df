import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { ProveItIsMe } from '../../contract/schemas.ts';
import { DevpilotError } from '../../sdk/client.ts';
import { api, messageOf } from '../api.ts';
import { CopyButton } from '../components/copy.tsx';
import { Dialog } from '../components/dialog.tsx';
import { useFields } from '../components/fields.ts';
import { Notice } from '../components/notice.tsx';
import styles from './account.module.css';
import { ProveForm } from './prove.tsx';
import { QrCode } from './qr-code.tsx';
import { RecoveryCodes } from './recovery-codes.tsx';

/** What is to be done to the second factor. */
export type TwoFactorPurpose = 'enable' | 'renew' | 'disable';

type Step =
  | { readonly step: 'prove' }
  | { readonly step: 'scan'; readonly secret: string; readonly uri: string }
  | { readonly step: 'codes'; readonly codes: readonly string[] };

const WORDS: Readonly<
  Record<TwoFactorPurpose, { readonly title: string; readonly verb: string; readonly text: string }>
> = {
  enable: {
    title: 'Turn two-factor sign-in on',
    verb: 'Continue',
    text: 'First make sure that it is you.',
  },
  renew: {
    title: 'Make new recovery codes',
    verb: 'Make new codes',
    text: 'The recovery codes you have now stop working.',
  },
  disable: {
    title: 'Turn two-factor sign-in off',
    verb: 'Turn off',
    text: 'Your password alone will let you in again. The recovery codes stop working.',
  },
};

function Scan({
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
  const form = useFields({
    initialValues: { code: '' },
    validate: { code: (code) => (/^\d{6}$/.test(code.replace(/\s/g, '')) ? null : 'Type the six digits') },
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
    <form noValidate onSubmit={form.onSubmit(({ code }) => confirm.mutate(code))}>
      <Stack gap="md">
        <Text fz="sm">Scan this with your authenticator app, then type the six digits that it shows.</Text>
        <Group gap="lg" align="flex-start" justify="center">
          <QrCode text={uri} label="QR code for your authenticator app" />
          <Stack gap="xs" flex="1 1 180px">
            <Text fz="xs" c="dimmed">
              No camera? Type this key into the app:
            </Text>
            <div className={styles['key']} data-testid="totp-key">
              {secret.replace(/.{4}(?=.)/g, '$& ')}
            </div>
            <CopyButton text={secret} label="Copy the key" size="xs" />
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
          <Notice tone="bad">{messageOf(error)}</Notice>
        )}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={confirm.isPending}>
            Turn on
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface TwoFactorDialogProps {
  readonly purpose: TwoFactorPurpose;
  readonly onChanged: () => void;
  readonly onClose: () => void;
}

/** The way through: password, then QR code and first code, then the recovery codes. Mounted only while it is open. */
export function TwoFactorDialog({ purpose, onChanged, onClose }: TwoFactorDialogProps) {
  const [at, setAt] = useState<Step>({ step: 'prove' });
  const { title, verb, text } = WORDS[purpose];
  const mustStay = at.step === 'codes';

  function showCodes(codes: readonly string[]): void {
    setAt({ step: 'codes', codes });
    onChanged();
  }

  async function proven(proof: ProveItIsMe): Promise<void> {
    if (purpose === 'enable') return setAt({ step: 'scan', ...(await api.me.twoFactor.start(proof)) });
    if (purpose === 'renew') return showCodes((await api.me.twoFactor.renewRecoveryCodes(proof)).recoveryCodes);
    await api.me.twoFactor.disable(proof);
    notifications.show({ message: 'Two-factor sign-in is off.' });
    onChanged();
    onClose();
  }

  return (
    <Dialog
      opened
      onClose={onClose}
      title={mustStay ? 'Recovery codes' : title}
      size="lg"
      closeOnClickOutside={!mustStay}
      closeOnEscape={!mustStay}
      withCloseButton={!mustStay}
      // Not only out of sight: nothing of the codes stays behind while a transition ends.
      transitionProps={{ duration: 0 }}
    >
      {at.step === 'prove' && (
        <ProveForm
          confirm={verb}
          {...(purpose === 'disable' && { tone: 'bad' as const })}
          onCancel={onClose}
          onProven={proven}
        >
          {text}
        </ProveForm>
      )}
      {at.step === 'scan' && <Scan secret={at.secret} uri={at.uri} onCancel={onClose} onConfirmed={showCodes} />}
      {at.step === 'codes' && <RecoveryCodes codes={at.codes} onStored={onClose} />}
    </Dialog>
  );
}
