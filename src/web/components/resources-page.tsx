import { Button, Stack, Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, Suspense, useState } from 'react';
import type { Page as PageOf } from '../../contract/schemas.ts';
import { useWorkspace } from '../session.ts';
import type { Column } from './data-table.tsx';
import { FilterBar, isFiltered, SearchField } from './filters.tsx';
import { IconPlus } from './icons.ts';
import { ListBody } from './list-body.tsx';
import type { ListState } from './list-state.ts';
import { Page } from './page.tsx';
import { RowMenu } from './row-menu.tsx';
import { EmptyState } from './states.tsx';

interface ResourcesPageProps<Row> {
  readonly title: string;
  /** What these are, in the plural: “projects”. */
  readonly plural: string;
  readonly about: string;
  readonly icon: ReactNode;
  /** The button that makes one: “New project”. */
  readonly create: string;
  /** What an owner or admin reads while there is none. */
  readonly hint: ReactNode;
  readonly list: UseQueryResult<PageOf<Row>>;
  readonly columns: readonly Column<Row>[];
  readonly state: ListState;
  /** The words of the filters in the address; `q` is always among them. */
  readonly filters: readonly string[];
  /** The filters beside the search. */
  readonly choices?: ReactNode;
  /** The dialog that makes one; or, where that is a page, the way to it as `onCreate`. */
  readonly creator?: (close: () => void) => ReactNode;
  readonly onCreate?: () => void;
  /** The dialog that edits one; or, where that is a page, the way to it as `onEdit`. */
  readonly editor?: (row: Row, close: () => void) => ReactNode;
  readonly onEdit?: (row: Row) => void;
  readonly remover: (row: Row, close: () => void) => ReactNode;
  /** False where something else must be there first. */
  readonly canCreate?: boolean;
}

type Open<Row> = { readonly dialog: 'create' } | { readonly dialog: 'edit' | 'delete'; readonly row: Row };

/** The list of one kind of things that have a name, with everything that owners and admins can do to them. */
export function ResourcesPage<Row extends { readonly id: string; readonly name: string }>(
  props: ResourcesPageProps<Row>,
) {
  const { title, plural, about, icon, list, columns, state, filters, canCreate = true } = props;
  const { isAdmin } = useWorkspace();
  const [open, setOpen] = useState<Open<Row> | null>(null);
  const close = () => setOpen(null);
  const filtered = isFiltered(state, filters);
  const nothingYet = list.data?.data.length === 0 && !filtered;
  const create = isAdmin && canCreate && (
    <Button leftSection={<IconPlus size={16} />} onClick={props.onCreate ?? (() => setOpen({ dialog: 'create' }))}>
      {props.create}
    </Button>
  );
  return (
    <Page title={title} description={about} actions={!nothingYet && create}>
      <Stack gap="md">
        {!nothingYet && (
          <FilterBar state={state} filters={filters}>
            <SearchField state={state} label={`Search ${plural} by name`} />
            {props.choices}
          </FilterBar>
        )}
        <ListBody
          label={title}
          list={list}
          columns={columns}
          state={state}
          rowName={({ name }) => name}
          filtered={filtered}
          tools={
            isAdmin
              ? (row) => (
                  <RowMenu
                    name={row.name}
                    onEdit={() => (props.onEdit ?? ((one: Row) => setOpen({ dialog: 'edit', row: one })))(row)}
                    onDelete={() => setOpen({ dialog: 'delete', row })}
                  />
                )
              : undefined
          }
          empty={
            <EmptyState icon={icon} title={`No ${plural} yet`} action={create}>
              <Text c="dimmed" fz="sm" component="div">
                {isAdmin ? props.hint : `An owner or admin of this workspace can create ${plural}.`}
              </Text>
            </EmptyState>
          }
        />
      </Stack>
      <Suspense fallback={null}>
        {open?.dialog === 'create' && props.creator?.(close)}
        {open?.dialog === 'edit' && props.editor?.(open.row, close)}
        {open?.dialog === 'delete' && props.remover(open.row, close)}
      </Suspense>
    </Page>
  );
}
