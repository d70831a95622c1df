import { Button, Stack } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { Page as ResultPage } from '../../contract/paging.ts';
import type { RESOURCE_SORTS } from '../../contract/platform-vocabulary.ts';
import { useWorkspace } from '../session.ts';
import type { Column } from './data-table.tsx';
import { FilterBar, isFiltered, type NamedResource, SearchField, SelectFilter, toOptions } from './filters.tsx';
import { capitalize } from './format.ts';
import { IconPlus } from './icons.ts';
import { ListBody } from './list-body.tsx';
import { getResourceSort, useListState } from './list-state.ts';
import { Page } from './page.tsx';
import { deleteAction, editAction, RowMenu } from './row-menu.tsx';
import { EmptyState } from './states.tsx';
import { strings } from './strings.ts';
import { useList } from './use-list.ts';

interface ResourceQuery {
  readonly q: string | undefined;
  readonly sort: (typeof RESOURCE_SORTS)[number] | undefined;
  readonly cursor: string | undefined;
  readonly project: string | undefined;
  readonly server: string | undefined;
}

interface ResourceListPageProps<Row> {
  readonly noun: 'project' | 'app' | 'server' | 'script';
  readonly description: string;
  readonly icon: ReactNode;
  /** The hint for owners and admins while the list is empty. */
  readonly emptyHint: ReactNode;
  readonly list: (query: ResourceQuery, options: { readonly signal: AbortSignal }) => Promise<ResultPage<Row>>;
  readonly columns: readonly Column<Row>[];
  /** The resources that the list can be filtered by. */
  readonly filters?: { readonly [name in 'project' | 'server']?: readonly NamedResource[] };
  /** The dialog that creates a resource. Pass `onCreate` instead if resources are created on a separate page. */
  readonly renderCreateDialog?: (close: () => void) => ReactNode;
  readonly onCreate?: () => void;
  /** The dialog that edits a resource. Pass `onEdit` instead if resources are edited on a separate page. */
  readonly renderEditDialog?: (row: Row, close: () => void) => ReactNode;
  readonly onEdit?: (row: Row) => void;
  readonly renderDeleteDialog: (row: Row, close: () => void) => ReactNode;
  /** A link to the page where a required resource must be created first; undefined if that resource exists. */
  readonly prerequisite?: ReactNode;
}

type OpenDialog<Row> = { readonly dialog: 'create' } | { readonly dialog: 'edit' | 'delete'; readonly row: Row };

/** The list of a kind of named resource, with the actions of owners and admins. */
export function ResourceListPage<Row extends NamedResource>(props: ResourceListPageProps<Row>) {
  const { noun, columns, filters = {}, prerequisite } = props;
  const { workspace, isAdmin } = useWorkspace();
  const state = useListState();
  const [openDialog, setOpenDialog] = useState<OpenDialog<Row> | null>(null);
  const plural = `${noun}s`;
  const title = capitalize(plural);
  const filterNames = ['q', ...Object.keys(filters)];
  const list = useList([workspace.id, plural], props.list, {
    q: state.get('q'),
    sort: getResourceSort(state),
    cursor: state.cursor,
    project: filters.project && state.get('project'),
    server: filters.server && state.get('server'),
  });
  const close = () => setOpenDialog(null);
  const isListFiltered = isFiltered(state, filterNames);
  const isEmpty = list.data?.data.length === 0 && !isListFiltered;
  const createButton = isAdmin && prerequisite === undefined && (
    <Button
      leftSection={<IconPlus size={16} />}
      onClick={props.onCreate ?? (() => setOpenDialog({ dialog: 'create' }))}
    >
      {strings.resourceListPage.newResource(noun)}
    </Button>
  );
  const edit = props.onEdit ?? ((row: Row) => setOpenDialog({ dialog: 'edit', row }));
  return (
    <Page title={title} description={props.description} actions={!isEmpty && createButton}>
      <Stack gap="md">
        {!isEmpty && (
          <FilterBar state={state} filters={filterNames}>
            <SearchField state={state} label={strings.resourceListPage.searchByName(plural)} />
            {Object.entries(filters).map(([name, resources]) => (
              <SelectFilter
                key={name}
                state={state}
                name={name}
                label={capitalize(name)}
                defaultLabel={strings.resourceListPage.anyOption(name)}
                options={toOptions(resources)}
              />
            ))}
          </FilterBar>
        )}
        <ListBody
          label={title}
          list={list}
          columns={columns}
          state={state}
          rowName={({ name }) => name}
          isFiltered={isListFiltered}
          renderRowActions={
            isAdmin
              ? (row) => (
                  <RowMenu
                    name={row.name}
                    actions={[
                      editAction(() => edit(row)),
                      deleteAction(() => setOpenDialog({ dialog: 'delete', row })),
                    ]}
                  />
                )
              : undefined
          }
          empty={
            <EmptyState
              icon={props.icon}
              title={strings.resourceListPage.emptyTitle(plural)}
              action={createButton || (isAdmin && prerequisite)}
            >
              {isAdmin ? props.emptyHint : strings.resourceListPage.askToCreate(plural)}
            </EmptyState>
          }
        />
      </Stack>
      {openDialog?.dialog === 'create' && props.renderCreateDialog?.(close)}
      {openDialog?.dialog === 'edit' && props.renderEditDialog?.(openDialog.row, close)}
      {openDialog?.dialog === 'delete' && props.renderDeleteDialog(openDialog.row, close)}
    </Page>
  );
}
