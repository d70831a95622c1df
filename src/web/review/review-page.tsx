import { Button, Checkbox, Group, Stack, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Review } from '../../contract/review.ts';
import { REVIEW_REASONS } from '../../contract/vocabulary.ts';
import type { ReviewListQuery } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import actionBarStyles from '../components/action-bar.module.css';
import { isFiltered } from '../components/filters.tsx';
import { IconActivity, IconCheck, IconRefresh, IconShieldCheck } from '../components/icons.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { ListBody } from '../components/list-body.tsx';
import { type ListState, useListState } from '../components/list-state.ts';
import { Notice } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { ExactTime } from '../components/relative-time.tsx';
import { deleteAction, RowMenu } from '../components/row-menu.tsx';
import { EmptyState, NoPermission } from '../components/states.tsx';
import { useList } from '../components/use-list.ts';
import { getKindConfig, type Right } from '../credentials/kinds.ts';
import { useWorkspace } from '../session.ts';
import { REVIEW_COLUMNS, type ReviewRow, sortByRisk } from './columns.tsx';
import { RevealedVariables } from './revealed-variables.tsx';
import { ReviewExport } from './review-export.tsx';
import { strings } from './strings.ts';

const KeepDialog = lazyComponent(() => import('./keep-dialog.tsx').then((file) => file.KeepDialog));
const DeleteCredentialDialog = lazyComponent(() =>
  import('../credentials/delete-credential-dialog.tsx').then((file) => file.DeleteCredentialDialog),
);
const BulkDeleteDialog = lazyComponent(() =>
  import('../credentials/bulk-delete-dialog.tsx').then((file) => file.BulkDeleteDialog),
);
const ReplaceCredentialDialog = lazyComponent(() =>
  import('../credentials/replace-credential-dialog.tsx').then((file) => file.ReplaceCredentialDialog),
);

const FILTERS = ['reason', 'createdBy', 'includeKept'];

/** Converts the URL's filters to the API's query. An unknown reason is ignored. */
function toQuery(state: ListState): ReviewListQuery {
  return {
    reason: REVIEW_REASONS.find((reason) => reason === state.get('reason')),
    createdBy: state.get('createdBy'),
    includeKept: state.get('includeKept') === 'true' ? true : undefined,
  };
}

/** `narrow` opens the dialog of `replace` with only the rights that the credential has used. */
type OpenDialog =
  | { readonly dialog: 'keep' | 'delete selected'; readonly rows: readonly ReviewRow[] }
  | { readonly dialog: 'narrow' | 'replace' | 'delete'; readonly row: ReviewRow };

interface ReviewMenuProps {
  readonly row: ReviewRow;
  readonly onOpen: (openDialog: OpenDialog) => void;
}

function ReviewMenu({ row, onOpen }: ReviewMenuProps) {
  const navigate = useNavigate();
  const { credential, usedRights } = row;
  const { path, rightsLabel } = getKindConfig(credential);
  const canReplace = credential.replacedBy === null;
  return (
    <RowMenu
      name={credential.name}
      actions={[
        { label: strings.actions.keep, Icon: IconCheck, onSelect: () => onOpen({ dialog: 'keep', rows: [row] }) },
        canReplace &&
          usedRights !== null && {
            label: strings.actions.narrow(rightsLabel.toLowerCase()),
            Icon: IconRefresh,
            onSelect: () => onOpen({ dialog: 'narrow', row }),
          },
        canReplace && {
          label: strings.actions.replace,
          Icon: IconRefresh,
          onSelect: () => onOpen({ dialog: 'replace', row }),
        },
        {
          label: strings.actions.details,
          Icon: IconActivity,
          onSelect: () => void navigate({ to: `${path}/$id`, params: { id: credential.id }, search: {} }),
        },
        deleteAction(() => onOpen({ dialog: 'delete', row })),
      ]}
    />
  );
}

/**
 * A button for each reason that applies to at least one credential, and the checkbox that includes kept credentials.
 */
function ReviewFilters({ state, review }: { readonly state: ListState; readonly review: Review | undefined }) {
  const selected = state.get('reason');
  const reasons = sortByRisk(REVIEW_REASONS).filter(
    (reason) => (review?.counts[reason] ?? 0) > 0 || reason === selected,
  );
  const button = (label: string, value: string | undefined) => (
    <Button
      key={label}
      size="compact-sm"
      variant={selected === value ? 'filled' : 'default'}
      aria-pressed={selected === value}
      onClick={() => state.set({ reason: value })}
    >
      {label}
    </Button>
  );
  return (
    <Group gap="xs" role="group" aria-label={strings.page.filterLabel}>
      {button(strings.page.all(selected === undefined ? (review?.total ?? null) : null), undefined)}
      {reasons.map((reason) => button(strings.page.reason(reason, review?.counts[reason] ?? 0), reason))}
      <Checkbox
        size="sm"
        ml="auto"
        label={strings.page.includeKept}
        checked={state.get('includeKept') === 'true'}
        onChange={(event) => state.set({ includeKept: event.currentTarget.checked ? 'true' : undefined })}
      />
    </Group>
  );
}

