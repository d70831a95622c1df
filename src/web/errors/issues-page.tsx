import { NativeSelect, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { ErrorIssue } from '../../contract/errors.ts';
import { ERROR_LEVELS, ISSUE_SORTS, ISSUE_STATUSES } from '../../contract/platform-vocabulary.ts';
import type { Column } from '../components/data-table.tsx';
import { FilterBar, isFiltered, SelectFilter, TextFilter } from '../components/filters.tsx';
import { capitalize } from '../components/format.ts';
import { IconBug, IconSearch } from '../components/icons.ts';
import { ButtonLink, NameLink, TextLink } from '../components/link.tsx';
import { ListBody } from '../components/list-body.tsx';
import { type ListState, useListState } from '../components/list-state.ts';
import { Page } from '../components/page.tsx';
import { RelativeTime, TimeCell } from '../components/relative-time.tsx';
import { deleteAction, RowMenu } from '../components/row-menu.tsx';
import { EmptyState } from '../components/states.tsx';
import { useList } from '../components/use-list.ts';
import { useWorkspace } from '../session.ts';
import { DeleteIssueDialog } from './delete-issue-dialog.tsx';
import styles from './errors.module.css';
import { IssueStatusTag, LevelTag, STATUS_ACTIONS, STATUS_TRANSITIONS, useSetIssueStatus } from './issue-status.tsx';
import { Sparkline } from './sparkline.tsx';
import { strings } from './strings.ts';

const FILTERS = ['q', 'status', 'level', 'environment', 'release', 'app'] as const;
const POLL_INTERVAL_MS = 15_000;
type IssueSort = (typeof ISSUE_SORTS)[number];
/** The URL's value for issues of any status. Without a value, the page shows open issues. */
const ANY_STATUS = 'any';

const COLUMNS: readonly Column<ErrorIssue>[] = [
  {
    key: 'title',
    label: strings.issuesPage.columns.issue,
    cell: ({ id, title, type, level }) => (
      <div className={styles['issue']}>
        <NameLink to="/errors/$id" params={{ id }}>
          {title}
        </NameLink>
        <span className={styles['tags']}>
          <LevelTag level={level} /> <span className="mono">{type}</span>
        </span>
      </div>
    ),
  },
  { key: 'status', label: strings.issuesPage.columns.status, cell: ({ status }) => <IssueStatusTag status={status} /> },
  {
    key: 'days',
    label: strings.issuesPage.columns.last14Days,
    width: 120,
    cell: ({ days }) => <Sparkline days={days} width={110} height={26} />,
  },
  {
    key: 'count',
    label: strings.issuesPage.columns.occurrences,
    align: 'right',
    cell: ({ count }) => count.toLocaleString('en'),
  },
  {
    key: 'seen',
    label: strings.issuesPage.columns.seen,
    cell: ({ firstSeenAt, lastSeenAt }) => (
      <>
        <TimeCell time={lastSeenAt} relative />
        <Text fz="xs" c="dimmed" component="div" className="time-cell">
          {strings.issuesPage.firstSeen(<RelativeTime time={firstSeenAt} withDate />)}
        </Text>
      </>
    ),
  },
  {
    key: 'source',
    label: strings.issuesPage.columns.source,
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

interface IssueFiltersProps {
  readonly state: ListState;
  readonly sort: IssueSort;
}

function IssueFilters({ state, sort }: IssueFiltersProps) {
  return (
    <FilterBar state={state} filters={FILTERS}>
      <TextFilter
        state={state}
        name="q"
        label={strings.issuesPage.searchLabel}
        placeholder={strings.issuesPage.searchPlaceholder}
        icon={<IconSearch size={16} aria-hidden />}
      />
      <SelectFilter
        state={state}
        name="status"
        label={strings.issuesPage.statusLabel}
        defaultLabel={strings.issuesPage.filter.open}
        options={[
          { value: 'resolved', label: strings.issuesPage.filter.resolved },
          { value: 'muted', label: strings.issuesPage.filter.muted },
          { value: ANY_STATUS, label: strings.issuesPage.filter.anyStatus },
        ]}
      />
      <SelectFilter
        state={state}
        name="level"
        label={strings.issuesPage.levelLabel}
        defaultLabel={strings.issuesPage.anyLevel}
        options={ERROR_LEVELS.map((level) => ({ value: level, label: capitalize(level) }))}
      />
      <TextFilter
        state={state}
        name="environment"
        label={strings.issuesPage.environmentLabel}
        placeholder={strings.issuesPage.environmentPlaceholder}
      />
      <TextFilter
        state={state}
        name="release"
        label={strings.issuesPage.releaseLabel}
        placeholder={strings.issuesPage.releasePlaceholder}
      />
      <TextFilter
        state={state}
        name="app"
        label={strings.issuesPage.appLabel}
        placeholder={strings.issuesPage.appPlaceholder}
      />
      <NativeSelect
        aria-label={strings.issuesPage.sortBy}
        data={ISSUE_SORTS.map((value) => ({ value, label: strings.issuesPage.sortLabels[value] }))}
        value={sort}
        onChange={(event) => state.set({ sort: event.currentTarget.value })}
      />
    </FilterBar>
  );
}

/** Shown if the workspace has no open issues. */
function NoIssues() {
  const { isAdmin } = useWorkspace();
  return (
    <EmptyState
      icon={<IconBug size={26} />}
      title={strings.issuesPage.noOpenIssuesTitle}
      action={isAdmin && <ButtonLink to="/errors/keys">{strings.issuesPage.setUpReporting}</ButtonLink>}
    >
      {isAdmin ? strings.issuesPage.howToReport : strings.issuesPage.askToSetUp}
    </EmptyState>
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
    { refetchInterval: state.isLaterPage ? false : POLL_INTERVAL_MS },
  );
  return (
    <Page
      title={strings.issuesPage.title}
      description={strings.issuesPage.description}
      actions={<TextLink to="/errors/keys">{strings.issuesPage.errorKeys}</TextLink>}
    >
      <Stack gap="md">
        <IssueFilters state={state} sort={query.sort ?? ISSUE_SORTS[0]} />
        <ListBody
          label={strings.issuesPage.issues}
          list={list}
          columns={COLUMNS}
          state={state}
          rowName={({ title }) => title}
          isFiltered={isFiltered(state, FILTERS)}
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
          empty={<NoIssues />}
        />
      </Stack>
      {deleting !== null && <DeleteIssueDialog issue={deleting} onClose={() => setDeleting(null)} />}
    </Page>
  );
}
