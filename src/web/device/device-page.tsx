import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type DeviceRequest, DevpilotError } from '../../sdk/client.ts';
import { api, getErrorMessage } from '../api.ts';
import { DescriptionList } from '../components/description-list.tsx';
import { ErrorNotice } from '../components/error-message.tsx';
import { Form } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { BlockSkeleton } from '../components/states.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { useMe } from '../session.ts';
import { CenteredLayout } from '../shell/centered-layout.tsx';
import { takeUrlFragment } from '../sign-in/url-fragment.ts';
import { strings } from './strings.ts';

/** Accepts eight letters, with or without spaces and hyphens. */
const validateUserCode = (code: string) =>
  /^[a-z]{8}$/i.test(code.replace(/[\s-]/g, '')) ? null : strings.devicePage.invalidCode;

function EnterCodeForm({ onSubmitCode }: { readonly onSubmitCode: (code: string) => void }) {
  const form = useAppForm({ initialValues: { code: '' }, validate: { code: validateUserCode } });
  return (
    <CenteredLayout title={strings.devicePage.title} description={strings.devicePage.description}>
      <Form onSubmit={form.onSubmit(({ code }) => onSubmitCode(code))}>
        <TextInput
          label={strings.devicePage.code}
          placeholder={strings.devicePage.codePlaceholder}
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          autoFocus
          {...form.getInputProps('code')}
        />
        <Button type="submit">{strings.devicePage.continue}</Button>
      </Form>
    </CenteredLayout>
  );
}

function DecisionConfirmation({ approved }: { readonly approved: boolean }) {
  return (
    <CenteredLayout
      title={approved ? strings.devicePage.signedInTitle : strings.devicePage.deniedTitle}
      description={approved ? strings.devicePage.signedIn : strings.devicePage.denied}
    />
  );
}

/** The details of a device's sign-in request, with the buttons that approve and deny it. */
function DeviceDecision({ code, request }: { readonly code: string; readonly request: DeviceRequest }) {
  const me = useMe();
  const decide = useMutation({
    mutationFn: (decision: 'approve' | 'deny') => api.device[decision](code),
  });
  if (decide.isSuccess) return <DecisionConfirmation approved={decide.variables === 'approve'} />;
  return (
    <CenteredLayout
      title={strings.devicePage.approveTitle}
      description={strings.devicePage.approveDescription(me.name, me.email)}
    >
      <Stack gap="md">
        <DescriptionList
          items={[
            [
              strings.devicePage.items.code,
              <b key="code" className="mono" style={{ fontSize: 15 }}>
                {request.userCode}
              </b>,
            ],
            [strings.devicePage.items.client, request.client],
            [strings.devicePage.items.ipAddress, request.address ?? strings.devicePage.unknown],
            [strings.devicePage.items.requested, <RelativeTime key="at" time={request.createdAt} />],
          ]}
        />
        <Notice tone="warning">{strings.devicePage.warning}</Notice>
        {decide.error !== null && <ErrorNotice error={decide.error} />}
        <Group grow>
          <Button variant="default" disabled={decide.isPending} onClick={() => decide.mutate('deny')}>
            {strings.devicePage.deny}
          </Button>
          <Button loading={decide.isPending} onClick={() => decide.mutate('approve')}>
            {strings.devicePage.approve}
          </Button>
        </Group>
        <Text fz="xs" c="dimmed">
          {strings.devicePage.howToEndSession}
        </Text>
      </Stack>
    </CenteredLayout>
  );
}

function DeviceApproval({
  code,
  onEnterAnotherCode,
}: {
  readonly code: string;
  readonly onEnterAnotherCode: () => void;
}) {
  const {
    data: request,
    error,
    isPending,
  } = useQuery({
    queryKey: ['device', code],
    queryFn: ({ signal }) => api.device.find(code, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  if (isPending) {
    return (
      <CenteredLayout title={strings.devicePage.title}>
        <BlockSkeleton height={200} />
      </CenteredLayout>
    );
  }
  if (request === undefined) {
    const isUnknownCode = error instanceof DevpilotError && error.code === 'not_found';
    return (
      <CenteredLayout title={strings.devicePage.title}>
        <Notice tone="danger">{isUnknownCode ? strings.devicePage.unknownCode : getErrorMessage(error)}</Notice>
        <Button variant="default" onClick={onEnterAnotherCode}>
          {strings.devicePage.enterAnotherCode}
        </Button>
      </CenteredLayout>
    );
  }
  return <DeviceDecision code={code} request={request} />;
}

/** The page where a user approves the sign-in of a device (RFC 8628, section 3.3). */
export function DevicePage() {
  const [code, setCode] = useState(takeUrlFragment);
  if (validateUserCode(code) !== null) return <EnterCodeForm onSubmitCode={setCode} />;
  return <DeviceApproval code={code} onEnterAnotherCode={() => setCode('')} />;
}
