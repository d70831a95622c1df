import { Button, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { WorkloadIdentity } from '../../contract/workload-identities.ts';
import { ErrorNotice } from '../components/error-message.tsx';
import { CodeInput } from '../components/fields.tsx';
import { Notice } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { mono } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { parseClaims } from './claims.ts';
import { strings } from './strings.ts';

const texts = strings.identityPage;

/** Tests whether a token with the entered claims would be accepted. */
export function TestSection({ identity }: { readonly identity: WorkloadIdentity }) {
  const { api } = useWorkspace();
  const [text, setText] = useState('');
  const [isInvalid, setIsInvalid] = useState(false);
  const test = useMutation({
    mutationFn: (claims: Record<string, unknown>) => api.workloadIdentities.test(identity.id, claims),
  });
  function submit() {
    const claims = parseClaims(text);
    setIsInvalid(claims === null);
    if (claims !== null) test.mutate(claims);
  }
  return (
    <Section title={texts.testTitle} description={texts.testDescription}>
      <CodeInput
        label={texts.claims}
        minRows={3}
        maxRows={12}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        error={isInvalid ? texts.claimsInvalid : undefined}
      />
      <Button variant="default" loading={test.isPending} onClick={submit} style={{ alignSelf: 'flex-start' }}>
        {texts.test}
      </Button>
      {test.error !== null && <ErrorNotice error={test.error} />}
      {test.data?.accepted === true && <Notice tone="success">{texts.wouldPass}</Notice>}
      {test.data?.accepted === false && (
        <Notice tone="danger">
          <Stack gap={4}>
            <Text fz="sm">{texts.wouldFail}</Text>
            {test.data.failures.map(({ claim, message }) => (
              <span key={`${claim} ${message}`} style={{ overflowWrap: 'anywhere' }}>
                {texts.failure(mono(claim), message)}
              </span>
            ))}
          </Stack>
        </Notice>
      )}
    </Section>
  );
}
