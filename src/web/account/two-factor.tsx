import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { queryOptions, useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { DevpilotError } from '../../sdk/client.ts';
import { api, messageOf, queryClient } from '../api.ts';
import { CopyButton } from '../components/copy.tsx';
import { Notice, Tag } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { BlockSkeleton, ErrorState } from '../components/states.tsx';
import { meQuery } from '../session.ts';
import styles from './account.module.css';
import { ProveForm } from './prove.tsx';
import { QrCode } from './qr-code.tsx';
import { RecoveryCodes } from './recovery-codes.tsx';

const twoFactorQuery = queryOptions({
  queryKey: ['two-factor'],
  queryFn: ({ signal }) => api.me.twoFactor.get({ signal }),
});

/** Below this many recovery codes it is time for new ones. */
const FEW_CODES = 3;

type Dialog =
  | { readonly step: 'prove'; readonly to: 'enable' | 'renew' | 'disable' }
  | { readonly step: 'scan'; readonly secret: string; readonly uri: string }
  | { readonly step: 'codes'; readonly codes: readonly string[] };

const TITLES = {
  enable: 'Turn two-factor sign-in on',
  renew: 'Make new recovery codes',
  disable: 'Turn two-factor sign-in off',
} as const;

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
  const form = useForm({
    initialValues: { code: '' },
    validate: { code: (code) => (/^\d{6}$/.test(code.replace(/\s/g, '')) ? null : 'Type the six digits') },
  });
  const confirm = useMutation({
    // Its answer is the recovery codes: nothing of them stays behind in the cache.
    gcTime: 0,
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

/** A second factor: set up with a QR code, recovery codes, taken away. */
export function TwoFactorSection() {
  const { data, error, refetch } = useQuery(twoFactorQuery);
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const close = () => setDialog(null);
  const refresh = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: twoFactorQuery.queryKey }),
      queryClient.invalidateQueries({ queryKey: meQuery.queryKey }),
    ]);

  async function proven(to: 'enable' | 'renew' | 'disable', password: string): Promise<void> {
    if (to === 'enable') {
      setDialog({ step: 'scan', ...(await api.me.twoFactor.start({ password })) });
    } else if (to === 'renew') {
      const { recoveryCodes } = await api.me.twoFactor.renewRecoveryCodes({ password });
      setDialog({ step: 'codes', codes: recoveryCodes });
      void refresh();
    } else {
      await api.me.twoFactor.disable({ password });
      close();
      notifications.show({ message: 'Two-factor sign-in is off.' });
      void refresh();
    }
  }

  if (error !== null) return <ErrorState error={error} retry={() => void refetch()} />;
  if (data === undefined) return <BlockSkeleton height={96} />;
  const { enabled, recoveryCodesLeft } = data;
  const mustStay = dialog?.step === 'codes';
  return (
    <Section
      title="Two-factor sign-in"
      description="With the six digits of an authenticator app, a stolen password alone lets nobody in."
      actions={
        enabled ? (
          <Tag tone="good">On</Tag>
        ) : (
          <Button onClick={() => setDialog({ step: 'prove', to: 'enable' })}>Turn on</Button>
        )
      }
    >
      {enabled && (
        <Group justify="space-between" gap="sm">
          <Text fz="sm" c={recoveryCodesLeft < FEW_CODES ? 'var(--app-warn)' : 'dimmed'}>
            {recoveryCodesLeft === 1 ? '1 recovery code' : `${recoveryCodesLeft} recovery codes`} left
            {recoveryCodesLeft < FEW_CODES && '. Make new ones.'}
          </Text>
          <Group gap="xs">
            <Button variant="default" size="xs" onClick={() => setDialog({ step: 'prove', to: 'renew' })}>
              New recovery codes
            </Button>
            <Button variant="default" size="xs" onClick={() => setDialog({ step: 'prove', to: 'disable' })}>
              Turn off
            </Button>
          </Group>
        </Group>
      )}
      <Modal
        opened={dialog !== null}
        onClose={close}
        title={
          dialog?.step === 'prove' ? TITLES[dialog.to] : dialog?.step === 'scan' ? TITLES.enable : 'Recovery codes'
        }
        size="lg"
        // Not only out of sight: nothing of the codes stays behind while a transition ends.
        transitionProps={{ duration: 0 }}
        closeOnClickOutside={!mustStay}
        closeOnEscape={!mustStay}
        withCloseButton={!mustStay}
      >
        {dialog?.step === 'prove' && (
          <ProveForm
            confirm={dialog.to === 'enable' ? 'Continue' : dialog.to === 'renew' ? 'Make new codes' : 'Turn off'}
            {...(dialog.to === 'disable' && { tone: 'bad' as const })}
            onCancel={close}
            onProven={({ password }) => proven(dialog.to, password)}
          >
            {dialog.to === 'enable'
              ? 'First make sure that it is you.'
              : dialog.to === 'renew'
                ? 'The recovery codes you have now stop working.'
                : 'Your password alone will let you in again. The recovery codes stop working.'}
          </ProveForm>
        )}
        {dialog?.step === 'scan' && (
          <Scan
            secret={dialog.secret}
            uri={dialog.uri}
            onCancel={close}
            onConfirmed={(codes) => {
              setDialog({ step: 'codes', codes });
              void refresh();
            }}
          />
        )}
        {dialog?.step === 'codes' && <RecoveryCodes codes={dialog.codes} onStored={close} />}
      </Modal>
    </Section>
  );
}
