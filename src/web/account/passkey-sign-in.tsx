import { Button, Stack } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { DevpilotError } from '../../sdk/client.ts';
import { getErrorMessage } from '../api.ts';
import { IconFingerprint } from '../components/icons.ts';
import { Notice } from '../components/notice.tsx';
import { clearSessionData } from '../session.ts';
import { signInWithPasskey } from './passkey.ts';
import { strings } from './strings.ts';

/** The "Sign in with a passkey" button. Render it only if `passkeyUnavailableReason` returns null. */
export function PasskeySignIn({ onSignedIn }: { readonly onSignedIn: () => void }) {
  const signIn = useMutation({
    mutationFn: signInWithPasskey,
    onSuccess: () => {
      clearSessionData();
      onSignedIn();
    },
  });
  const { error } = signIn;
  return (
    <Stack gap="sm">
      <Button
        variant="default"
        fullWidth
        leftSection={<IconFingerprint size={18} />}
        loading={signIn.isPending}
        onClick={() => signIn.mutate()}
      >
        {strings.passkeySignIn.signIn}
      </Button>
      {error !== null && (
        <Notice tone="danger">{error instanceof DevpilotError ? getErrorMessage(error) : error.message}</Notice>
      )}
    </Stack>
  );
}
