import { Button, Checkbox, Group, Stack, Text } from '@mantine/core';
import { useId, useState } from 'react';
import { CopyButton } from '../components/copy-button.tsx';
import { download } from '../components/download.ts';
import { IconDownload } from '../components/icons.ts';
import { UnstoredSecretBlocker } from '../components/navigation-blocker.tsx';
import { Notice } from '../components/notice.tsx';
import { useMe } from '../session.ts';
import styles from './account.module.css';
import { strings } from './strings.ts';

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
    new Blob([strings.recoveryCodes.file(me.email, codes)], {
      type: 'text/plain',
    });
  return (
    <Stack gap="md">
      <UnstoredSecretBlocker secretName={strings.recoveryCodes.secretName} />
      <Text fz="sm">{strings.recoveryCodes.purpose}</Text>
      <Notice tone="warning">{strings.recoveryCodes.shownOnce}</Notice>
      <ul id={sourceElementId} className={styles['codes']} aria-label={strings.recoveryCodes.listLabel}>
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <Group gap="sm">
        <CopyButton
          text={codes.join('\n')}
          label={strings.recoveryCodes.copyAll}
          sourceElementId={sourceElementId}
          data-autofocus
        />
        <Button
          variant="default"
          leftSection={<IconDownload size={16} />}
          onClick={() => download('devpilot-recovery-codes.txt', createFile())}
        >
          {strings.recoveryCodes.download}
        </Button>
      </Group>
      <Checkbox
        label={strings.recoveryCodes.storedLabel}
        checked={isStored}
        onChange={(event) => setIsStored(event.currentTarget.checked)}
      />
      <Group justify="flex-end">
        <Button disabled={!isStored} onClick={onStored}>
          {strings.recoveryCodes.done}
        </Button>
      </Group>
    </Stack>
  );
}
