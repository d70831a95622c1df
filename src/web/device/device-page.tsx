import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { DevpilotError } from '../../sdk/client.ts';
import { api, getErrorMessage } from '../api.ts';
import { DescriptionList } from '../components/description-list.tsx';
import { Form } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { BlockSkeleton } from '../components/states.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { useMe } from '../session.ts';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { takeUrlFragment } from '../sign-in/setup-page.tsx';

/** Accepts eight letters, with or without spaces and hyphens. */
const validateUserCode = (code: string) =>
  /^[a-z]{8}$/i.test(code.replace(/[\s-]/g, '')) ? null : 'Enter the eight letters shown on the device';

function EnterCodeForm({ onSubmitCode }: { readonly onSubmitCode: (code: string) => void }) {
  const form = useAppForm({ initialValues: { code: '' }, validate: { code: validateUserCode } });
  return (
    <CenteredLayout title="Sign in on a device" description="Enter the code shown by the command line or the device.">
      <Form onSubmit={form.onSubmit(({ code }) => onSubmitCode(code))}>
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
      </Form>
    </CenteredLayout>
  );
}

function DecisionConfirmation({ approved }: { readonly approved: boolean }) {
  return (
    <CenteredLayout
      title={approved ? 'Device signed in' : 'Device denied'}
      description={
        approved
          ? 'Return to the device; it continues automatically. You can end its session on your account page.'
          : "The device was not signed in. If you did not start this request, you don't need to do anything else."
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
            ? 'No request has this code. It may have expired or already been used. Start again on the device.'
            : getErrorMessage(error)}
        </Notice>
        <Button variant="default" onClick={onEnterAnotherCode}>
          Enter another code
        </Button>
      </CenteredLayout>
    );
  }
  return (
    <CenteredLayout title="Approve this device?" description={`It will be signed in as you, ${me.name} (${me.email}).`}>
      <Stack gap="md">
        <DescriptionList
          items={[
            [
              'Code',
              <b key="code" className="mono" style={{ fontSize: 15 }}>
                {data.userCode}
              </b>,
            ],
            ['Client', data.client],
            ['IP address', data.address ?? 'Unknown'],
            ['Requested', <RelativeTime key="at" time={data.createdAt} />],
          ]}
        />
        <Notice tone="warn">
          Approve only a sign-in that you just started yourself, and only if this code matches the one on the device. If
          someone sent you a link to this page, approving it signs them in as you.
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
          You can end its session under Sessions on your account page.
        </Text>
      </Stack>
    </CenteredLayout>
  );
}

/** The page where a user approves the sign-in of a device (RFC 8628, section 3.3). */
export function DevicePage() {
  const [code, setCode] = useState(takeUrlFragment);
  if (validateUserCode(code) !== null) return <EnterCodeForm onSubmitCode={setCode} />;
  return <DeviceApproval code={code} onEnterAnotherCode={() => setCode('')} />;
}
