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
import { strings } from './strings.ts';

const FILTERS = ['app', 'status'] as const;

export function DeploymentsPage() {
  const state = useListState();
  const apps = useApps();
  return (
    <Page title={strings.deploymentsPage.title} description={strings.deploymentsPage.description}>
      <Stack gap="md">
        <FilterBar state={state} filters={FILTERS}>
          <SelectFilter
            state={state}
            name="app"
            label={strings.deploymentsPage.appLabel}
            anyLabel={strings.deploymentsPage.anyApp}
            options={toOptions(apps)}
          />
          <SelectFilter
            state={state}
            name="status"
            label={strings.deploymentsPage.statusLabel}
            anyLabel={strings.deploymentsPage.anyStatus}
            options={WORK_STATUSES.map((status) => ({ value: status, label: jobStatusLabel(status) }))}
          />
        </FilterBar>
        <DeploymentTable
          state={state}
          app={state.get('app')}
          appName={(id) => apps.find((app) => app.id === id)?.name ?? id}
          isFiltered={isFiltered(state, FILTERS)}
          empty={
            <EmptyState icon={<IconRocket size={26} />} title={strings.deploymentsPage.noDeploymentsYetTitle}>
              {strings.deploymentsPage.howToStart(
                <TextLink to="/apps">{strings.deploymentsPage.itsApp}</TextLink>,
                <code>devpilot deploy</code>,
              )}
            </EmptyState>
          }
        />
      </Stack>
    </Page>
  );
}
