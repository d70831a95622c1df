import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { DevpilotError } from '../../sdk/client.ts';
import { api, getErrorMessage } from '../api.ts';
import { DescriptionList } from '../components/description-list.tsx';
import { Notice } from '../components/notice.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { BlockSkeleton } from '../components/states.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { useMe } from '../session.ts';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { takeUrlFragment } from '../sign-in/setup-page.tsx';

/** Eight letters, with or without what people put between them. */
const validateUserCode = (code: string) =>
  /^[a-z]{8}$/i.test(code.replace(/[\s-]/g, '')) ? null : 'Type the eight letters that the device shows';

function EnterCodeForm({ onSubmitCode }: { readonly onSubmitCode: (code: string) => void }) {
  const form = useAppForm({ initialValues: { code: '' }, validate: { code: validateUserCode } });
  return (
    <CenteredLayout title="Sign in on a device" description="Type the code that the command line or the device shows.">
      <form noValidate onSubmit={form.onSubmit(({ code }) => onSubmitCode(code))}>
        <Stack gap="md">
          <TextInput
            label="Code"
            placeholder="BCDF-GHJK"
            autoComplete="off"
            autoCapitalize="characters"
            spellCheck={false}
            autoFocus
            {...form.getInputProps('code')}
          />
          <Button type="submit">Continue</Button>
        </Stack>
      </form>
    </CenteredLayout>
  );
}

function DecisionConfirmation({ approved }: { readonly approved: boolean }) {
  return (
    <CenteredLayout
      title={approved ? 'The device is signed in' : 'The device was turned away'}
      description={
        approved
          ? 'Go back to it: it goes on by itself. You can end its session on your account page.'
          : 'Nothing was let in. If you did not start this, nothing else is to be done.'
      }
    />
  );
}

function DeviceApproval({
  code,
  onEnterAnotherCode,
}: {
  readonly code: string;
  readonly onEnterAnotherCode: () => void;
}) {
  const me = useMe();
  const { data, error, isPending } = useQuery({
    queryKey: ['device', code],
    queryFn: ({ signal }) => api.device.find(code, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  const decide = useMutation({
    mutationFn: (decision: 'approve' | 'deny') => api.device[decision](code),
  });
  if (decide.isSuccess) return <DecisionConfirmation approved={decide.variables === 'approve'} />;
  if (isPending) {
    return (
      <CenteredLayout title="Sign in on a device">
        <BlockSkeleton height={200} />
      </CenteredLayout>
    );
  }
  if (data === undefined) {
    const isUnknownCode = error instanceof DevpilotError && error.code === 'not_found';
    return (
      <CenteredLayout title="Sign in on a device">
        <Notice tone="bad">
          {isUnknownCode
            ? 'There is no request with this code. It may have expired or was answered: begin again.'
            : getErrorMessage(error)}
        </Notice>
        <Button variant="default" onClick={onEnterAnotherCode}>
          Type another code
        </Button>
      </CenteredLayout>
    );
  }
  return (
    <CenteredLayout title="Let this device sign in?" description={`It would act as you, ${me.name} (${me.email}).`}>
      <Stack gap="md">
        <DescriptionList
          items={[
            [
              'Code',
              <b key="code" className="mono" style={{ fontSize: 15 }}>
                {data.userCode}
              </b>,
            ],
            ['Program', data.client],
            ['Asks from', data.address ?? 'an unknown address'],
            ['Asked', <RelativeTime key="at" time={data.createdAt} />],
          ]}
        />
        <Notice tone="warn">
          Approve only what you started yourself a moment ago, and only if the code is the one on your screen. Whoever
          sent you a link to this page would be signed in as you.
        </Notice>
        {decide.error !== null && <Notice tone="bad">{getErrorMessage(decide.error)}</Notice>}
        <Group grow>
          <Button variant="default" disabled={decide.isPending} onClick={() => decide.mutate('deny')}>
            Deny
          </Button>
          <Button loading={decide.isPending} onClick={() => decide.mutate('approve')}>
            Approve
          </Button>
        </Group>
        <Text fz="xs" c="dimmed">
          Its session appears under Sessions on your account page, where you can end it.
        </Text>
      </Stack>
    </CenteredLayout>
  );
}

/** Where a device's sign-in is approved (RFC 8628, section 3.3). */
export function DevicePage() {
  const [code, setCode] = useState(takeUrlFragment);
  if (validateUserCode(code) !== null) return <EnterCodeForm onSubmitCode={setCode} />;
  return <DeviceApproval code={code} onEnterAnotherCode={() => setCode('')} />;
}
