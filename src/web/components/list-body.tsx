import { Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Page } from '../../contract/paging.ts';
import { type Column, DataTable } from './data-table.tsx';
import { IconSearch } from './icons.ts';
import type { ListState } from './list-state.ts';
import { EmptyState, ErrorState, TableSkeleton } from './states.tsx';

interface ListBodyProps<Row> {
  /** What the table lists, for screen readers. */
  readonly label: string;
  readonly list: UseQueryResult<Page<Row>>;
  readonly columns: readonly Column<Row>[];
  readonly state: ListState;
  readonly rowName: (row: Row) => string;
  /** Whether the list is filtered, so that an empty result does not mean that there are no items. */
  readonly isFiltered: boolean;
  /** Shown if there are no items. */
  readonly empty: ReactNode;
  readonly rows?: number;
  readonly renderRowActions?: ((row: Row) => ReactNode) | undefined;
}

/** A list in any state: loading, failed, empty, without matches, or a table. */
export function ListBody<Row extends { readonly id: string }>(props: ListBodyProps<Row>) {
  const { label, list, columns, state, rowName, isFiltered, empty, renderRowActions } = props;
  if (list.isPending) return <TableSkeleton rows={props.rows} />;
  if (list.error !== null) return <ErrorState error={list.error} retry={() => void list.refetch()} />;
  const { data, nextCursor } = list.data;
  if (data.length === 0 && !isFiltered) return empty;
  if (data.length === 0) {
    return (
      <EmptyState icon={<IconSearch size={26} />} title="No results">
        <Text c="dimmed" fz="sm">
          No results match your search and filters.
        </Text>
      </EmptyState>
    );
  }
  return (
    <div>
      <DataTable
        label={label}
        columns={columns}
        rows={data}
        rowId={({ id }) => id}
        rowName={rowName}
        nextCursor={nextCursor}
        state={state}
        stale={list.isPlaceholderData}
        renderRowActions={renderRowActions}
      />
    </div>
  );
}
