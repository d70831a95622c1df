import { Text, Tooltip } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ActivityEvent } from '../../contract/activity.ts';
import type { ActivityListQuery } from '../../sdk/client.ts';
import type { Column } from '../components/data-table.tsx';
import { isFiltered } from '../components/filters.tsx';
import { formatDateTime } from '../components/format.ts';
import { ListBody } from '../components/list-body.tsx';
import type { ListState } from '../components/list-state.ts';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import styles from './activity.module.css';
import { strings } from './strings.ts';

const PAGE_SIZE = 25;
const timeFormat = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

function EventData({ event: { data, dataEncoding, attributes } }: { readonly event: ActivityEvent }) {
  const names = Object.keys(attributes);
  if (data === null && names.length === 0) return '–';
  return (
    <details className={styles['data']}>
      <summary>{data === null ? names.join(', ') : JSON.stringify(data).slice(0, 80)}</summary>
      {data !== null && (
        <>
          {dataEncoding === 'base64' && <Text fz="xs">{strings.eventsTable.base64}</Text>}
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard */}
          <pre tabIndex={0}>{JSON.stringify(data, null, 2)}</pre>
        </>
      )}
      {names.length > 0 && (
        <>
          <Text fz="xs" mt="xs">
            {strings.eventsTable.attributes}
          </Text>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard */}
          <pre tabIndex={0}>{JSON.stringify(attributes, null, 2)}</pre>
        </>
      )}
    </details>
  );
}

function columnsFor(state: ListState): readonly Column<ActivityEvent>[] {
  const textColumn = (name: 'type' | 'source' | 'subject', label: string): Column<ActivityEvent> => ({
    key: name,
    label,
    cell: (event) => {
      const value = event[name];
      return value === null ? (
        '–'
      ) : (
        <button
          type="button"
          className={styles['filterButton']}
          title={strings.eventsTable.filterByThis(name)}
          onClick={() => state.set({ [name]: value })}
        >
          {value}
        </button>
      );
    },
  });
  return [
    {
      key: 'time',
      label: strings.eventsTable.columns.time,
      cell: ({ time }) => (
        <Tooltip label={formatDateTime(time)}>
          <time dateTime={time} style={{ whiteSpace: 'nowrap' }}>
            {timeFormat.format(new Date(time))}
          </time>
        </Tooltip>
      ),
    },
    textColumn('type', strings.eventsTable.columns.type),
    textColumn('source', strings.eventsTable.columns.source),
    textColumn('subject', strings.eventsTable.columns.subject),
    { key: 'data', label: strings.eventsTable.columns.data, cell: (event) => <EventData event={event} /> },
  ];
}

interface EventsTableProps {
  readonly state: ListState;
  readonly filters: readonly string[];
  readonly getQuery: () => ActivityListQuery;
  readonly pollIntervalMs: number;
}

/** The events in the range that match the filters, newest first. */
export function EventsTable({ state, filters, getQuery, pollIntervalMs }: EventsTableProps) {
  const { api, workspace } = useWorkspace();
  const filterValues = ['since', 'from', 'to', ...filters].map((name) => state.get(name) ?? '');
  const list = useQuery({
    queryKey: [workspace.id, 'activity', 'events', filterValues, state.cursor],
    queryFn: ({ signal }) => api.activity.list({ ...getQuery(), limit: PAGE_SIZE, cursor: state.cursor }, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: state.isLaterPage ? false : pollIntervalMs,
  });
  return (
    <ListBody
      label={strings.eventsTable.latestEvents}
      list={list}
      columns={columnsFor(state)}
      state={state}
      placeholderRows={5}
      rowId={({ source, id }) => `${source} ${id}`}
      rowName={({ id }) => id}
      empty={
        <DimmedText role="status">
          {isFiltered(state, filters) ? strings.eventsTable.noMatchingEvents : strings.eventsTable.noEvents}
        </DimmedText>
      }
    />
  );
}
