import { Text, Tooltip } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ActivityEvent } from '../../contract/activity.ts';
import type { ActivityListQuery } from '../../sdk/client.ts';
import { type Column, DataTable } from '../components/data-table.tsx';
import { isFiltered } from '../components/filters.tsx';
import { formatDateTime } from '../components/format.ts';
import type { ListState } from '../components/list-state.ts';
import { ErrorState, TableSkeleton } from '../components/states.tsx';
import { useWorkspace } from '../session.ts';
import styles from './activity.module.css';

const PAGE_SIZE = 25;
const timeFormat = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

function EventData({ data }: { readonly data: unknown }) {
  if (data === null || data === undefined) return '–';
  return (
    <details className={styles['data']}>
      <summary>{JSON.stringify(data).slice(0, 80)}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard */}
      <pre tabIndex={0}>{JSON.stringify(data, null, 2)}</pre>
    </details>
  );
}

function columnsFor(state: ListState): readonly Column<ActivityEvent>[] {
  const textColumn = (name: 'type' | 'source' | 'subject', label: string): Column<ActivityEvent> => ({
    key: name,
    label,
    cell: ({ [name]: value }) =>
      value === null ? (
        '–'
      ) : (
        <button
          type="button"
          className={styles['choose']}
          title={`Filter by this ${name}`}
          onClick={() => state.set({ [name]: value })}
        >
          {value}
        </button>
      ),
  });
  return [
    {
      key: 'time',
      label: 'Time',
      cell: ({ time }) => (
        <Tooltip label={formatDateTime(time)}>
          <time dateTime={time} style={{ whiteSpace: 'nowrap' }}>
            {timeFormat.format(new Date(time))}
          </time>
        </Tooltip>
      ),
    },
    textColumn('type', 'Type'),
    textColumn('source', 'Source'),
    textColumn('subject', 'Subject'),
    { key: 'data', label: 'Data', cell: ({ data }) => <EventData data={data} /> },
  ];
}

interface EventsTableProps {
  readonly state: ListState;
  readonly filters: readonly string[];
  readonly query: () => ActivityListQuery;
  readonly pollIntervalMs: number;
}

/** The events in the range that match the filters, newest first. */
export function EventsTable({ state, filters, query, pollIntervalMs }: EventsTableProps) {
  const { api, workspace } = useWorkspace();
  const filterValues = ['since', 'from', 'to', ...filters].map((name) => state.get(name) ?? '');
  const { data, error, refetch, isPlaceholderData } = useQuery({
    queryKey: [workspace.id, 'activity', 'events', filterValues, state.cursor],
    queryFn: ({ signal }) => api.activity.list({ ...query(), limit: PAGE_SIZE, cursor: state.cursor }, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: state.isPaged ? false : pollIntervalMs,
  });
  if (data === undefined) {
    return error === null ? <TableSkeleton rows={5} /> : <ErrorState error={error} retry={() => void refetch()} />;
  }
  if (data.data.length === 0) {
    return (
      <Text fz="sm" c="dimmed" role="status">
        {isFiltered(state, filters) ? 'No events match in this time range.' : 'No events in this time range.'}
      </Text>
    );
  }
  return (
    <div>
      <DataTable
        label="Latest events"
        columns={columnsFor(state)}
        rows={data.data}
        rowId={({ source, id }) => `${source} ${id}`}
        rowName={({ id }) => id}
        nextCursor={data.nextCursor}
        state={state}
        stale={isPlaceholderData}
      />
    </div>
  );
}
