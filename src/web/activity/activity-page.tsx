import { Menu, NativeSelect, SegmentedControl, Skeleton, Stack, Text } from '@mantine/core';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { ACTIVITY_GROUPS, type ActivityGroup } from '../../contract/platform-vocabulary.ts';
import type { ActivityListQuery } from '../../sdk/client.ts';
import { download } from '../components/download.ts';
import { ExportMenu } from '../components/export-menu.tsx';
import { FilterBar, TextFilter } from '../components/filters.tsx';
import { capitalize } from '../components/format.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { type ListState, useListState } from '../components/list-state.ts';
import { notifyError } from '../components/notify-error.ts';
import { Page } from '../components/page.tsx';
import { Section } from '../components/section.tsx';
import { ErrorState } from '../components/states.tsx';
import { TimeRangeFields } from '../components/time-range-fields.tsx';
import { useWorkspace } from '../session.ts';
import styles from './activity.module.css';
import { buildChartData, type Metric } from './chart-data.ts';
import { ChartDataTable, ChartLegend } from './chart-legend.tsx';
import { availableIntervals, DEFAULT_RANGE, parseChartRange, parseGroup, RELATIVE_RANGES } from './chart-range.ts';
import { EventsTable } from './events-table.tsx';
import { HowToSend } from './how-to-send.tsx';
import { strings } from './strings.ts';

const ActivityChart = lazyComponent(
  () => import('./activity-chart.tsx').then((file) => file.ActivityChart),
  <Skeleton h={260} radius="md" />,
);

const EVENT_FILTERS = ['type', 'source', 'subject'] as const;
const POLL_INTERVAL_MS = 15_000;

/** Converts the filters and the time range to the API's query. */
function toEventQuery(state: ListState, now: number): ActivityListQuery {
  const { from, to } = parseChartRange(state.get, now);
  return {
    type: state.get('type'),
    source: state.get('source'),
    subject: state.get('subject'),
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
  };
}

function ActivityExport({ state }: { readonly state: ListState }) {
  const { api, workspace } = useWorkspace();
  const exportCsv = useMutation({
    mutationFn: async (content: 'events' | 'chart') => {
      const now = Date.now();
      const { from, to, ...query } = toEventQuery(state, now);
      const { interval } = parseChartRange(state.get, now);
      const groupBy = parseGroup(state.get('groupBy'));
      const stream = await (content === 'events'
        ? api.activity.csv({ ...query, from, to })
        : api.activity.analyticsCsv({ from, to, interval, groupBy }));
      const file = await new Response(stream, { headers: { 'content-type': 'text/csv' } }).blob();
      const contentName = content === 'events' ? 'events' : `events-by-${groupBy}`;
      download(`${workspace.slug}-${contentName}.csv`, file);
    },
    onError: notifyError,
  });
  return (
    <ExportMenu busy={exportCsv.isPending} label={strings.activityPage.exportAsCsv}>
      <Menu.Item onClick={() => exportCsv.mutate('events')}>
        {strings.activityPage.exportEvents(RESOURCE_LIMITS.activityCsv.toLocaleString('en'))}
      </Menu.Item>
      <Menu.Item onClick={() => exportCsv.mutate('chart')}>{strings.activityPage.exportChartData}</Menu.Item>
    </ExportMenu>
  );
}

function ChartControls({ state }: { readonly state: ListState }) {
  const [isCustom, setIsCustom] = useState(state.get('from') !== undefined || state.get('to') !== undefined);
  const range = parseChartRange(state.get, Date.now());
  return (
    <div className={styles['controls']}>
      <NativeSelect
        label={strings.activityPage.time}
        data={[
          ...Object.entries(RELATIVE_RANGES).map(([value, { label }]) => ({ value, label })),
          { value: 'custom', label: strings.activityPage.customRange },
        ]}
        value={isCustom ? 'custom' : (state.get('since') ?? DEFAULT_RANGE)}
        onChange={(event) => {
          const since = event.currentTarget.value;
          setIsCustom(since === 'custom');
          state.set({
            since: since === 'custom' || since === DEFAULT_RANGE ? null : since,
            from: since === 'custom' ? new Date(range.from).toISOString() : null,
            to: null,
            interval: null,
          });
        }}
      />
      {isCustom && <TimeRangeFields state={state} />}
      <NativeSelect
        label={strings.activityPage.interval}
        data={availableIntervals(range.to - range.from).map((value) => ({ value, label: capitalize(value) }))}
        value={range.interval}
        onChange={(event) => state.set({ interval: event.currentTarget.value })}
      />
      <NativeSelect
        label={strings.activityPage.groupBy}
        data={ACTIVITY_GROUPS.map((value) => ({ value, label: capitalize(value) }))}
        value={parseGroup(state.get('groupBy'))}
        onChange={(event) => state.set({ groupBy: event.currentTarget.value })}
      />
    </div>
  );
}

