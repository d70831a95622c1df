import { Stack } from '@mantine/core';
import { WORK_STATUSES } from '../../contract/vocabulary.ts';
import { useApps } from '../apps/resource-names.tsx';
import { FilterBar, isFiltered, SelectFilter, toOptions } from '../components/filters.tsx';
import { IconRocket } from '../components/icons.ts';
import { jobStatusLabel } from '../components/job-status.tsx';
import { TextLink } from '../components/link.tsx';
import { useListState } from '../components/list-state.ts';
import { Page } from '../components/page.tsx';
import { EmptyState } from '../components/states.tsx';
import { DeploymentTable } from './deployment-table.tsx';

const FILTERS = ['app', 'status'] as const;

export function DeploymentsPage() {
  const state = useListState();
  const apps = useApps();
  return (
    <Page
      title="Deployments"
      description="Finished, running and queued deployments of all apps. Start a new one from the app's page."
    >
      <Stack gap="md">
        <FilterBar state={state} filters={FILTERS}>
          <SelectFilter state={state} name="app" label="App" anyLabel="Any app" options={toOptions(apps)} />
          <SelectFilter
            state={state}
            name="status"
            label="Status"
            anyLabel="Any status"
            options={WORK_STATUSES.map((status) => ({ value: status, label: jobStatusLabel(status) }))}
          />
        </FilterBar>
        <DeploymentTable
          state={state}
          app={state.get('app')}
          appName={(id) => apps.find((app) => app.id === id)?.name ?? id}
          isFiltered={isFiltered(state, FILTERS)}
          empty={
            <EmptyState icon={<IconRocket size={26} />} title="No deployments yet">
              Start a deployment from <TextLink to="/apps">its app</TextLink>, from a pipeline with an access token, or
              with <code>devpilot deploy</code>.
            </EmptyState>
          }
        />
      </Stack>
    </Page>
  );
}
