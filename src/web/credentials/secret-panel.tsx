import { Button, Group, Stack, Text } from '@mantine/core';
import { CopyButton } from '../components/copy.tsx';
import { IconDownload } from '../components/icons.ts';
import { Notice } from '../components/notice.tsx';
import styles from './credentials.module.css';
import { type Credential, hasPassphrase, kindOf } from './kinds.ts';

/** A line that tries the secret out. The passphrase is left to the person: it is not shown again either. */
export function curlLine(credential: Credential, secret: string, origin: string): string {
  const passphrase = hasPassphrase(credential) ? ' \\\n  -H "Access-Token-Passphrase: $DEVPILOT_PASSPHRASE"' : '';
  return `curl ${origin}/v1/whoami \\\n  -H "Authorization: Bearer ${secret}"${passphrase}`;
}

function download(credential: Credential, secret: string): void {
  const { variable } = kindOf(credential);
  const passphrase = hasPassphrase(credential) ? 'DEVPILOT_PASSPHRASE=\n' : '';
  const text = `DEVPILOT_URL=${window.location.origin}\n${variable}=${secret}\n${passphrase}`;
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = `${variable.toLowerCase().replaceAll('_', '-')}.env`;
  link.click();
  URL.revokeObjectURL(address);
}

interface SecretPanelProps {
  readonly credential: Credential;
  readonly secret: string;
  /** The button that lets go of the secret. */
  readonly stored: string;
  readonly onStored: () => void;
}

/** The only time that a secret is on a screen: to copy, to download, to try. */
export function SecretPanel({ credential, secret, stored, onStored }: SecretPanelProps) {
  const kind = kindOf(credential);
  const curl = curlLine(credential, secret, window.location.origin);
  return (
    <Stack gap="md">
      <Notice tone="warn">
        This is the only time that the secret of{' '}
        <Text span inherit fw={650}>
          {credential.name}
        </Text>{' '}
        is shown. Store it in a secrets manager or an encrypted CI variable now.
      </Notice>
      <Stack gap={6}>
        <Text fz="sm" fw={500}>
          Secret
        </Text>
        <code className={styles['secret']} data-testid="secret">
          {secret}
        </code>
        <Group gap="xs">
          <CopyButton text={secret} label="Copy secret" variant="filled" data-autofocus />
          <Button
            variant="default"
            leftSection={<IconDownload size={16} />}
            onClick={() => download(credential, secret)}
          >
            Download as .env
          </Button>
        </Group>
      </Stack>
      <Stack gap={6}>
        <Group justify="space-between">
          <Text fz="sm" fw={500}>
            Try it
          </Text>
          <CopyButton text={curl} label="Copy command" size="compact-sm" variant="subtle" />
        </Group>
        <pre className={styles['secret']}>{curl}</pre>
      </Stack>
      <Text fz="sm" c="dimmed">
        {`If it is lost, delete this ${kind.noun} and generate a new one.`}
      </Text>
      <Group justify="flex-end">
        <Button onClick={onStored}>{stored}</Button>
      </Group>
    </Stack>
  );
}
