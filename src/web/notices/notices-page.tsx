import { Group, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { NOTICE_KINDS, NOTICE_STATUSES } from '../../contract/event-names.ts';
import { DAY } from '../../contract/limits.ts';
import type { Notice } from '../../contract/notices.ts';
import { queryClient } from '../api.ts';
import type { Column } from '../components/data-table.tsx';
import { FilterBar, SelectFilter } from '../components/filters.tsx';
import { formatDate } from '../components/format.ts';
import { IconBell, IconBellOff, IconCheck } from '../components/icons.ts';
import { TextLink } from '../components/link.tsx';
import { ListBody } from '../components/list-body.tsx';
import { useListState } from '../components/list-state.ts';
import { Tag } from '../components/notice.tsx';
import { notifyError } from '../components/notify-error.ts';
import { Page } from '../components/page.tsx';
import { RelativeTime, TimeCell } from '../components/relative-time.tsx';
import { type RowAction, RowMenu } from '../components/row-menu.tsx';
import { EmptyState, NoPermission } from '../components/states.tsx';
import { notifyWithUndo } from '../components/undo.tsx';
import { useList } from '../components/use-list.ts';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const texts = strings.page;
/** Maximum number of addresses shown in a row. */
const MAX_ADDRESSES = 3;
const SNOOZE_DAYS = { day: 1, week: 7, month: 30 } as const;

/**
 * Describes the last use of a credential and the addresses that used it last or, if the credential was deleted, when it
 * was deleted and the addresses from which its secret has been used since.
 */
function describeUse({ lastUsedAt, deletedAt, addresses }: NonNullable<Notice['credential']>): ReactNode {
  const from = addresses
    .slice(0, MAX_ADDRESSES)
    .map(({ address }) => address)
    .join(', ');
  if (deletedAt !== null) return texts.deleted(<RelativeTime time={deletedAt} />, from);
  return lastUsedAt === null ? texts.neverUsed : texts.lastUsed(<RelativeTime time={lastUsedAt} />, from);
}

function CredentialSummary({ credential }: { readonly credential: NonNullable<Notice['credential']> }) {
  const { createdBy } = credential;
  return (
    <>
      {createdBy === null ? texts.creatorDeleted : texts.createdBy(createdBy.name)}, {describeUse(credential)}
    </>
  );
}

function describeStatus({ status, dismissedBy, dismissedAt, snoozedUntil }: Notice): ReactNode {
  if (status === 'snoozed' && snoozedUntil !== null) return texts.snoozedUntil(formatDate(snoozedUntil));
  if (status !== 'dismissed' || dismissedAt === null) return null;
  return texts.dismissedBy(dismissedBy?.name ?? texts.deletedAccount, <RelativeTime time={dismissedAt} />);
}

/** Converts a path of the web UI, which can contain a query, to the properties of a link. */
function toLinkProps(path: string): { readonly to: string; readonly search: Readonly<Record<string, string>> } {
  const url = new URL(path, window.location.origin);
  return { to: url.pathname, search: Object.fromEntries(url.searchParams) };
}

const COLUMNS: readonly Column<Notice>[] = [
  {
    key: 'notice',
    label: texts.columns.notice,
    wide: true,
    cell: (notice) => (
      <Stack gap={4}>
        <Text fz="sm" fw={550} style={{ overflowWrap: 'anywhere' }} maw={520}>
          {notice.title}
        </Text>
        <Group gap={6}>
          <Tag tone={notice.urgent ? 'danger' : 'neutral'}>{strings.kinds[notice.kind]}</Tag>
        </Group>
        {notice.credential !== null && (
          <Text fz="xs" c="dimmed" component="div" maw={520}>
            <CredentialSummary credential={notice.credential} />
          </Text>
        )}
        <Text fz="xs" c="dimmed" component="div">
          {describeStatus(notice)}
        </Text>
      </Stack>
    ),
  },
  { key: 'since', label: texts.columns.since, cell: ({ createdAt }) => <TimeCell time={createdAt} relative /> },
  {
    key: 'next',
    label: texts.columns.next,
    cell: ({ action }) => {
      const { to, search } = toLinkProps(action.path);
      return (
        // The cast is necessary because the server returns the path, so it is not one of the router's literal types.
        <TextLink to={to as '/notices'} search={search}>
          {action.text}
        </TextLink>
      );
    },
  },
];

/** Returns a function that lists the actions for a notice. Dismissing and snoozing can be undone. */
function useNoticeActions(): (notice: Notice) => readonly RowAction[] {
  const { api, workspace } = useWorkspace();
  const refresh = () => queryClient.invalidateQueries({ queryKey: [workspace.id, 'notices'] });
  const reopen = (id: string) => api.notices.reopen(id).then(refresh);
  /** Dismisses the notice if `snoozeDays` is null, otherwise snoozes it for that number of days. */
  function dismissOrSnooze({ id, title }: Notice, snoozeDays: number | null): void {
    const body = snoozeDays === null ? {} : { until: new Date(Date.now() + snoozeDays * DAY).toISOString() };
    const message = snoozeDays === null ? texts.dismissed(title) : texts.snoozed(title);
    api.notices
      .dismiss(id, body)
      .then(refresh)
      .then(() => notifyWithUndo(message, () => reopen(id)))
      .catch(notifyError);
  }
  return (notice) => {
    if (notice.status !== 'open') {
      return [{ label: texts.reopen, Icon: IconBell, onSelect: () => void reopen(notice.id).catch(notifyError) }];
    }
    const snooze = (duration: keyof typeof SNOOZE_DAYS): RowAction => ({
      label: texts.snooze(texts.durations[duration]),
      Icon: IconBellOff,
      onSelect: () => dismissOrSnooze(notice, SNOOZE_DAYS[duration]),
    });
    return [
      { label: texts.dismiss, Icon: IconCheck, onSelect: () => dismissOrSnooze(notice, null) },
      ...(['day', 'week', 'month'] as const).map(snooze),
    ];
  };
}

const toLabeledOptions = <Value extends string>(values: readonly Value[], labels: Readonly<Record<Value, string>>) =>
  values.map((value) => ({ value, label: labels[value] }));

function Notices() {
  const { api, workspace } = useWorkspace();
  const state = useListState();
  const getActions = useNoticeActions();
  const status = NOTICE_STATUSES.find((name) => name === state.get('status')) ?? 'open';
  const kind = NOTICE_KINDS.find((name) => name === state.get('kind'));
  const list = useList(
    [workspace.id, 'notices'],
    api.notices.list,
    { status, kind, cursor: state.cursor },
    { refetchInterval: 60_000 },
  );
  return (
    <Stack gap="md">
      <FilterBar state={state} filters={['status', 'kind']}>
        <SelectFilter
          state={state}
          name="status"
          label={texts.status}
          defaultLabel={strings.statuses.open}
          options={toLabeledOptions(
            NOTICE_STATUSES.filter((name) => name !== 'open'),
            strings.statuses,
          )}
        />
        <SelectFilter
          state={state}
          name="kind"
          label={texts.kind}
          defaultLabel={texts.anyKind}
          options={toLabeledOptions(NOTICE_KINDS, strings.kinds)}
        />
      </FilterBar>
      <ListBody
        label={texts.title}
        list={list}
        columns={COLUMNS}
        state={state}
        rowName={({ title }) => title}
        isFiltered={kind !== undefined}
        renderRowActions={(notice) => <RowMenu name={notice.title} actions={getActions(notice)} />}
        empty={
          <EmptyState
            icon={<IconCheck size={26} />}
            title={status === 'open' ? texts.emptyTitle : texts.emptyFilteredTitle}
          >
            {status === 'open' ? texts.emptyHint : texts.emptyFilteredHint}
          </EmptyState>
        }
      />
    </Stack>
  );
}

/** The notices of the workspace, for owners and admins. */
export function NoticesPage() {
  const { isAdmin } = useWorkspace();
  return (
    <Page title={texts.title} description={texts.description}>
      {isAdmin ? <Notices /> : <NoPermission />}
    </Page>
  );
}
