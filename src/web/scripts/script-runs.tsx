import { Text } from '@mantine/core';
import type { Run, Script } from '../../contract/scripts.ts';
import { actorName } from '../components/actor-name.ts';
import type { Column } from '../components/data-table.tsx';
import { Duration } from '../components/duration.tsx';
import { FailureReason } from '../components/failure-reason.tsx';
import { formatDate, formatTimeOfDay } from '../components/format.ts';
import { JobStatusTag } from '../components/job-status.tsx';
import { NameLink } from '../components/link.tsx';
import { ListBody } from '../components/list-body.tsx';
import { useListState } from '../components/list-state.ts';
import { RelativeTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { DimmedText } from '../components/text.tsx';
import { jobPolling, useList } from '../components/use-list.ts';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const COLUMNS: readonly Column<Run>[] = [
  {
    key: 'created',
    label: strings.scriptRuns.columns.created,
    cell: ({ id, createdAt }) => (
      <>
        <NameLink to="/runs/$id" params={{ id }}>
          <RelativeTime time={createdAt} />
        </NameLink>
        <Text fz="xs" c="dimmed" component="div">
          {formatDate(createdAt)}, {formatTimeOfDay(createdAt)}
        </Text>
      </>
    ),
  },
  {
    key: 'status',
    label: strings.scriptRuns.columns.status,
    cell: (run) => (
      <>
        <JobStatusTag status={run.status} />
        <FailureReason job={run} />
      </>
    ),
  },
  { key: 'exitCode', label: strings.scriptRuns.columns.exitCode, cell: ({ exitCode }) => exitCode ?? '–' },
  {
    key: 'duration',
    label: strings.scriptRuns.columns.duration,
    cell: ({ startedAt, finishedAt }) => <Duration startedAt={startedAt} finishedAt={finishedAt} />,
  },
  { key: 'createdBy', label: strings.scriptRuns.columns.createdBy, cell: ({ createdBy }) => actorName(createdBy) },
];

/** The runs of a script, newest first. */
export function ScriptRuns({ script }: { readonly script: Script }) {
  const { api, workspace } = useWorkspace();
  const state = useListState();
  const list = useList(
    [workspace.id, 'scripts', script.id, 'runs'],
    api.scripts.runs(script.id).list,
    { limit: 10, cursor: state.cursor },
    jobPolling,
  );
  return (
    <Section title={strings.scriptRuns.runsTitle}>
      <ListBody
        label={strings.scriptRuns.runs}
        list={list}
        columns={COLUMNS}
        state={state}
        placeholderRows={2}
        rowName={({ id }) => id}
        empty={<DimmedText>{strings.scriptRuns.noRunsYet}</DimmedText>}
      />
    </Section>
  );
}
