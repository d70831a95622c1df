import { Button, Group, Stack, Text } from '@mantine/core';
import { useId } from 'react';
import { CopyButton } from '../components/copy-button.tsx';
import { IconDownload } from '../components/icons.ts';
import { UnstoredSecretBlocker } from '../components/navigation-blocker.tsx';
import { Notice } from '../components/notice.tsx';
import { DimmedText } from '../components/text.tsx';
import styles from './credentials.module.css';
import { strings } from './form-strings.ts';
import { type Credential, getKindConfig, hasPassphrase } from './kinds.ts';
import type { CreatedCredential, RevealedCredential } from './use-create-credential.ts';

/**
 * Returns a command that tests the secret. It reads the secret and the passphrase from the terminal, which keeps them
 * out of the shell's history. It is a single command, so that `read` does not take one of its pasted lines as the
 * secret.
 */
function buildTestCommand(credential: Credential, origin: string): string {
  const { variable } = getKindConfig(credential);
  const headers = [[variable, 'Authorization: Bearer ']];
  if (hasPassphrase(credential)) headers.push(['DEVPILOT_PASSPHRASE', 'Access-Token-Passphrase: ']);
  return [
    ...headers.map(([name]) => `read -rs ${name} && \\\n`),
    `curl ${origin}/v1/whoami`,
    ...headers.map(([name, header]) => ` \\\n  -H "${header}$${name}"`),
  ].join('');
}

/**
 * Downloads a `.env` file. Generated secrets and passphrases contain no characters that need quotes in it. If the user
 * typed the passphrase, its line is left empty.
 */
function downloadEnvFile({ created, passphrase }: RevealedCredential): void {
  const { variable } = getKindConfig(created);
  const passphraseLine = hasPassphrase(created) ? `DEVPILOT_PASSPHRASE=${passphrase ?? ''}\n` : '';
  const text = `DEVPILOT_URL=${window.location.origin}\n${variable}=${created.secret}\n${passphraseLine}`;
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${variable.toLowerCase().replaceAll('_', '-')}.env`;
  link.click();
  // Unlike `download()`, this revokes the URL immediately, so that the secret does not stay in memory.
  URL.revokeObjectURL(url);
}

interface SecretPanelProps {
  readonly revealed: RevealedCredential;
  /** The label of the button that discards the secret. */
  readonly confirmLabel: string;
  readonly onStored: () => void;
}

function SecretSection({ revealed }: { readonly revealed: RevealedCredential }) {
  const { secret } = revealed.created;
  const id = useId();
  return (
    <Stack gap={6}>
      <Text fz="sm" fw={600}>
        {strings.secretPanel.secret}
      </Text>
      <code id={id} className={styles['secret']} data-testid="secret">
        {secret}
      </code>
      <Group gap="xs">
        <CopyButton
          text={secret}
          label={strings.secretPanel.copySecret}
          sourceElementId={id}
          variant="filled"
          data-autofocus
        />
        <Button variant="default" leftSection={<IconDownload size={16} />} onClick={() => downloadEnvFile(revealed)}>
          {strings.secretPanel.downloadAsEnv}
        </Button>
      </Group>
    </Stack>
  );
}

function PassphraseSection({ passphrase }: { readonly passphrase: string }) {
  const id = useId();
  return (
    <Stack gap={6}>
      <Group justify="space-between">
        <Text fz="sm" fw={600}>
          {strings.secretPanel.passphrase}
        </Text>
        <CopyButton
          text={passphrase}
          label={strings.secretPanel.copyPassphrase}
          sourceElementId={id}
          size="compact-sm"
          variant="subtle"
        />
      </Group>
      <code id={id} className={styles['secret']} data-testid="passphrase">
        {passphrase}
      </code>
    </Stack>
  );
}

function TestSection({ credential }: { readonly credential: CreatedCredential }) {
  const command = buildTestCommand(credential, window.location.origin);
  return (
    <Stack gap={6}>
      <Group justify="space-between">
        <Text fz="sm" fw={600}>
          {strings.secretPanel.tryIt}
        </Text>
        <CopyButton text={command} label={strings.secretPanel.copyCommand} size="compact-sm" variant="subtle" />
      </Group>
      <pre className={styles['secret']}>{command}</pre>
      <DimmedText>{strings.secretPanel.howToTry(hasPassphrase(credential))}</DimmedText>
    </Stack>
  );
}

/** Shows a secret once, with buttons to copy and download it and a command that tests it. */
export function SecretPanel({ revealed, confirmLabel, onStored }: SecretPanelProps) {
  const { created: credential, passphrase } = revealed;
  return (
    <Stack gap="md">
      <UnstoredSecretBlocker
        secretName={passphrase === null ? strings.secretPanel.theSecret : strings.secretPanel.theSecretAndPassphrase}
      />
      <Notice tone="warning">
        {strings.secretPanel.shownOnce(
          <Text span inherit fw={650}>
            {credential.name}
          </Text>,
        )}
      </Notice>
      <SecretSection revealed={revealed} />
      {passphrase !== null && <PassphraseSection passphrase={passphrase} />}
      <TestSection credential={credential} />
      <DimmedText>{strings.secretPanel.ifLost(getKindConfig(credential).noun)}</DimmedText>
      <Group justify="flex-end">
        <Button onClick={onStored}>{confirmLabel}</Button>
      </Group>
    </Stack>
  );
}
