import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Page } from '../../contract/paging.ts';
import { type Column, DataTable, type Selection } from './data-table.tsx';
import { IconSearch } from './icons.ts';
import type { ListState } from './list-state.ts';
import { EmptyState, QueryContent, TableSkeleton } from './states.tsx';
import { strings } from './strings.ts';

interface ListBodyProps<Row> {
  /** What the table lists, for screen readers. */
  readonly label: string;
  readonly list: UseQueryResult<Page<Row>>;
  readonly columns: readonly Column<Row>[];
  readonly state: ListState;
  readonly rowId?: (row: Row) => string;
  readonly rowName: (row: Row) => string;
  /** Whether the list is filtered, so that an empty result does not mean that there are no items. */
  readonly isFiltered?: boolean;
  /** Shown if there are no items. */
  readonly empty: ReactNode;
  /** Number of rows of the placeholder that is shown while the list loads. */
  readonly placeholderRows?: number;
  readonly selection?: Selection<Row> | undefined;
  readonly renderRowActions?: ((row: Row) => ReactNode) | undefined;
  /** Whether a row belongs to the row above it. */
  readonly isAttached?: (row: Row) => boolean;
}

/** A list in any state: loading, failed, empty, without matches, or a table. */
export function ListBody<Row extends { readonly id: string }>(props: ListBodyProps<Row>) {
  const { list, isFiltered = false, empty, placeholderRows, rowId = ({ id }) => id, ...table } = props;
  return (
    <QueryContent query={list} placeholder={<TableSkeleton rows={placeholderRows} />}>
      {({ data, nextCursor }) => {
        if (data.length === 0) return isFiltered ? <NoResults /> : empty;
        return (
          <div>
            <DataTable {...table} rows={data} rowId={rowId} nextCursor={nextCursor} isStale={list.isPlaceholderData} />
          </div>
        );
      }}
    </QueryContent>
  );
}

function NoResults() {
  return (
    <EmptyState icon={<IconSearch size={26} />} title={strings.listBody.noResultsTitle}>
      {strings.listBody.noResultsHint}
    </EmptyState>
  );
}
