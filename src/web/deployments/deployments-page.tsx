import { Button, Stack } from '@mantine/core';
import { useState } from 'react';
import { WORK_STATUSES } from '../../contract/platform-vocabulary.ts';
import { useApps } from '../apps/resource-names.tsx';
import { FilterBar, isFiltered, SelectFilter, toOptions } from '../components/filters.tsx';
import { IconRocket } from '../components/icons.ts';
import { jobStatusLabel } from '../components/job-status.tsx';
import { lazyComponent } from '../components/lazy-component.tsx';
import { ButtonLink } from '../components/link.tsx';
import { useListState } from '../components/list-state.ts';
import { Page } from '../components/page.tsx';
import { EmptyState } from '../components/states.tsx';
import { DeployButton, missingConfiguration } from './deploy-button.tsx';
import { DeploymentTable } from './deployment-table.tsx';
import { strings } from './strings.ts';

const ChooseAppDialog = lazyComponent(() => import('./choose-app-dialog.tsx').then((file) => file.ChooseAppDialog));
const FILTERS = ['app', 'status'] as const;

interface NoDeploymentsProps {
  /** Whether there is an app that can be deployed. */
  readonly canDeploy: boolean;
  readonly onDeploy: () => void;
}

function NoDeployments({ canDeploy, onDeploy }: NoDeploymentsProps) {
  return (
    <EmptyState
      icon={<IconRocket size={26} />}
      title={strings.deploymentsPage.noDeploymentsYetTitle}
      action={
        canDeploy ? (
          <Button leftSection={<IconRocket size={16} />} onClick={onDeploy}>
            {strings.deploymentsPage.deployAnApp}
          </Button>
        ) : (
          <ButtonLink to="/apps">{strings.deploymentsPage.setUpAnApp}</ButtonLink>
        )
      }
    >
      {canDeploy ? strings.deploymentsPage.howToStart(<code>devpilot deploy</code>) : strings.deploymentsPage.needsApp}
    </EmptyState>
  );
}

export function DeploymentsPage() {
  const state = useListState();
  const apps = useApps();
  const [isChoosing, setIsChoosing] = useState(false);
  const findApp = (id: string | undefined) => apps.find((app) => app.id === id);
  const app = findApp(state.get('app'));
  const deployableApps = apps.filter((candidate) => missingConfiguration(candidate) === null);
  return (
    <Page
      title={strings.deploymentsPage.title}
      description={strings.deploymentsPage.description}
      actions={
        app === undefined ? (
          deployableApps.length > 0 && (
            <Button leftSection={<IconRocket size={16} />} onClick={() => setIsChoosing(true)}>
              {strings.deploymentsPage.deploy}
            </Button>
          )
        ) : (
          <DeployButton key={app.id} app={app} />
        )
      }
    >
      <Stack gap="md">
        <FilterBar state={state} filters={FILTERS}>
          <SelectFilter
            state={state}
            name="app"
            label={strings.deploymentsPage.appLabel}
            defaultLabel={strings.deploymentsPage.anyApp}
            options={toOptions(apps)}
          />
          <SelectFilter
            state={state}
            name="status"
            label={strings.deploymentsPage.statusLabel}
            defaultLabel={strings.deploymentsPage.anyStatus}
            options={WORK_STATUSES.map((status) => ({ value: status, label: jobStatusLabel(status) }))}
          />
        </FilterBar>
        <DeploymentTable
          state={state}
          app={state.get('app')}
          appName={(id) => findApp(id)?.name ?? id}
          repositoryOf={(id) => findApp(id)?.repository}
          isFiltered={isFiltered(state, FILTERS)}
          empty={<NoDeployments canDeploy={deployableApps.length > 0} onDeploy={() => setIsChoosing(true)} />}
        />
      </Stack>
      {isChoosing && <ChooseAppDialog apps={deployableApps} onClose={() => setIsChoosing(false)} />}
    </Page>
  );
}
