import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { WORK_STATUSES } from '../../contract/vocabulary.ts';
import { FilterBar, isFiltered, SelectFilter } from '../components/filters.tsx';
import { IconRocket } from '../components/icons.ts';
import { jobStatusLabel } from '../components/job-status.tsx';
import { TextLink } from '../components/link.tsx';
import { useListState } from '../components/list-state.ts';
import { Page } from '../components/page.tsx';
import { EmptyState } from '../components/states.tsx';
import { useWorkspace } from '../session.ts';
import { DeploymentTable } from './deployment-table.tsx';

const FILTERS = ['app', 'status'] as const;

export function DeploymentsPage() {
  const { api, workspace } = useWorkspace();
  const state = useListState();
  const apps = useQuery({
    queryKey: [workspace.id, 'apps', 'names'],
    queryFn: async ({ signal }) => (await api.apps.list({ limit: 200, sort: 'name' }, { signal })).data,
    staleTime: 30_000,
  });
  const knownApps = apps.data ?? [];
  return (
    <Page
      title="Deployments"
      description="Finished, running and queued deployments of all apps. Start a new one from the app's page."
    >
      <Stack gap="md">
        <FilterBar state={state} filters={FILTERS}>
          <SelectFilter
            state={state}
            name="app"
            label="App"
            anyLabel="Any app"
            options={knownApps.map(({ id, name }) => ({ value: id, label: name }))}
          />
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
          appName={(id) => knownApps.find((app) => app.id === id)?.name ?? id}
          isFiltered={isFiltered(state, FILTERS)}
          empty={
            <EmptyState icon={<IconRocket size={26} />} title="No deployments yet">
              <Text c="dimmed" fz="sm">
                Start a deployment from <TextLink to="/apps">its app</TextLink>, from a pipeline with an access token,
                or with <code>devpilot deploy</code>.
              </Text>
            </EmptyState>
          }
        />
      </Stack>
    </Page>
  );
}
