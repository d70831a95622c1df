import { Button, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { Section } from '../components/section.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

/** Replaces the key that encrypts new backups of the workspace's apps. For owners and admins. */
export function BackupKeySection() {
  const { api } = useWorkspace();
  const [isConfirming, setIsConfirming] = useState(false);
  return (
    <Section
      title={strings.backupKey.title}
      description={strings.backupKey.description}
      actions={
        <Button variant="default" onClick={() => setIsConfirming(true)}>
          {strings.backupKey.replace}
        </Button>
      }
    >
      {isConfirming && (
        <ConfirmDialog
          title={strings.backupKey.replace}
          confirmLabel={strings.backupKey.replace}
          isDestructive={false}
          onClose={() => setIsConfirming(false)}
          onConfirm={async () => {
            await api.backups.replaceKey();
            notifications.show({ message: strings.backupKey.replaced });
          }}
        >
          <Text fz="sm">{strings.backupKey.consequences}</Text>
        </ConfirmDialog>
      )}
    </Section>
  );
}