function ChartSection({
  state,
  onSelect,
}: {
  readonly state: ListState;
  readonly onSelect: (group: ActivityGroup, key: string) => void;
}) {
  const { api, workspace } = useWorkspace();
  const [metric, setMetric] = useState<Metric>('count');
  const rangeParameters = ['since', 'from', 'to', 'interval'].map((name) => state.get(name) ?? '');
  const groupBy = parseGroup(state.get('groupBy'));
  const { data, error, refetch, isPlaceholderData } = useQuery({
    queryKey: [workspace.id, 'activity', 'analytics', rangeParameters, groupBy],
    queryFn: async ({ signal }) => {
      const range = parseChartRange(state.get, Date.now());
      const { from, to, interval } = range;
      const instants = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
      return { range, analytics: await api.activity.analytics({ ...instants, interval, groupBy }, { signal }) };
    },
    placeholderData: keepPreviousData,
    refetchInterval: POLL_INTERVAL_MS,
  });
  if (data === undefined) {
    return error === null ? (
      <Skeleton h={420} radius="lg" aria-busy aria-label={strings.activityPage.loading} role="status" />
    ) : (
      <ErrorState error={error} retry={() => void refetch()} />
    );
  }
  const { range, analytics } = data;
  if (analytics.total === 0) return <HowToSend />;
  const chart = buildChartData(analytics, range, metric);
  return (
    <Section
      title={strings.activityPage.eventCount(analytics.total)}
      description={
        metric === 'count'
          ? strings.activityPage.eventsPerInterval(range.interval, groupBy)
          : strings.activityPage.subjectsPerInterval(range.interval, groupBy)
      }
      actions={
        <SegmentedControl
          size="xs"
          aria-label={strings.activityPage.metric}
          data={[
            { value: 'count', label: strings.activityPage.events },
            { value: 'subjects', label: strings.activityPage.subjects },
          ]}
          value={metric}
          onChange={(value) => setMetric(value === 'subjects' ? 'subjects' : 'count')}
        />
      }
    >
      <div aria-hidden style={isPlaceholderData ? { opacity: 0.6 } : undefined}>
        <ActivityChart chart={chart} interval={range.interval} metric={metric} />
      </div>
      <ChartLegend chart={chart} groupBy={groupBy} onSelect={(key) => onSelect(groupBy, key)} />
      <ChartDataTable chart={chart} interval={range.interval} />
    </Section>
  );
}

/** The activity of the workspace's applications: charts over time, and the latest events. */
export function ActivityPage() {
  const state = useListState();
  return (
    <Page
      title={strings.activityPage.title}
      description={strings.activityPage.description}
      actions={<ActivityExport state={state} />}
    >
      <Stack gap="lg">
        <ChartControls state={state} />
        <ChartSection state={state} onSelect={(group, key) => state.set({ [group]: key })} />
        <Section title={strings.activityPage.latestEventsTitle}>
          <FilterBar state={state} filters={EVENT_FILTERS}>
            {EVENT_FILTERS.map((name) => (
              <TextFilter
                key={name}
                state={state}
                name={name}
                label={capitalize(name)}
                placeholder={strings.activityPage.exactPlaceholder(name)}
              />
            ))}
          </FilterBar>
          <EventsTable
            state={state}
            filters={EVENT_FILTERS}
            getQuery={() => toEventQuery(state, Date.now())}
            pollIntervalMs={POLL_INTERVAL_MS}
          />
        </Section>
        <Text fz="xs" c="dimmed">
          {strings.activityPage.accuracy}
        </Text>
      </Stack>
    </Page>
  );
}
