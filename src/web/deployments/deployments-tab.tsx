import { Button, Group, Stack } from '@mantine/core';
import { useState } from 'react';
import type { App } from '../../contract/apps.ts';
import { useAppQuery } from '../apps/app-query.ts';
import { IconRocket } from '../components/icons.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { TextLink } from '../components/link.tsx';
import { useListState } from '../components/list-state.ts';
import { EmptyState } from '../components/states.tsx';
import { useWorkspace } from '../session.ts';
import { DeploymentTable } from './deployment-table.tsx';
import { strings } from './strings.ts';

const DeployDialog = lazyComponent(() => import('./deploy-dialog.tsx').then((file) => file.DeployDialog));

/** Returns what must be configured before the app can be deployed, or null if nothing is missing. */
function missingConfiguration({ repository, directory }: App): string | null {
  if (repository === null) return strings.deploymentsTab.needsRepository;
  return directory === null ? strings.deploymentsTab.needsDirectory : null;
}

function AppDeployments({ app }: { readonly app: App }) {
  const { isAdmin } = useWorkspace();
  const state = useListState();
  const [open, setOpen] = useState(false);
  const missing = missingConfiguration(app);
  const deployButton = missing === null && (
    <Button leftSection={<IconRocket size={16} />} onClick={() => setOpen(true)}>
      {strings.deploymentsTab.deploy}
    </Button>
  );
  return (
    <Stack gap="md">
      <Group justify="flex-end">{deployButton}</Group>
      <DeploymentTable
        state={state}
        app={app.id}
        isFiltered={state.isPaged}
        empty={
          <EmptyState icon={<IconRocket size={26} />} title={strings.deploymentsTab.noDeploymentsYetTitle}>
            {missing ?? strings.deploymentsTab.noDeploymentsHint}{' '}
            {missing !== null && isAdmin && (
              <TextLink to="/apps/$app/settings" params={{ app: app.id }}>
                {strings.deploymentsTab.setItInSettings}
              </TextLink>
            )}
          </EmptyState>
        }
      />
      {open && <DeployDialog app={app} onClose={() => setOpen(false)} />}
    </Stack>
  );
}

/** The deployments of an app, and the button that starts one. */
export function DeploymentsTab() {
  const { data: app } = useAppQuery();
  return app === undefined ? null : <AppDeployments key={app.id} app={app} />;
}
