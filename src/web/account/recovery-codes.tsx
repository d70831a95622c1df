import { Button, Checkbox, Group, Stack, Text } from '@mantine/core';
import { useId, useState } from 'react';
import { CopyButton } from '../components/copy-button.tsx';
import { download } from '../components/download.ts';
import { IconDownload } from '../components/icons.ts';
import { UnstoredSecretBlocker } from '../components/navigation-blocker.tsx';
import { Notice } from '../components/notice.tsx';
import { useMe } from '../session.ts';
import styles from './account.module.css';

interface RecoveryCodesProps {
  readonly codes: readonly string[];
  readonly onStored: () => void;
}

/** Shows the recovery codes once. The dialog closes only after the user confirms that they are stored. */
export function RecoveryCodes({ codes, onStored }: RecoveryCodesProps) {
  const me = useMe();
  const [isStored, setIsStored] = useState(false);
  const sourceElementId = useId();
  const createFile = () =>
    new Blob([`Devpilot recovery codes for ${me.email}\nEach code works once.\n\n${codes.join('\n')}\n`], {
      type: 'text/plain',
    });
  return (
    <Stack gap="md">
      <UnstoredSecretBlocker secretName="the recovery codes" />
      <Text fz="sm">
        If you lose your authenticator app, each of these codes signs you in once. Store them somewhere other than your
        phone.
      </Text>
      <Notice tone="warn">These codes are shown only once and cannot be shown again.</Notice>
      <ul id={sourceElementId} className={styles['codes']} aria-label="Recovery codes">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <Group gap="sm">
        <CopyButton text={codes.join('\n')} label="Copy all" sourceElementId={sourceElementId} data-autofocus />
        <Button
          variant="default"
          leftSection={<IconDownload size={16} />}
          onClick={() => download('devpilot-recovery-codes.txt', createFile())}
        >
          Download
        </Button>
      </Group>
      <Checkbox
        label="I have stored the recovery codes"
        checked={isStored}
        onChange={(event) => setIsStored(event.currentTarget.checked)}
      />
      <Group justify="flex-end">
        <Button disabled={!isStored} onClick={onStored}>
          Done
        </Button>
      </Group>
    </Stack>
  );
}