/** Shown while the list is filtered by creator: a notice, and the variables whose values the creator has viewed. */
function CreatorNotice({ state, rows }: { readonly state: ListState; readonly rows: readonly ReviewRow[] }) {
  const createdBy = state.get('createdBy');
  if (createdBy === undefined) return null;
  const name = rows[0]?.credential.createdBy?.name ?? state.get('name') ?? strings.page.thisPerson;
  return (
    <>
      <Notice tone="neutral">
        {strings.page.onlyCreatedBy(<b>{name}</b>)}{' '}
        <Button size="compact-xs" variant="subtle" onClick={() => state.set({ createdBy: undefined, name: undefined })}>
          {strings.page.showAll}
        </Button>
      </Notice>
      <RevealedVariables personId={createdBy} personName={name} />
    </>
  );
}

function EmptyReview({ review }: { readonly review: Review | undefined }) {
  const { lastReviewAt = null, lastReviewedBy = null } = review ?? {};
  return (
    <EmptyState icon={<IconShieldCheck size={26} />} title={strings.page.emptyTitle}>
      {lastReviewAt === null
        ? strings.page.noDecision
        : strings.page.lastDecision(<ExactTime time={lastReviewAt} />, lastReviewedBy)}
    </EmptyState>
  );
}

interface ReviewDialogsProps {
  readonly openDialog: OpenDialog | null;
  readonly onClose: () => void;
  /** Called with the IDs of credentials that were kept or deleted. */
  readonly onDecided: (ids: ReadonlySet<string>) => void;
}

function ReviewDialogs({ openDialog, onClose, onDecided }: ReviewDialogsProps) {
  if (openDialog === null) return null;
  if ('rows' in openDialog) {
    const credentials = openDialog.rows.map(({ credential }) => credential);
    return openDialog.dialog === 'keep' ? (
      <KeepDialog credentials={credentials} onClose={onClose} onKept={(id) => onDecided(new Set([id]))} />
    ) : (
      <BulkDeleteDialog kind={null} credentials={credentials} onClose={onClose} onDeleted={onDecided} />
    );
  }
  const { credential, usedRights, id } = openDialog.row;
  if (openDialog.dialog === 'delete') {
    return (
      <DeleteCredentialDialog credential={credential} onClose={onClose} onDeleted={() => onDecided(new Set([id]))} />
    );
  }
  const rights = openDialog.dialog === 'narrow' && usedRights !== null ? (usedRights as readonly Right[]) : undefined;
  return <ReplaceCredentialDialog credential={credential} rights={rights} onClose={onClose} />;
}

interface SelectionBarProps {
  readonly rows: ReadonlyMap<string, ReviewRow>;
  readonly onClear: () => void;
  readonly onOpen: (openDialog: OpenDialog) => void;
}

function SelectionBar({ rows, onClear, onOpen }: SelectionBarProps) {
  if (rows.size === 0) return null;
  const selected = [...rows.values()];
  return (
    <section className={actionBarStyles['bar']} aria-label={strings.page.selection}>
      <Text fz="sm" fw={550} role="status">
        {strings.page.selected(rows.size)}
      </Text>
      <Group gap="xs">
        <Button size="xs" variant="default" onClick={onClear}>
          {strings.page.clearSelection}
        </Button>
        <Button size="xs" variant="default" onClick={() => onOpen({ dialog: 'keep', rows: selected })}>
          {strings.page.keepSelected}
        </Button>
        <Button
          size="xs"
          className="button-danger"
          onClick={() => onOpen({ dialog: 'delete selected', rows: selected })}
        >
          {strings.page.deleteSelected}
        </Button>
      </Group>
    </section>
  );
}

function ReviewContent() {
  const { workspace, api } = useWorkspace();
  const state = useListState();
  const [openDialog, setOpenDialog] = useState<OpenDialog | null>(null);
  const [selected, setSelected] = useState<ReadonlyMap<string, ReviewRow>>(new Map());
  const queryKey = [workspace.id, 'review'];
  const list = useList(
    queryKey,
    async (query: ReviewListQuery, options) => {
      const review = await api.review.list(query, options);
      return { ...review, data: review.data.map((item): ReviewRow => ({ ...item, id: item.credential.id })) };
    },
    { ...toQuery(state), cursor: state.cursor },
  );
  const rows = list.data?.data ?? [];
  const refresh = () => void queryClient.invalidateQueries({ queryKey });

  return (
    <Page
      title={strings.page.title}
      description={strings.page.description}
      actions={<ReviewExport query={toQuery(state)} />}
    >
      <Stack gap="md">
        <CreatorNotice state={state} rows={rows} />
        <ReviewFilters state={state} review={list.data} />
        <ListBody
          label={strings.page.listLabel}
          list={list}
          columns={REVIEW_COLUMNS}
          state={state}
          rowName={({ credential }) => credential.name}
          isFiltered={isFiltered(state, FILTERS)}
          selection={{ rows: selected, set: setSelected }}
          renderRowActions={(row) => <ReviewMenu row={row} onOpen={setOpenDialog} />}
          empty={<EmptyReview review={list.data} />}
        />
        <SelectionBar rows={selected} onClear={() => setSelected(new Map())} onOpen={setOpenDialog} />
      </Stack>
      <ReviewDialogs
        openDialog={openDialog}
        onClose={() => {
          setOpenDialog(null);
          refresh();
        }}
        onDecided={(ids) => {
          setSelected((before) => new Map([...before].filter(([id]) => !ids.has(id))));
          refresh();
        }}
      />
    </Page>
  );
}

/** The credentials of the workspace that should be reviewed. For owners and admins. */
export function ReviewPage() {
  const { isAdmin } = useWorkspace();
  if (isAdmin) return <ReviewContent />;
  return (
    <Page title={strings.page.title}>
      <NoPermission />
    </Page>
  );
}
