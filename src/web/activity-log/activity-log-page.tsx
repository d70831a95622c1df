import { Group, Menu, Stack } from '@mantine/core';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { AuditEvent } from '../../contract/audit-events.ts';
import { download } from '../components/download.ts';
import { ExportMenu } from '../components/export-menu.tsx';
import { IconActivity } from '../components/icons.ts';
import { type ListState, useListState } from '../components/list-state.ts';
import { Tag } from '../components/notice.tsx';
import { notifyError } from '../components/notify-error.ts';
import { Page } from '../components/page.tsx';
import { PageButtons } from '../components/page-buttons.tsx';
import { EmptyState, ErrorState, NoPermission, TableSkeleton } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import styles from './activity-log.module.css';
import { FILTERS, toAuditQuery } from './audit-query.ts';
import { EventList } from './event-list.tsx';
import { type ExportFormat, exportLog } from './export-log.ts';
import { Filters } from './filters.tsx';
import { strings } from './strings.ts';

const POLL_INTERVAL_MS = 4000;
const numberFormat = new Intl.NumberFormat('en');

function LogExport({ getFilter }: { readonly getFilter: (name: string) => string | undefined }) {
  const { workspace, api } = useWorkspace();
  const [exportedCount, setExportedCount] = useState(0);
  const exportLogFile = useMutation({
    mutationFn: async (format: ExportFormat) => {
      setExportedCount(0);
      const file = await exportLog(api, toAuditQuery(getFilter, Date.now()), format, setExportedCount);
      download(`${workspace.slug}-activity-${new Date().toISOString().slice(0, 10)}.${format}`, file);
    },
    onError: notifyError,
  });
  return (
    <Group gap={0}>
      <DimmedText role="status">
        {exportLogFile.isPending && exportedCount > 0
          ? strings.activityLogPage.exportedEvents(numberFormat.format(exportedCount))
          : ''}
      </DimmedText>
      <ExportMenu busy={exportLogFile.isPending} label={strings.activityLogPage.matchingEvents}>
        <Menu.Item onClick={() => exportLogFile.mutate('csv')}>{strings.activityLogPage.csvForSpreadsheets}</Menu.Item>
        <Menu.Item onClick={() => exportLogFile.mutate('ndjson')}>
          {strings.activityLogPage.ndjsonOneEventPerLine}
        </Menu.Item>
      </ExportMenu>
    </Group>
  );
}

/** Returns the names of people and resources in these events, by ID. */
function collectNames(events: readonly AuditEvent[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { actor, target, credential } of events) {
    for (const party of [actor, target, credential]) {
      if (party?.id != null && party.name !== null) names.set(party.id, party.name);
    }
  }
  return names;
}

interface EventPageProps {
  readonly page: { readonly data: readonly AuditEvent[]; readonly nextCursor: string | null };
  readonly state: ListState;
  /** Whether the page belongs to the previous filters or cursor, because the new page is still loading. */
  readonly isOutdated: boolean;
}

/** A page of events, with buttons for newer and older events. */
function EventPage({ page: { data, nextCursor }, state, isOutdated }: EventPageProps) {
  if (data.length === 0) {
    const isFiltered = FILTERS.some((name) => (state.get(name) ?? '') !== '');
    return (
      <EmptyState
        icon={<IconActivity size={26} />}
        title={isFiltered ? strings.activityLogPage.noResultsTitle : strings.activityLogPage.noActivityYetTitle}
      >
        {isFiltered ? strings.activityLogPage.noResultsHint : strings.activityLogPage.noActivityYetHint}
      </EmptyState>
    );
  }
  return (
    <div aria-busy={isOutdated} style={isOutdated ? { opacity: 0.6 } : undefined}>
      <EventList events={data} />
      {(nextCursor !== null || state.isLaterPage) && (
        <Group justify="flex-end" mt="md">
          <PageButtons
            state={state}
            nextCursor={nextCursor}
            labels={{
              first: strings.activityLogPage.newest,
              previous: strings.activityLogPage.newer,
              next: strings.activityLogPage.older,
            }}
          />
        </Group>
      )}
    </div>
  );
}

function ActivityLog() {
  const { workspace, api } = useWorkspace();
  const state = useListState();
  const filters = FILTERS.map((name) => state.get(name) ?? '');
  const {
    data: page,
    error,
    refetch,
    isPlaceholderData,
  } = useQuery({
    queryKey: [workspace.id, 'audit-events', filters, state.cursor],
    queryFn: ({ signal }) =>
      api.auditEvents.list({ ...toAuditQuery(state.get, Date.now()), limit: 50, cursor: state.cursor }, { signal }),
    placeholderData: keepPreviousData,
    // Polls only on the first page, where new events appear, and only while the tab is visible.
    refetchInterval: state.isLaterPage ? false : POLL_INTERVAL_MS,
  });
  const names = collectNames(page?.data ?? []);
  return (
    <Page
      title={strings.activityLogPage.title}
      description={
        <>
          {strings.activityLogPage.description}{' '}
          {!state.isLaterPage && (
            <Tag tone="success">
              <span className={styles['live']} aria-hidden />
              {strings.activityLogPage.live}
            </Tag>
          )}
        </>
      }
      actions={<LogExport getFilter={state.get} />}
    >
      <Stack gap="sm">
        <Filters state={state} findName={(id) => names.get(id)} />
      </Stack>
      {page === undefined && error === null && <TableSkeleton rows={10} />}
      {page === undefined && error !== null && <ErrorState error={error} retry={() => void refetch()} />}
      {page !== undefined && <EventPage page={page} state={state} isOutdated={isPlaceholderData} />}
    </Page>
  );
}

/** The activity log of the workspace. For owners and admins. */
export function ActivityLogPage() {
  const { isAdmin } = useWorkspace();
  if (isAdmin) return <ActivityLog />;
  return (
    <Page title={strings.activityLogPage.title}>
      <NoPermission />
    </Page>
  );
}
