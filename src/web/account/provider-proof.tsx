import { Button, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Reauthenticate } from '../../contract/reauthentication.ts';
import { DimmedText } from '../components/text.tsx';
import { singleSignOnName } from '../sign-in/installation.ts';
import { SingleSignOnButton } from '../sign-in/single-sign-on.tsx';
import { singleSignOnQuery } from './single-sign-on.tsx';
import { strings } from './strings.ts';

interface ProviderProofProps {
  readonly isPending: boolean;
  readonly onProof: (proof: Reauthenticate) => void;
}

/**
 * Reauthentication with the identity provider: a recent sign-in there is accepted as proof; otherwise the button leads
 * to the provider and back to the account page. Renders nothing without a provider, and for a person with neither a
 * linked account nor a recent sign-in.
 */
export function ProviderProof({ isPending, onProof }: ProviderProofProps) {
  const providerName = singleSignOnName();
  const { data } = useQuery({ ...singleSignOnQuery, enabled: providerName !== null });
  if (providerName === null || data === undefined) return null;
  if (data.confirmedUntil !== null && Date.parse(data.confirmedUntil) > Date.now()) {
    return (
      <Button variant="default" fullWidth loading={isPending} onClick={() => onProof({ singleSignOn: true })}>
        {strings.providerProof.confirmWithRecentSignIn}
      </Button>
    );
  }
  if (data.identities.length === 0) return null;
  return (
    <Stack gap="xs">
      <SingleSignOnButton
        request={{ return: '/account', fresh: true }}
        label={strings.providerProof.signInAgain(providerName)}
      />
      <DimmedText>{strings.providerProof.thenTryAgain}</DimmedText>
    </Stack>
  );
}
