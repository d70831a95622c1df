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
  /** What these are, in the plural: “projects”. */
  readonly plural: string;
  readonly description: string;
  readonly icon: ReactNode;
  /** The button that makes one: “New project”. */
  readonly createLabel: string;
  /** What an owner or admin reads while there is none. */
  readonly emptyHint: ReactNode;
  readonly list: UseQueryResult<PageOf<Row>>;
  readonly columns: readonly Column<Row>[];
  readonly state: ListState;
  /** The words of the filters in the address; `q` is always among them. */
  readonly filters: readonly string[];
  /** The filters beside the search. */
  readonly filterControls?: ReactNode;
  /** The dialog that makes one; or, where that is a page, the way to it as `onCreate`. */
  readonly renderCreateDialog?: (close: () => void) => ReactNode;
  readonly onCreate?: () => void;
  /** The dialog that edits one; or, where that is a page, the way to it as `onEdit`. */
  readonly renderEditDialog?: (row: Row, close: () => void) => ReactNode;
  readonly onEdit?: (row: Row) => void;
  readonly renderDeleteDialog: (row: Row, close: () => void) => ReactNode;
  /** False where something else must be there first. */
  readonly canCreate?: boolean;
}

type OpenDialog<Row> = { readonly dialog: 'create' } | { readonly dialog: 'edit' | 'delete'; readonly row: Row };

/** The list of one kind of things that have a name, with everything that owners and admins can do to them. */
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
