import { Button, Stack, Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, Suspense, useState } from 'react';
import type { Page as PageOf } from '../../contract/paging.ts';
import { useWorkspace } from '../session.ts';
import type { Column } from './data-table.tsx';
import { FilterBar, isFiltered, SearchField } from './filters.tsx';
import { IconPlus } from './icons.ts';
import { ListBody } from './list-body.tsx';
import type { ListState } from './list-state.ts';
import { Page } from './page.tsx';
import { RowMenu } from './row-menu.tsx';
import { EmptyState } from './states.tsx';

interface ResourceListPageProps<Row> {
  readonly title: string;
  /** The plural of the kind, for example “projects”. */
  readonly plural: string;
  readonly description: string;
  readonly icon: ReactNode;
  /** The label of the create button, for example “New project”. */
  readonly createLabel: string;
  /** The hint for owners and admins while the list is empty. */
  readonly emptyHint: ReactNode;
  readonly list: UseQueryResult<PageOf<Row>>;
  readonly columns: readonly Column<Row>[];
  readonly state: ListState;
  /** The names of the filters in the URL, including `q`. */
  readonly filters: readonly string[];
  /** Filters in addition to the search field. */
  readonly filterControls?: ReactNode;
  /** The dialog that creates a resource. Pass `onCreate` instead if a page does that. */
  readonly renderCreateDialog?: (close: () => void) => ReactNode;
  readonly onCreate?: () => void;
  /** The dialog that edits a resource. Pass `onEdit` instead if a page does that. */
  readonly renderEditDialog?: (row: Row, close: () => void) => ReactNode;
  readonly onEdit?: (row: Row) => void;
  readonly renderDeleteDialog: (row: Row, close: () => void) => ReactNode;
  /** False if another resource must be created first. */
  readonly canCreate?: boolean;
}

type OpenDialog<Row> = { readonly dialog: 'create' } | { readonly dialog: 'edit' | 'delete'; readonly row: Row };

/** The list of a kind of named resource, with the actions of owners and admins. */
export function ResourceListPage<Row extends { readonly id: string; readonly name: string }>(
  props: ResourceListPageProps<Row>,
) {
  const { title, plural, description, icon, list, columns, state, filters, canCreate = true } = props;
  const { isAdmin } = useWorkspace();
  const [open, setOpen] = useState<OpenDialog<Row> | null>(null);
  const close = () => setOpen(null);
  const filtered = isFiltered(state, filters);
  const isEmpty = list.data?.data.length === 0 && !filtered;
  const createButton = isAdmin && canCreate && (
    <Button leftSection={<IconPlus size={16} />} onClick={props.onCreate ?? (() => setOpen({ dialog: 'create' }))}>
      {props.createLabel}
    </Button>
  );
  return (
    <Page title={title} description={description} actions={!isEmpty && createButton}>
      <Stack gap="md">
        {!isEmpty && (
          <FilterBar state={state} filters={filters}>
            <SearchField state={state} label={`Search ${plural} by name`} />
            {props.filterControls}
          </FilterBar>
        )}
        <ListBody
          label={title}
          list={list}
          columns={columns}
          state={state}
          rowName={({ name }) => name}
          isFiltered={filtered}
          renderRowActions={
            isAdmin
              ? (row) => (
                  <RowMenu
                    name={row.name}
                    onEdit={() => (props.onEdit ?? ((item: Row) => setOpen({ dialog: 'edit', row: item })))(row)}
                    onDelete={() => setOpen({ dialog: 'delete', row })}
                  />
                )
              : undefined
          }
          empty={
            <EmptyState icon={icon} title={`No ${plural} yet`} action={createButton}>
              <Text c="dimmed" fz="sm" component="div">
                {isAdmin ? props.emptyHint : `An owner or admin of this workspace can create ${plural}.`}
              </Text>
            </EmptyState>
          }
        />
      </Stack>
      <Suspense fallback={null}>
        {open?.dialog === 'create' && props.renderCreateDialog?.(close)}
        {open?.dialog === 'edit' && props.renderEditDialog?.(open.row, close)}
        {open?.dialog === 'delete' && props.renderDeleteDialog(open.row, close)}
      </Suspense>
    </Page>
  );
}
