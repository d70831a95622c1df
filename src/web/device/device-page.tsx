import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { DevpilotError } from '../../sdk/client.ts';
import { api, messageOf } from '../api.ts';
import { Facts } from '../components/facts.tsx';
import { useFields } from '../components/fields.ts';
import { Notice } from '../components/notice.tsx';
import { BlockSkeleton } from '../components/states.tsx';
import { Ago } from '../components/time.tsx';
import { useMe } from '../session.ts';
import { Centre } from '../shell/centre.tsx';
import { takeFragment } from '../sign-in/setup-page.tsx';

/** Eight letters, with or without what people put between them. */
const codeProblem = (code: string) =>
  /^[a-z]{8}$/i.test(code.replace(/[\s-]/g, '')) ? null : 'Type the eight letters that the device shows';

function AskForCode({ onCode }: { readonly onCode: (code: string) => void }) {
  const form = useFields({ initialValues: { code: '' }, validate: { code: codeProblem } });
  return (
    <Centre title="Sign in on a device" description="Type the code that the command line or the device shows.">
      <form noValidate onSubmit={form.onSubmit(({ code }) => onCode(code))}>
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
    </Centre>
  );
}

function Done({ approved }: { readonly approved: boolean }) {
  return (
    <Centre
      title={approved ? 'The device is signed in' : 'The device was turned away'}
      description={
        approved
          ? 'Go back to it: it goes on by itself. You can end its session on your account page.'
          : 'Nothing was let in. If you did not start this, nothing else is to be done.'
      }
    />
  );
}

function Answer({ code, onOther }: { readonly code: string; readonly onOther: () => void }) {
  const me = useMe();
  const { data, error, isPending } = useQuery({
    queryKey: ['device', code],
    queryFn: ({ signal }) => api.device.find(code, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  const answer = useMutation({
    mutationFn: (verdict: 'approve' | 'deny') => api.device[verdict](code),
  });
  if (answer.isSuccess) return <Done approved={answer.variables === 'approve'} />;
  if (isPending) {
    return (
      <Centre title="Sign in on a device">
        <BlockSkeleton height={200} />
      </Centre>
    );
  }
  if (data === undefined) {
    const unknown = error instanceof DevpilotError && error.code === 'not_found';
    return (
      <Centre title="Sign in on a device">
        <Notice tone="bad">
          {unknown
            ? 'There is no request with this code. It may have expired or was answered: begin again.'
            : messageOf(error)}
        </Notice>
        <Button variant="default" onClick={onOther}>
          Type another code
        </Button>
      </Centre>
    );
  }
  return (
    <Centre title="Let this device sign in?" description={`It would act as you, ${me.name} (${me.email}).`}>
      <Stack gap="md">
        <Facts
          facts={[
            [
              'Code',
              <b key="code" className="mono" style={{ fontSize: 15 }}>
                {data.userCode}
              </b>,
            ],
            ['Program', data.client],
            ['Asks from', data.address ?? 'an unknown address'],
            ['Asked', <Ago key="at" at={data.createdAt} />],
          ]}
        />
        <Notice tone="warn">
          Approve only what you started yourself a moment ago, and only if the code is the one on your screen. Whoever
          sent you a link to this page would be signed in as you.
        </Notice>
        {answer.error !== null && <Notice tone="bad">{messageOf(answer.error)}</Notice>}
        <Group grow>
          <Button variant="default" disabled={answer.isPending} onClick={() => answer.mutate('deny')}>
            Deny
          </Button>
          <Button loading={answer.isPending} onClick={() => answer.mutate('approve')}>
            Approve
          </Button>
        </Group>
        <Text fz="xs" c="dimmed">
          Its session appears under Sessions on your account page, where you can end it.
        </Text>
      </Stack>
    </Centre>
  );
}

/** Where a device's sign-in is approved (RFC 8628, section 3.3). */
export function DevicePage() {
  const [code, setCode] = useState(takeFragment);
  if (codeProblem(code) !== null) return <AskForCode onCode={setCode} />;
  return <Answer code={code} onOther={() => setCode('')} />;
}
