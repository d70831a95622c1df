import { NativeSelect, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { ErrorIssue } from '../../contract/errors.ts';
import { ERROR_LEVELS, ISSUE_SORTS, ISSUE_STATUSES } from '../../contract/vocabulary.ts';
import type { Column } from '../components/data-table.tsx';
import { FilterBar, isFiltered, SelectFilter, TextFilter } from '../components/filters.tsx';
import { capitalize } from '../components/format.ts';
import { IconBug, IconSearch } from '../components/icons.ts';
import { NameLink, TextLink } from '../components/link.tsx';
import { ListBody } from '../components/list-body.tsx';
import { type ListState, useListState } from '../components/list-state.ts';
import { Page } from '../components/page.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { deleteAction, RowMenu } from '../components/row-menu.tsx';
import { EmptyState } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { useList } from '../components/use-list.ts';
import { useWorkspace } from '../session.ts';
import { DeleteIssueDialog } from './delete-issue-dialog.tsx';
import styles from './errors.module.css';
import { IssueStatusTag, LevelTag, STATUS_ACTIONS, STATUS_TRANSITIONS, useSetIssueStatus } from './issue-status.tsx';
import { Sparkline } from './sparkline.tsx';

const FILTERS = ['q', 'status', 'level', 'environment', 'release', 'app'] as const;
const POLL_INTERVAL_MS = 15_000;
/** The URL's value for issues of any status. Without a value, the page shows open issues. */
const ANY_STATUS = 'any';

const SORT_LABELS: Readonly<Record<(typeof ISSUE_SORTS)[number], string>> = {
  '-lastSeenAt': 'Last seen',
  '-firstSeenAt': 'First seen',
  '-count': 'Most frequent',
};

const COLUMNS: readonly Column<ErrorIssue>[] = [
  {
    key: 'title',
    label: 'Issue',
    cell: ({ id, title, type, level }) => (
      <div className={styles['issue']}>
        <NameLink to="/errors/$id" params={{ id }}>
          <Text span inherit lineClamp={3}>
            {title}
          </Text>
        </NameLink>
        <span className={styles['tags']}>
          <LevelTag level={level} /> <span className="mono">{type}</span>
        </span>
      </div>
    ),
  },
  { key: 'status', label: 'Status', cell: ({ status }) => <IssueStatusTag status={status} /> },
  {
    key: 'days',
    label: 'Last 14 days',
    width: 120,
    cell: ({ days }) => <Sparkline days={days} width={110} height={26} />,
  },
  { key: 'count', label: 'Occurrences', align: 'right', cell: ({ count }) => count.toLocaleString('en') },
  {
    key: 'seen',
    label: 'Seen',
    cell: ({ firstSeenAt, lastSeenAt }) => (
      <span style={{ whiteSpace: 'nowrap' }}>
        <RelativeTime time={lastSeenAt} />
        <Text fz="xs" c="dimmed" component="div">
          first <RelativeTime time={firstSeenAt} />
        </Text>
      </span>
    ),
  },
  {
    key: 'source',
    label: 'Source',
    cell: ({ app, environment, release }) => {
      const parts = [app, environment, release].filter((part) => part !== null);
      return parts.length === 0 ? (
        '–'
      ) : (
        <Text fz="xs" component="div" style={{ overflowWrap: 'anywhere' }} maw={180}>
          {parts.join(' · ')}
        </Text>
      );
    },
  },
];

function toIssueQuery({ get, cursor }: ListState) {
  const findValue = <Value extends string>(values: readonly Value[], name: string) =>
    values.find((value) => value === get(name));
  return {
    q: get('q'),
    status: get('status') === ANY_STATUS ? undefined : (findValue(ISSUE_STATUSES, 'status') ?? 'open'),
    level: findValue(ERROR_LEVELS, 'level'),
    environment: get('environment'),
    release: get('release'),
    app: get('app'),
    sort: findValue(ISSUE_SORTS, 'sort'),
    cursor,
  } as const;
}

function ReportErrorsHint() {
  return (
    <DimmedText>
      Point any Sentry SDK here: create an <TextLink to="/errors/keys">error key</TextLink> and configure the SDK with
      its DSN.
    </DimmedText>
  );
}

/** The errors of the workspace's applications, grouped into issues. */
export function IssuesPage() {
  const { api, workspace, isAdmin } = useWorkspace();
  const state = useListState();
  const setStatus = useSetIssueStatus();
  const [deleting, setDeleting] = useState<ErrorIssue | null>(null);
  const query = toIssueQuery(state);
  const list = useList(
    [workspace.id, 'errors'],
    api.errors.issues.list,
    { ...query, limit: 50 },
    { refetchInterval: state.isPaged ? false : POLL_INTERVAL_MS },
  );
  const filtered = isFiltered(state, FILTERS);
  return (
    <Page
      title="Errors"
      description="Similar errors are grouped into one issue. A resolved issue reopens when it recurs; a muted one does not."
      actions={<TextLink to="/errors/keys">Error keys</TextLink>}
    >
      <Stack gap="md">
        <FilterBar state={state} filters={FILTERS}>
          <TextFilter
            state={state}
            name="q"
            label="Search issues by title"
            placeholder="Search by title"
            icon={<IconSearch size={16} aria-hidden />}
          />
          <SelectFilter
            state={state}
            name="status"
            label="Status"
            anyLabel="Open"
            options={[
              { value: 'resolved', label: 'Resolved' },
              { value: 'muted', label: 'Muted' },
              { value: ANY_STATUS, label: 'Any status' },
            ]}
          />
          <SelectFilter
            state={state}
            name="level"
            label="Level"
            anyLabel="Any level"
            options={ERROR_LEVELS.map((level) => ({ value: level, label: capitalize(level) }))}
          />
          <TextFilter state={state} name="environment" label="Environment" placeholder="Environment" />
          <TextFilter state={state} name="release" label="Release" placeholder="Release" />
          <TextFilter state={state} name="app" label="App" placeholder="App" />
          <NativeSelect
            aria-label="Sort by"
            data={ISSUE_SORTS.map((value) => ({ value, label: SORT_LABELS[value] }))}
            value={query.sort ?? ISSUE_SORTS[0]}
            onChange={(event) => state.set({ sort: event.currentTarget.value })}
          />
        </FilterBar>
        <ListBody
          label="Issues"
          list={list}
          columns={COLUMNS}
          state={state}
          rowName={({ title }) => title}
          isFiltered={filtered}
          renderRowActions={
            isAdmin
              ? (issue) => (
                  <RowMenu
                    name={issue.title}
                    actions={[
                      ...STATUS_TRANSITIONS[issue.status].map((status) => ({
                        ...STATUS_ACTIONS[status],
                        onSelect: () => setStatus.mutate({ issue, status }),
                      })),
                      deleteAction(() => setDeleting(issue)),
                    ]}
                  />
                )
              : undefined
          }
          empty={
            <EmptyState icon={<IconBug size={26} />} title="No open issues">
              <ReportErrorsHint />
            </EmptyState>
          }
        />
      </Stack>
      {deleting !== null && <DeleteIssueDialog issue={deleting} onClose={() => setDeleting(null)} />}
    </Page>
  );
}
