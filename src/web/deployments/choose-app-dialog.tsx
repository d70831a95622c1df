import { Button, Group, Select, Stack } from '@mantine/core';
import { useState } from 'react';
import type { App } from '../../contract/apps.ts';
import { Dialog } from '../components/dialog.tsx';
import { toOptions } from '../components/filters.tsx';
import { DeployDialog } from './deploy-dialog.tsx';
import { strings } from './strings.ts';

interface ChooseAppDialogProps {
  /** The apps that can be deployed. */
  readonly apps: readonly App[];
  readonly onClose: () => void;
}

/** Asks for an app to deploy, then opens its deploy dialog. */
export function ChooseAppDialog({ apps, onClose }: ChooseAppDialogProps) {
  const [id, setId] = useState<string | null>(null);
  const [isChosen, setIsChosen] = useState(false);
  const app = apps.find((candidate) => candidate.id === id);
  if (isChosen && app !== undefined) return <DeployDialog app={app} onClose={onClose} />;
  return (
    <Dialog onClose={onClose} title={strings.chooseAppDialog.title}>
      <Stack gap="md">
        <Select
          label={strings.chooseAppDialog.app}
          placeholder={strings.chooseAppDialog.placeholder}
          data={toOptions(apps)}
          value={id}
          onChange={setId}
          searchable
          nothingFoundMessage={strings.chooseAppDialog.nothingFound}
          data-autofocus
        />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            {strings.chooseAppDialog.cancel}
          </Button>
          <Button disabled={app === undefined} onClick={() => setIsChosen(true)}>
            {strings.chooseAppDialog.continue}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
