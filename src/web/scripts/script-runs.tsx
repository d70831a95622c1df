import { Skeleton, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { Run, Script } from '../../contract/scripts.ts';
import { type Column, DataTable } from '../components/data-table.tsx';
import { actorName, Duration } from '../components/duration.tsx';
import { isInProgress, JobStatusTag } from '../components/job-status.tsx';
import { NameLink } from '../components/link.tsx';
import { useListState } from '../components/list-state.ts';
import { RelativeTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { ErrorState } from '../components/states.tsx';
import { useWorkspace } from '../session.ts';

const COLUMNS: readonly Column<Run>[] = [
  {
    key: 'begun',
    label: 'Started',
    cell: ({ id, createdAt }) => (
      <NameLink to="/runs/$id" params={{ id }}>
        <RelativeTime time={createdAt} />
      </NameLink>
    ),
  },
  { key: 'status', label: 'Status', cell: ({ status }) => <JobStatusTag status={status} /> },
  { key: 'exit', label: 'Exit code', cell: ({ exitCode }) => exitCode ?? '–' },
  { key: 'duration', label: 'Duration', cell: (run) => <Duration {...run} /> },
  { key: 'by', label: 'Started by', cell: ({ createdBy }) => actorName(createdBy) },
];

const POLL_INTERVAL_MS = 2000;

/** The runs of a script, newest first. */
export function ScriptRuns({ script }: { readonly script: Script }) {
  const { api, workspace } = useWorkspace();
  const state = useListState();
  const { data, error, refetch, isPlaceholderData } = useQuery({
    queryKey: [workspace.id, 'scripts', script.id, 'runs', state.cursor],
    queryFn: ({ signal }) => api.scripts.runs(script.id).list({ limit: 10, cursor: state.cursor }, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: (query) =>
      query.state.data?.data.some(({ status }) => isInProgress(status)) === true
        ? POLL_INTERVAL_MS
        : 5 * POLL_INTERVAL_MS,
  });
  return (
    <Section title="Runs">
      {data === undefined ? (
        error === null ? (
          <Skeleton h={120} radius="md" aria-busy aria-label="Loading" role="status" />
        ) : (
          <ErrorState error={error} retry={() => void refetch()} />
        )
      ) : data.data.length === 0 ? (
        <Text fz="sm" c="dimmed">
          No runs yet.
        </Text>
      ) : (
        <div>
          <DataTable
            label="Runs"
            columns={COLUMNS}
            rows={data.data}
            rowId={({ id }) => id}
            rowName={({ id }) => id}
            nextCursor={data.nextCursor}
            state={state}
            stale={isPlaceholderData}
          />
        </div>
      )}
    </Section>
  );
}
