import { Button, type ButtonProps } from '@mantine/core';
import { useState } from 'react';
import type { App } from '../../contract/apps.ts';
import type { Deployment } from '../../contract/deployments.ts';
import { IconRocket } from '../components/icons.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { isolate } from '../components/sentence.ts';
import { strings } from './strings.ts';

const DeployDialog = lazyComponent(() => import('./deploy-dialog.tsx').then((file) => file.DeployDialog));

/** Returns a message about the setting that is missing before the app can be deployed, or null. */
export function missingConfiguration({ repository, directory }: App): string | null {
  if (repository === null) return strings.deployButton.needsRepository;
  return directory === null ? strings.deployButton.needsDirectory : null;
}

interface DeployButtonProps extends Pick<ButtonProps, 'variant' | 'size'> {
  readonly app: App;
  /** The deployment to repeat, if any. */
  readonly previous?: Deployment;
  /** The text of the button; by default "Deploy…" or "Deploy again…". */
  readonly label?: string;
  /** Whether screen readers read the name of the app, because there are several such buttons. */
  readonly withName?: true;
}

/** Opens the dialog that deploys an app. Renders nothing while the app cannot be deployed. */
export function DeployButton({ app, previous, label, withName, ...props }: DeployButtonProps) {
  const [isOpen, setIsOpen] = useState(false);
  if (missingConfiguration(app) !== null) return null;
  return (
    <>
      <Button leftSection={<IconRocket size={16} />} onClick={() => setIsOpen(true)} {...props}>
        {label ?? (previous === undefined ? strings.deployButton.deploy : strings.deployButton.deployAgain)}
        {withName === true && <span className="visually-hidden"> {isolate(app.name)}</span>}
      </Button>
      {isOpen && <DeployDialog app={app} previous={previous} onClose={() => setIsOpen(false)} />}
    </>
  );
}
